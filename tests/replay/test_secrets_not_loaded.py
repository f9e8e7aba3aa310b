"""When somebody is told that servers do not have the present secrets: the deployed alarm, minute by minute."""

from collections.abc import Sequence

from replay import Series
from tests.recorder import Recording
from tests.replay.stacks import at, recorded_stack, replayed

LOOKS = 5
"""Minutes from one to the next."""
HOUR = 60
ALARM = "SecretsNotLoaded"


def looks(*ages: Sequence[int]) -> Series:
    """What servers write, each of them at each look; an empty tuple for no word of anybody."""
    points = [(at(LOOKS * number), float(age)) for number, found in enumerate(ages) for age in found]
    return Series(metric="SecretsBehindSeconds", points=points)


def test_one_server_of_three_is_behind_for_more_than_an_hour(production: Recording) -> None:
    """Since minute 10: the look of minute 75 is the first above an hour, and two periods of ten minutes must have one.

    The look of minute 105 finds it caught up.
    """
    behind = [(0, 0, max(0, (LOOKS * number - 10) * 60)) for number in range(21)]
    caught_up = [(0, 0, 0)] * 10

    assert replayed(recorded_stack(production), looks(*behind, *caught_up), until=150) == [
        (86, ALARM, "ALARM", "notified"),
        (111, ALARM, "OK", "notified"),
    ]


def test_a_reload_that_takes_some_looks_tells_nobody(staging: Recording) -> None:
    ages = [(0, 0), (300, 0), (600, 0), (3300, 0), (3600, 300), (0, 0), (0, 0)] * 3

    assert replayed(recorded_stack(staging), looks(*ages), until=100) == []


def test_a_server_that_was_stopped_says_so_once(production: Recording) -> None:
    assert replayed(recorded_stack(production), looks(*[(0,)] * 4, (7200, 0), *[(0,)] * 8), until=60) == []


def test_silence_of_all_servers_is_told(production: Recording) -> None:
    """After 41 minutes: CloudWatch looks back further than two periods before it takes silence for an answer."""
    quiet: list[tuple[int, ...]] = [()] * 20

    assert [each[:3] for each in replayed(recorded_stack(production), looks(*[(0,)] * 5, *quiet), until=3 * HOUR)] == [
        (61, ALARM, "ALARM")
    ]
