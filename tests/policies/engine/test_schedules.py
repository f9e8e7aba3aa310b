"""Times of the week: what starts when, and how far that is from a window."""

import pytest

from policies.engine.schedules import DAY, WEEK, clock, distance, spans, starts

SUNDAY, MONDAY, SATURDAY = 0, DAY, 6 * DAY
FIVE = 5 * 60


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 5 * * ? *)", [day * DAY + FIVE for day in range(7)]),
        ("cron(0 5 1 * ? *)", [day * DAY + FIVE for day in range(7)]),
        ("cron(0 5 ? * MON *)", [MONDAY + FIVE]),
        ("cron(0 5 ? * 2 *)", [MONDAY + FIVE]),
        ("cron(30 5 ? * SUN#1 *)", [SUNDAY + FIVE + 30]),
        ("cron(0 5 ? * 7L *)", [SATURDAY + FIVE]),
        ("cron(0 5 ? * sun-mon *)", [SUNDAY + FIVE, MONDAY + FIVE]),
        ("cron(0 5,17 ? * MON *)", [MONDAY + FIVE, MONDAY + 17 * 60]),
        ("cron(0 6/12 ? * MON *)", [MONDAY + 6 * 60, MONDAY + 18 * 60]),
        ("cron(0 */12 ? * MON *)", [MONDAY, MONDAY + 12 * 60]),
        ("rate(12 hours)", None),
        ("cron(0 5 * *)", None),
        ("cron(0 five ? * MON *)", None),
        ("cron(0 5 ? * XYZ *)", None),
    ],
)
def test_starts(expression: str, expected: list[int] | None) -> None:
    assert starts(expression) == expected


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("02:00-02:30", [(day * DAY + 120, 30) for day in range(7)]),
        ("23:45-00:15", [(day * DAY + 1425, 30) for day in range(7)]),
        ("sun:03:00-sun:04:00", [(SUNDAY + 180, 60)]),
        ("Sat:23:30-Sun:00:30", [(SATURDAY + 1410, 60)]),
        ("", ()),
        ("sun:03:00-04:00", ()),
        ("xyz:03:00-xyz:04:00", ()),
    ],
)
def test_spans(window: str, expected: list[tuple[int, int]]) -> None:
    assert spans(window) == expected


@pytest.mark.parametrize(
    ("moment", "lasting", "span", "minutes"),
    [
        # From 05:00 to 06:00, after a window that ends at 04:00, and before one that begins at 07:00.
        (FIVE, 60, (180, 60), 60),
        (FIVE, 60, (420, 60), 60),
        # Inside, around, and at the edge of a window.
        (FIVE, 60, (290, 30), 0),
        (FIVE, 60, (310, 10), 0),
        (FIVE, 0, (240, 60), 0),
        (FIVE, 0, (301, 60), 1),
        # Across the end of the week.
        (WEEK - 30, 60, (20, 30), 0),
        (WEEK - 30, 10, (20, 30), 40),
        (10, 10, (WEEK - 60, 30), 40),
    ],
)
def test_distance(moment: int, lasting: int, span: tuple[int, int], minutes: int) -> None:
    assert distance(moment, lasting, span) == minutes


def test_clock() -> None:
    assert clock(MONDAY + FIVE + 7) == "05:07"
