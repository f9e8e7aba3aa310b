"""Releases, static files, the servers' image, and whether a stack may be deployed now.

Every command ends with 0 if it did what it is for, and with 1 and a sentence otherwise. With `AWS_ENDPOINT_URL` it
talks to an emulator, such as the sandbox.
"""

import argparse
import sys
from collections.abc import Sequence

from bootstrap.console import exit_status
from delivery import assets_commands, other_commands, release_commands


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m delivery", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    release_commands.add_commands(commands)
    assets_commands.add_commands(commands)
    other_commands.add_commands(commands)
    parsed = parser.parse_args(arguments)
    return exit_status(lambda: parsed.run(parsed))


if __name__ == "__main__":
    sys.exit(main())
