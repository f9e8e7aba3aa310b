"""Shows a plan of the official CLI, and refuses losses that nobody has approved.

pulumi preview --stack production --policy-pack policies --event-log events.json
python -m review events.json
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from review import ApprovalError, Approvals, Plan, lines, refusal, total


def main() -> None:
    """Exits with 1 if the plan must not be applied, with 2 if it cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m review", description=__doc__)
    parser.add_argument("events", type=Path, help="what `pulumi preview --event-log` has written")
    parser.add_argument("--approvals", type=Path, default=Path("approvals.yaml"))
    arguments = parser.parse_args()
    today = datetime.now(UTC).date()
    try:
        plan = Plan.from_event_log(arguments.events.read_text())
        missing = Approvals.read(arguments.approvals).missing(plan, today)
    except OSError as error:
        _end(f"{arguments.events} cannot be read: {error.strerror}.", 2)
    except ApprovalError as error:
        _end(str(error), 2)
    except (ValueError, KeyError, TypeError):
        _end(f"{arguments.events} is not the event log of a plan: write it with `pulumi preview --event-log`.", 2)
    for line in lines(plan):
        print(line)
    print(f"Plan: {total(plan)}.")
    if missing:
        _end(refusal(missing, str(arguments.approvals), today), 1)


def _end(sentence: str, status: int) -> NoReturn:
    print(f"error: {sentence}", file=sys.stderr)
    raise SystemExit(status)


if __name__ == "__main__":
    main()
