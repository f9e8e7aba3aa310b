"""Times of the week: when a cron expression of AWS starts, and when a window of RDS is. All in UTC and in minutes."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

DAY: Final = 24 * 60
WEEK: Final = 7 * DAY
DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
"""AWS's cron counts from 1, which is Sunday."""
WINDOW: Final = re.compile(r"(?:([a-z]{3}):)?(\d\d):(\d\d)-(?:([a-z]{3}):)?(\d\d):(\d\d)")


def starts(expression: str) -> Sequence[int] | None:
    """Return the minutes of a week in which `cron(...)` may start; None for what is no cron expression.

    A day of the month may be any day of the week, and the first Sunday is a Sunday.
    """
    fields = re.fullmatch(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)", expression.strip())
    if fields is None:
        return None
    try:
        minutes, hours = _values(fields[1], 0, 59), _values(fields[2], 0, 23)
        days = _values(re.sub(r"#\d|(?<=.)L", "", _numbered(fields[5])), 1, len(DAYS))
    except ValueError:
        return None
    return [(day - 1) * DAY + hour * 60 + minute for day in days for hour in hours for minute in minutes]


def spans(window: str) -> Sequence[tuple[int, int]]:
    """Return begin and length of `hh:mm-hh:mm` on every day, or of `ddd:hh:mm-ddd:hh:mm`; nothing for another text."""
    found = WINDOW.fullmatch(window.lower())
    if found is None or (found[1] is None) != (found[4] is None):
        return ()
    begin, end = int(found[2]) * 60 + int(found[3]), int(found[5]) * 60 + int(found[6])
    if found[1] is None:
        return [(day * DAY + begin, (end - begin) % DAY) for day in range(len(DAYS))]
    if not {found[1], found[4]} <= set(DAYS):
        return ()
    first, last = DAYS.index(found[1]) * DAY + begin, DAYS.index(found[4]) * DAY + end
    return [(first, (last - first) % WEEK)]


def distance(moment: int, lasting: int, span: tuple[int, int]) -> int:
    """Return the minutes between a span and what happens from `moment` on or up to `lasting` later; 0 if they meet."""
    begin, length = span
    return max(0, min((begin - moment) % WEEK - lasting, (moment - begin) % WEEK - length))


def clock(minute: int) -> str:
    return f"{minute % DAY // 60:02d}:{minute % 60:02d}"


def _numbered(days: str) -> str:
    """Return a field of days of the week with numbers instead of names."""
    return re.sub("[A-Za-z]{3}", lambda name: str(DAYS.index(name[0].lower()) + 1), days)


def _values(field: str, least: int, most: int) -> Sequence[int]:
    """Return what a field of cron stands for. Raises ValueError for what is none."""
    return sorted({value for part in field.split(",") for value in _part(part, least, most)})


def _part(part: str, least: int, most: int) -> Iterator[int]:
    base, slash, step = part.partition("/")
    first, dash, last = base.partition("-")
    if base in ("*", "?"):
        low, high = least, most
    elif dash:
        low, high = int(first), int(last)
    else:
        low, high = int(base), most if slash else int(base)
    yield from range(low, high + 1, int(step) if slash else 1)
