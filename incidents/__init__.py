"""Commands for people about incidents: acknowledge one, and try the way of a message in the sandbox."""
