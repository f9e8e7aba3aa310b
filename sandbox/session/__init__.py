"""The commands of the sandbox: processes, the engine, and what is shown to the user."""
