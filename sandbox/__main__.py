"""`python -m sandbox`."""

from sandbox.session.command import main

main()
