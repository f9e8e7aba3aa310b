"""`python -m incidents acknowledge --stack production --incident ID --by NAME`, `fire`, `quiet` and `loud`.

The first asks the deployed function in the stack's account. The second needs a deployed sandbox and no account. The
last two begin and end the mute window of a deployment. The exit status is 0 if that is done, and 1 otherwise.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from bootstrap.access import CommandError, explain
from bootstrap.commands import access_to
from bootstrap.stack_file import read_stack_file
from incidents.fire import FireError, fire
from incidents.quiet import loud, muted, quiet
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


def mute(stack: str, begin: bool) -> None:
    """Begin or end the mute window of a deployment. Raises CommandError."""
    file = read_stack_file(stack)
    identity, runtime = file.settings.identity, file.settings.runtime
    access = access_to(file)
    access.identify()
    cloudwatch = access.client("cloudwatch")
    if begin:
        alarms = muted(identity, servers=runtime.has_servers, pods=runtime.has_pods)
        until = quiet(cloudwatch, identity, alarms, datetime.now(UTC))
        console.print(f"Until {until:%H:%M} UTC at the latest, these tell nobody: {', '.join(alarms)}.", markup=False)
    else:
        loud(cloudwatch, identity)
        console.print("All alarms tell again.", markup=False)


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
    for name, what in (("quiet", "begin the mute window of a deployment"), ("loud", "end it")):
        commands.add_parser(name, help=what).add_argument("--stack", required=True)
    options = parser.parse_args(arguments)
    try:
        if options.command == "acknowledge":
            return 0 if acknowledge(options.stack, options.incident, options.by) else 1
        if options.command in ("quiet", "loud"):
            mute(options.stack, options.command == "quiet")
            return 0
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
