"""Build, upload and pin releases, renew the servers' image, ask whether a stack may be deployed now.

Every command ends with 0 if it did what it is for, and with 1 and a sentence otherwise. With `AWS_ENDPOINT_URL` it
talks to an emulator, such as the sandbox.
"""

import argparse
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from bootstrap.access import CommandError, explain
from delivery import other_commands, release_commands
from delivery.progress import console
from settings import InvalidSettings

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m delivery", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    release_commands.add_commands(commands)
    other_commands.add_commands(commands)
    parsed = parser.parse_args(arguments)
    try:
        parsed.run(parsed)
    except (CommandError, InvalidSettings) as error:
        console.print(f"[red]error:[/red] {escape(str(error))}")
        return 1
    except (ClientError, BotoCoreError) as error:
        console.print(f"[red]error:[/red] {escape(explain(error))}; run the command again when that is corrected.")
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted.")
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
