"""`python -m sandbox`."""

import signal

# Importing takes a second and more: Ctrl-C ends that silently, where Python would print a traceback.
signal.signal(signal.SIGINT, signal.SIG_DFL)

from sandbox.session.command import main  # noqa: E402

signal.signal(signal.SIGINT, signal.default_int_handler)
main()
