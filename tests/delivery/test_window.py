"""When production may be deployed: every boundary, and against a judge that looks at each minute by itself."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bootstrap.access import CommandError
from bootstrap.stack_file import ROOT
from components.shared.maintenance_windows import DAYS, MonthlyWindow
from components.shared.section import Environment
from delivery.deployment_calendar import FILE_NAME, Calendar, Freeze, Window, check_reason, read_calendar
from delivery.window import judge, next_opening

PRODUCTION = Environment.PRODUCTION
MONTHLY = MonthlyWindow()


def window(days: Sequence[str], begin: str, end: str) -> Window:
    return Window.model_validate({"days": days, "from": begin, "until": end})


def freeze(begin: str, end: str, reason: str) -> Freeze:
    return Freeze.model_validate({"from": begin, "until": end, "reason": reason, "owner": "ops@fixrx.com"})


CALENDAR = Calendar(
    windows=[window(["mon", "tue", "wed", "thu"], "08:00", "15:00"), window(["fri"], "08:00", "11:00")],
    freezes=[freeze("2026-12-18T11:00Z", "2027-01-04T08:00Z", "Most of the team is away.")],
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def allowed(text: str) -> bool:
    return judge(PRODUCTION, CALENDAR, MONTHLY, at(text)).allowed


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        # Thursday.
        ("2026-11-26T07:59:59.999999", False),
        ("2026-11-26T08:00:00", True),
        ("2026-11-26T14:59:59.999999", True),
        ("2026-11-26T15:00:00", False),
        # Friday closes earlier, and Saturday does not open.
        ("2026-11-27T10:59:59", True),
        ("2026-11-27T11:00:00", False),
        ("2026-11-28T09:00:00", False),
        # The first Sunday of December, 02:00 to 06:00, and the second.
        ("2026-12-06T01:59:59", False),
        ("2026-12-06T02:00:00", True),
        ("2026-12-06T05:59:59", True),
        ("2026-12-06T06:00:00", False),
        ("2026-12-13T03:30:00", False),
        # Into the freeze and out of it: a Friday and a Monday, both at the time of a window.
        ("2026-12-18T10:59:59", True),
        ("2026-12-21T09:00:00", False),
        ("2027-01-03T03:00:00", False),
        ("2027-01-04T07:59:59", False),
        ("2027-01-04T08:00:00", True),
    ],
)
def test_windows_and_freezes_begin_with_their_first_moment_and_end_before_their_last(moment: str, open_: bool) -> None:
    assert allowed(moment) == open_


def test_the_sentences_say_why_and_until_when() -> None:
    def said(text: str) -> str:
        return judge(PRODUCTION, CALENDAR, MONTHLY, at(text)).sentence

    assert said("2026-11-26T09:00") == "Production may be deployed until Thu 2026-11-26 15:00 UTC."
    assert said("2026-11-27T12:34") == (
        "Fri 2026-11-27 12:34 UTC is in no deployment window. The next deployment may begin at Mon 2026-11-30 08:00 "
        "UTC."
    )
    assert said("2026-12-21T09:00") == (
        "Production is frozen until Mon 2027-01-04 08:00 UTC: Most of the team is away. (ops@fixrx.com). The next "
        "deployment may begin at Mon 2027-01-04 08:00 UTC."
    )


@pytest.mark.parametrize("environment", [Environment.STAGING, Environment.DEVELOPMENT])
@given(moment=st.datetimes(timezones=st.just(UTC)))
@example(moment=at("2026-12-21T03:00"))
def test_other_environments_may_be_deployed_at_any_time(environment: Environment, moment: datetime) -> None:
    verdict = judge(environment, CALENDAR, MONTHLY, moment)

    assert (verdict.allowed, verdict.sentence) == (True, f"{environment} may be deployed at any time.")


def test_a_monthly_window_goes_on_after_midnight() -> None:
    late = MonthlyWindow(day="sat", start="23:00", minutes=120)

    verdicts = {
        text: judge(PRODUCTION, CALENDAR, late, at(text)).allowed
        for text in ("2026-12-05T22:59", "2026-12-05T23:00", "2026-12-06T00:59", "2026-12-06T01:00", "2026-12-13T00:30")
    }

    assert list(verdicts.values()) == [False, True, True, False, False]


def test_a_calendar_that_never_opens_says_so() -> None:
    frozen = Calendar(
        windows=CALENDAR.windows, freezes=[freeze("2026-01-01T00:00Z", "2036-01-01T00:00Z", "For ever and ever")]
    )

    assert judge(PRODUCTION, frozen, MONTHLY, at("2026-11-26T09:00")).sentence.endswith(
        "No window follows; change deployment-calendar.yaml."
    )


HALF_HOURS = [f"{hour:02d}:{minute:02d}" for hour in range(24) for minute in (0, 30)]


@st.composite
def windows(draw: st.DrawFn) -> Window:
    begin, end = sorted(draw(st.lists(st.sampled_from(HALF_HOURS), min_size=2, max_size=2, unique=True)))
    days = draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=3, unique=True))
    return window(days, begin, end)


@st.composite
def freezes(draw: st.DrawFn) -> Freeze:
    begin = at("2026-11-28T00:00") + timedelta(minutes=30 * draw(st.integers(0, 480)))
    end = begin + timedelta(minutes=30 * draw(st.integers(1, 240)))
    return freeze(f"{begin:%Y-%m-%dT%H:%MZ}", f"{end:%Y-%m-%dT%H:%MZ}", "A reason to freeze")


def is_open(calendar: Calendar, monthly: MonthlyWindow, moment: datetime) -> bool:
    """The rule of the calendar, written down once more and in another way: by the text of the time of day."""
    clock, day = f"{moment:%H:%M}", f"{moment:%a}".lower()
    if any(each.begin <= moment < each.end for each in calendar.freezes):
        return False
    if any(day in each.days and each.begin <= clock < each.end for each in calendar.windows):
        return True
    hour, minute = map(int, monthly.start.split(":"))
    first = next(
        begin
        for number in range(1, 8)
        if f"{(begin := moment.replace(day=number, hour=hour, minute=minute, second=0, microsecond=0)):%a}".lower()
        == monthly.day
    )
    return first <= moment < first + timedelta(minutes=monthly.minutes)


@given(
    open_=st.lists(windows(), min_size=1, max_size=3),
    closed=st.lists(freezes(), max_size=3),
    monthly=st.builds(
        MonthlyWindow,
        day=st.sampled_from(DAYS),
        start=st.sampled_from(HALF_HOURS),
        minutes=st.integers(2, 24).map(lambda each: each * 30),
    ),
    minutes=st.integers(0, 14 * 24 * 60),
)
def test_every_minute_is_judged_by_the_rule(
    open_: Sequence[Window], closed: Sequence[Freeze], monthly: MonthlyWindow, minutes: int
) -> None:
    calendar = Calendar(windows=open_, freezes=closed)
    now = at("2026-11-28T00:00") + timedelta(minutes=minutes)

    verdict = judge(PRODUCTION, calendar, monthly, now)

    assert verdict.allowed == is_open(calendar, monthly, now)
    # Everything here begins and ends on half hours.
    half_hour = now.replace(minute=now.minute // 30 * 30)
    later = (
        each for step in range(1, 3000) if is_open(calendar, monthly, each := half_hour + timedelta(minutes=30 * step))
    )
    expected = now if verdict.allowed else next(later)
    assert next_opening(calendar, monthly, now) == expected


def write(folder: Path, text: str) -> Path:
    (folder / FILE_NAME).write_text(text)
    return folder


NO_TIME = "is no time in UTC; it looks like 2026-12-18T16:00Z"
GOOD = """
windows:
  - {days: [mon], from: "08:00", until: "15:00"}
freezes:
  - {from: 2026-12-18T16:00Z, until: 2027-01-04T06:00Z, reason: Most people are away, owner: ops@fixrx.com}
"""


def test_the_calendar_of_the_project_can_be_read() -> None:
    calendar = read_calendar(ROOT)

    assert calendar.windows and calendar.freezes


def test_times_are_read_as_they_are_written(tmp_path: Path) -> None:
    """YAML takes 08:00 for 480 and a time with a Z for one without a zone."""
    calendar = read_calendar(write(tmp_path, GOOD.replace('"', "")))

    assert (calendar.windows[0].begin, calendar.windows[0].end) == ("08:00", "15:00")
    assert (calendar.freezes[0].begin, calendar.freezes[0].end) == (at("2026-12-18T16:00"), at("2027-01-04T06:00"))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "[mon]",
            "[Monday]",
            "windows.0.days.0: is not known; choose 'mon', 'tue', 'wed', 'thu', 'fri', 'sat' or 'sun'",
        ),
        ("[mon]", "[]", "windows.0.days: is empty; write at least one"),
        ('"08:00"', '"8:00"', 'windows.0.from: is not a time of day in UTC; did you mean "08:00"'),
        ('"15:00"', '"08:00"', "windows.0: until is not after from; write two windows for hours around midnight"),
        ("until: 2027-01-04T06:00Z", "until: 2026-12-18T16:00Z", "freezes.0: until is not after from"),
        ("2027-01-04T06:00Z", "2027-01-04T06:00", f"freezes.0.until: {NO_TIME}"),
        ("2027-01-04T06:00Z", "2027-01-04T06:00+01:00", f"freezes.0.until: {NO_TIME}"),
        ("2027-01-04T06:00Z", "2027-01-04", f"freezes.0.until: {NO_TIME}"),
        ("Most people are away", "away", "freezes.0.reason: is no reason: write at least 10 characters, in one line"),
        ("ops@fixrx.com", "ops", "freezes.0.owner: is not an e-mail address; it looks like ops@fixrx.com"),
        (", owner: ops@fixrx.com", "", "freezes.0.owner: is missing"),
        ("reason:", "why:", "freezes.0.reason: is missing\n  freezes.0.why: is not known; remove it"),
        ("windows:", "window:", "windows: is missing\n  window: is not known; remove it"),
    ],
)
def test_a_calendar_that_is_wrong_is_refused_with_everything_that_is_wrong(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    with pytest.raises(CommandError) as raised:
        read_calendar(write(tmp_path, GOOD.replace(old, new)))

    assert str(raised.value) == f"{FILE_NAME} cannot be used:\n  {problem}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", f"{FILE_NAME} cannot be used:\n  windows: is missing"),
        ("- 1", f"{FILE_NAME} cannot be used:"),
        ("{", f"{FILE_NAME} is not valid YAML; correct it."),
    ],
)
def test_a_file_that_is_no_calendar_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(CommandError) as raised:
        read_calendar(write(tmp_path, text))
    assert str(raised.value).startswith(sentence)


def test_without_a_calendar_nothing_is_deployed(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"does not exist; restore it\.$"):
        read_calendar(tmp_path)


@pytest.mark.parametrize("text", ["", "         ", "urgent", "two lines\nof a reason", "\x1b[31mred letters"])
def test_a_reason_that_explains_nothing_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match=r"^The text is no reason: write at least 10 characters, in one line\.$"):
        check_reason(text)


def test_a_reason_is_kept_without_the_space_around_it() -> None:
    assert check_reason("  Patients cannot log in ") == "Patients cannot log in"
