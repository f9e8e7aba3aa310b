"""Shows a plan of the official CLI, and refuses losses that nobody has approved.

export PULUMI_DEBUG_COMMANDS=true  # without it the CLI does not know --event-log
pulumi preview --stack production --policy-pack policies --event-log events.json
python -m review events.json

With --drift: shows what somebody has changed or added without Pulumi.

pulumi refresh --stack production --preview-only --event-log events.json
python -m review --drift events.json
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from review import ApprovalError, Approvals, Plan, drift, lines, refusal, total


def main() -> None:
    """Exits with 1 if the plan must not be applied, with 2 if it cannot be read."""
    parser = argparse.ArgumentParser(
        prog="python -m review", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("events", type=Path, help="what `pulumi preview --event-log` or `refresh` has written")
    parser.add_argument("--approvals", type=Path, default=Path("approvals.yaml"))
    parser.add_argument("--drift", action="store_true", help="the events are of a refresh: show what it has found")
    arguments = parser.parse_args()
    try:
        plan = Plan.from_event_log(arguments.events.read_text())
    except OSError as error:
        _end(f"{arguments.events} cannot be read: {error.strerror}.", 2)
    except (ValueError, KeyError, TypeError):
        _end(f"{arguments.events} is not the event log of a plan: write it with `pulumi preview --event-log`.", 2)
    for line in drift(plan) if arguments.drift else lines(plan):
        print(line)
    if not arguments.drift:
        _end_unless_approved(plan, arguments.approvals)


def _end_unless_approved(plan: Plan, approvals: Path) -> None:
    today = datetime.now(UTC).date()
    print(f"Plan: {total(plan)}.")
    try:
        missing = Approvals.read(approvals).missing(plan, today)
    except ApprovalError as error:
        _end(str(error), 2)
    if missing:
        _end(refusal(missing, str(approvals), today), 1)


def _end(sentence: str, status: int) -> NoReturn:
    print(f"error: {sentence}", file=sys.stderr)
    raise SystemExit(status)


if __name__ == "__main__":
    main()
