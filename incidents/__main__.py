"""`python -m incidents acknowledge --stack production --incident ID --by NAME`, and `python -m incidents fire`.

The first asks the deployed function in the stack's account. The second needs a deployed sandbox and no account. The
exit status is 0 if the incident is acknowledged, or the message was delivered, and 1 otherwise.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from bootstrap.access import CommandError, explain
from bootstrap.commands import access_to
from bootstrap.stack_file import read_stack_file
from incidents.fire import FireError, fire
from settings import InvalidSettings

console = Console(highlight=False, emoji=False, soft_wrap=True)


def acknowledge(stack: str, incident: str, by: str) -> bool:
    """Ask the function, and print what it has done. Raises CommandError."""
    file = read_stack_file(stack)
    access = access_to(file)
    access.identify()
    name = f"{file.settings.identity.prefix}-notifier"
    request = json.dumps({"acknowledge": incident, "by": by})
    answer = access.client("lambda").invoke(FunctionName=name, Payload=request)
    if "FunctionError" in answer:
        raise CommandError(f"The function {name} failed; its log says why: aws logs tail /fixrx/{stack}/notifier.")
    result = json.loads(answer["Payload"].read())
    console.print(json.dumps(result, indent=2, ensure_ascii=False), markup=False)
    return result.get("outcome") in ("acknowledged", "already acknowledged")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m incidents", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    asked = commands.add_parser("acknowledge", help="say that somebody looks after an incident")
    asked.add_argument("--stack", required=True)
    asked.add_argument("--incident", required=True, help="as it is in the message")
    asked.add_argument("--by", required=True, help="your name")
    fired = commands.add_parser("fire", help="follow an alarm of the sandbox to Slack and the mail")
    fired.add_argument("--state", type=Path, required=True, help="what the sandbox wrote after `up`")
    fired.add_argument("--alarm", required=True, help="without the stack's name, such as ApiDown")
    options = parser.parse_args(arguments)
    try:
        if options.command == "acknowledge":
            return 0 if acknowledge(options.stack, options.incident, options.by) else 1
        table = fire(options.state, options.alarm)
    except (CommandError, FireError, InvalidSettings) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(f"error: {explain(error)}", file=sys.stderr)
        return 1
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
