"""`python -m delivery image` and `python -m delivery window`."""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path

from bootstrap.access import CommandError
from bootstrap.stack_file import read_stack_file
from delivery.deployment_calendar import SHORTEST_REASON, check_reason, read_calendar
from delivery.image import compare, describe, is_newer, write
from delivery.progress import say
from delivery.release_commands import Subparsers
from delivery.window import judge


class Refused(CommandError):
    """A deployment that may not begin now."""


def add_commands(commands: Subparsers) -> None:
    image = commands.add_parser("image", help="compare the pinned image of the servers with the newest one")
    image.set_defaults(run=run_image)
    image.add_argument("--stack", required=True, help="for instance production")
    image.add_argument("--write", action="store_true", help="pin the newest in the stack's file")

    window = commands.add_parser("window", help="say whether a stack may be deployed now; the exit status is 0 if so")
    window.set_defaults(run=run_window)
    window.add_argument("--stack", required=True, help="for instance production")
    window.add_argument(
        "--emergency",
        metavar="REASON",
        default="",
        help=f"deploy all the same, for this reason of {SHORTEST_REASON} characters at least; it is recorded",
    )


def run_image(arguments: argparse.Namespace) -> None:
    file = read_stack_file(arguments.stack)
    found = compare(file)
    say(describe(file.stack, file.settings.app_servers.image_id, found, datetime.now(UTC)))
    if arguments.write and is_newer(found) and write(file, found.newest, file.settings.account.region):
        say(f"{file.file_name} has pinned the newest image now. A deployment replaces every server.")


def run_window(arguments: argparse.Namespace) -> None:
    settings = read_stack_file(arguments.stack).settings
    verdict = judge(settings.environment, read_calendar(), settings.maintenance_windows.monthly, datetime.now(UTC))
    if verdict.allowed:
        say(verdict.sentence)
    elif arguments.emergency:
        _record(f"{verdict.sentence} Deployed all the same, as an emergency: {check_reason(arguments.emergency)}")
    else:
        raise Refused(f"{verdict.sentence} In an emergency, give the reason with --emergency.")


def _record(sentence: str) -> None:
    """Print, and keep with the workflow's run for as long as GitHub keeps runs."""
    say(sentence)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as lines:
            lines.write(f"```\n{sentence}\n```\n")
