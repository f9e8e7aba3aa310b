"""Releases of the backend and how they reach the servers: `python -m delivery <command>`."""
