"""Replays metric values against the alarms of a deployed stack, and prints who would have been told of what."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

from pydantic import AwareDatetime, TypeAdapter, ValidationError
from rich.console import Console

from replay import Replay, Series, SeriesError, StateError, read_series, read_stack
from replay.report import report

REPORT_WIDTH = 140
"""Columns in a log file, which has no width of its own."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits with 2 if the state or the series cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m replay", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="what `pulumi stack export` wrote")
    parser.add_argument("--series", type=_given_file, required=True, help="JSON list of series; README.md describes it")
    parser.add_argument("--from", dest="start", type=_time, help="time of the first evaluation; else the first point")
    parser.add_argument("--until", type=_time, help="time of the last evaluation; else a minute after the last point")
    options = parser.parse_args(arguments)
    try:
        stack = read_stack(options.state)
        series = read_series(options.series)
        start, until = _span(series, options.start, options.until)
        replay = Replay(stack, series, start)
        events = replay.advance(until)
    except (StateError, SeriesError) as error:
        _end(str(error))
    console = Console()
    if not console.is_terminal:
        console.width = REPORT_WIDTH
    console.print(report(stack, replay, events))


def _span(series: Sequence[Series], start: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    times = [point[0] for each in series for point in each.points]
    if not times and not (start and until):
        raise SeriesError(
            "There is no point in the series: say when the replay begins and ends, by --from and --until."
        )
    # A minute is known when it has ended.
    return start or min(times), until or max(times) + timedelta(minutes=1)


def _time(text: str) -> datetime:
    try:
        return TypeAdapter(AwareDatetime).validate_strings(text).astimezone(UTC)
    except ValidationError as error:
        raise argparse.ArgumentTypeError(f"{text} is not a time with its zone, such as 2026-11-26T02:00Z") from error


def _given_file(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("give a file: make replay SERIES=file.json")
    return Path(text)


def _end(sentence: str) -> NoReturn:
    print(f"error: {sentence}", file=sys.stderr)
    raise SystemExit(2)


if __name__ == "__main__":
    main()
