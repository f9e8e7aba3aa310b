"""Accepted deviations: who accepted which finding, why, and until when. They are in `waivers.yaml`.

A waived finding is still shown, as waived. Once the waiver has expired, the finding counts again, and the expired
waiver is a violation too.
"""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import yaml

from policies.engine.evaluation import Finding

WAIVER_FILE: Final = Path(__file__).parents[1] / "waivers.yaml"
SHORTEST_REASON: Final = 10
"""Characters. "Accepted" is not a reason."""
EMAIL_ADDRESS: Final = re.compile(r"[^@\s]+@[^@\s]+")


class WaiverError(ValueError):
    """The waiver file cannot be used. The message says where and why."""


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """One accepted deviation."""

    rule: str
    urn: str
    """Pattern of the URNs that it covers; `*` stands for any text."""
    owner: str
    """E-mail address of the person who is responsible."""
    reason: str
    expires: date
    """Last day on which it holds."""

    def covers(self, finding: Finding) -> bool:
        """Tell whether this finding was accepted."""
        return self.rule == finding.rule.name and self.matches(finding.resource.urn)

    def matches(self, urn: str) -> bool:
        """Tell whether a resource is meant."""
        return fnmatchcase(urn, self.urn)

    @property
    def summary(self) -> str:
        """Who accepted it, until when and why, in one line."""
        return f"{self.owner}, until {self.expires:%-d %B %Y}: {' '.join(self.reason.split())}"


@dataclass(frozen=True)
class Partition:
    """Findings that count, and findings that a waiver covers."""

    active: Sequence[Finding]
    waived: Sequence[tuple[Finding, Waiver]]


class Waivers:
    """All waivers, on a given day."""

    def __init__(self, waivers: Iterable[Waiver], today: date) -> None:
        self._today = today
        self._waivers = tuple(waivers)

    @property
    def expired(self) -> Sequence[Waiver]:
        """Those that no longer hold."""
        return [waiver for waiver in self._waivers if waiver.expires < self._today]

    def partition(self, findings: Iterable[Finding]) -> Partition:
        """Separate the findings that count from those that a waiver covers today."""
        active: list[Finding] = []
        waived: list[tuple[Finding, Waiver]] = []
        for finding in findings:
            waiver = self._current_waiver(finding)
            if waiver is None:
                active.append(finding)
            else:
                waived.append((finding, waiver))
        return Partition(active, waived)

    def _current_waiver(self, finding: Finding) -> Waiver | None:
        holds = (waiver for waiver in self._waivers if waiver.covers(finding) and waiver.expires >= self._today)
        return next(holds, None)


def read_waivers(path: Path, rules: Collection[str], today: date) -> Waivers:
    """Read a waiver file. Raises WaiverError that lists every entry that is incomplete or names no rule."""
    try:
        entries = yaml.safe_load(path.read_text()) or []
    except (OSError, yaml.YAMLError) as error:
        raise WaiverError(f"{path.name} cannot be read: {error}") from error
    if not isinstance(entries, list):
        raise WaiverError(f"{path.name} must be a list of waivers.")
    mistakes = [
        f"entry {number}, {mistake}"
        for number, entry in enumerate(entries, start=1)
        for mistake in _mistakes(entry, rules)
    ]
    if mistakes:
        raise WaiverError(f"{path.name} cannot be used: {'; '.join(mistakes)}.")
    return Waivers((Waiver(**entry) for entry in entries), today)


def _mistakes(entry: Any, rules: Collection[str]) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield "as a whole: is not a waiver"
        return
    wanted = [field.name for field in fields(Waiver)]
    yield from (f"{name}: is missing" for name in wanted if name not in entry)
    yield from (f"{name}: is not part of a waiver" for name in entry if name not in wanted)
    for name, value in entry.items():
        mistake = _mistake(name, value, rules)
        if mistake is not None:
            yield f"{name}: {mistake}"


def _mistake(name: str, value: Any, rules: Collection[str]) -> str | None:
    match name:
        case "expires" if not isinstance(value, date):
            return "must be a day, for instance 2027-03-31"
        case "owner" if not EMAIL_ADDRESS.fullmatch(str(value)):
            return "must be an e-mail address"
        case "reason" if len(str(value).strip()) < SHORTEST_REASON:
            return "must explain why, in 10 characters or more"
        case "rule" if value not in rules:
            close = difflib.get_close_matches(str(value), rules, n=1)
            return f"there is no rule {value}" + (f", did you mean {close[0]}?" if close else "")
        case _:
            return None
