"""Where the time of a boot went, from power-on to the first answer: seconds of each step."""

from collections.abc import Sequence
from dataclasses import dataclass

SYSTEM = "kernel and systemd"
CLOUD_INIT = "cloud-init"
PACKAGES = "packages"
FILES = "files and checks"
SECRETS = "secrets"
RELEASE = "release"
SERVICE = "service and first answer"
ORDER = (SYSTEM, CLOUD_INIT, PACKAGES, FILES, SECRETS, RELEASE, SERVICE)


@dataclass(frozen=True, kw_only=True, order=True)
class Event:
    """A moment at which a step had come further: the time since the event before is the step's."""

    at: float
    """In seconds since power-on."""
    step: str


def shares(events: Sequence[Event]) -> dict[str, float]:
    """Seconds of each step, in the order of a boot. They sum up to the last event's time."""
    seconds = dict.fromkeys(ORDER, 0.0)
    before = 0.0
    for event in sorted(events):
        seconds[event.step] += event.at - before
        before = event.at
    return seconds


def lines(seconds: dict[str, float]) -> list[str]:
    """A table for a person."""
    total = sum(seconds.values())
    width = max(map(len, seconds))
    rows = [f"  {step.ljust(width)}  {value:6.1f} s  {value / total:4.0%}" for step, value in seconds.items()]
    return [*rows, f"  {'power-on to first 200'.ljust(width)}  {total:6.1f} s"]
