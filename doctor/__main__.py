"""Say what is missing before a stack can be deployed: `python -m doctor --stack production`.

Nothing is changed. The exit status is 0 if nothing is missing and no support has ended, and 1 otherwise. With
`AWS_ENDPOINT_URL` it looks into an emulator, such as the sandbox.

`python -m doctor support --stack production` looks at the end of support only, without an account, and prints a line
for each version that needs something done. Its exit status is 0 if it could look.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bootstrap.access import CommandError
from bootstrap.commands import access_to
from bootstrap.stack_file import read_stack_file
from doctor import support
from doctor.domain import public_name_servers
from doctor.finding import Result, Stage, Status
from doctor.run import examine
from settings import InvalidSettings

COLOURS = {
    Status.OK: "green",
    Status.MISSING: "red",
    Status.LATER: "cyan",
    Status.CANNOT_TELL: "yellow",
    Status.NOT_CHECKED: "yellow",
    Status.ERROR: "red",
    Status.WARNING: "yellow",
    Status.NOTICE: "cyan",
}
FAILURES = (Status.MISSING, Status.ERROR)
WIDTH_OF_LOG = 120
"""In characters, where the output is no terminal."""
output = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else WIDTH_OF_LOG)
console = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


def show(results: Sequence[Result], stack: str, account_id: str) -> None:
    """One table for each stage, then the commands, which no table may break into lines."""
    output.print(escape(f"{stack}, account {account_id}"))
    width = max(len(result.check.title) for result in results)
    for stage in Stage:
        output.print(f"\n{stage.capitalize()}")
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(no_wrap=True, min_width=max(map(len, Status)))
        table.add_column(no_wrap=True, min_width=width)
        table.add_column(overflow="fold")
        for result in (result for result in results if result.check.stage is stage):
            status = result.finding.status
            sentence = escape(result.finding.sentence)
            table.add_row(f"[{COLOURS[status]}]{status}[/]", escape(result.check.title), sentence)
        output.print(table)
    for command, titles in _commands(results).items():
        output.print(escape(f"\n# {', '.join(titles)}\n{command}"), soft_wrap=True)
    output.print(f"\n{total(results)}")


def _commands(results: Sequence[Result]) -> Mapping[str, Sequence[str]]:
    """Every command once, with the titles of the checks that ask for it."""
    commands: dict[str, list[str]] = {}
    for result in results:
        if result.finding.command:
            commands.setdefault(result.finding.command, []).append(result.check.title)
    return commands


def total(results: Sequence[Result]) -> str:
    """The last line: how many of each."""
    counted = Counter(result.finding.status for result in results)
    return ", ".join(f"{counted[status]} {status}" for status in Status if counted[status]) + "."


def exit_status(results: Sequence[Result]) -> int:
    return 1 if any(result.finding.status in FAILURES for result in results) else 0


def ending(stack: str, results: Sequence[Result]) -> Iterator[str]:
    """The findings of support that need something done, as the lines of a list."""
    for finding in (result.finding for result in results):
        if finding.status is not Status.OK:
            yield f"- {stack}, {finding.status}: {finding.sentence}"


def today() -> date:
    return datetime.now(UTC).date()


def report_waiting(titles: Sequence[str]) -> None:
    console.print(escape(f"Waiting for AWS: {', '.join(titles)} ..."))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m doctor", description=__doc__)
    parser.add_argument("only", nargs="?", choices=["support"], help="look at nothing but the end of support")
    parser.add_argument("--stack", required=True, help="the stack to deploy, for instance production")
    arguments = parser.parse_args()
    try:
        file = read_stack_file(arguments.stack)
    except (CommandError, InvalidSettings) as error:
        console.print(f"[red]error:[/red] {escape(str(error))}")
        return 1
    supported = support.results(file.settings, today())
    if arguments.only:
        for line in ending(file.stack, supported):
            print(line)
        return 0
    access = access_to(file)
    try:
        results = [*examine(file, access, public_name_servers, report_waiting), *supported]
    except KeyboardInterrupt:
        console.print("Interrupted. Nothing was changed.")
        return 130
    show(results, file.stack, access.account_id)
    return exit_status(results)


if __name__ == "__main__":
    sys.exit(main())
