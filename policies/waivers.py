"""Accepted deviations: who accepted which finding, why, and until when. They live in `waivers.yaml`.

A waiver does not silence: its finding is still shown, as waived. Once it has expired, the finding counts again, and so
does the expired waiver itself.
"""

import difflib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from policies.evaluation import Finding

WAIVER_FILE = Path(__file__).with_name("waivers.yaml")

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class WaiverError(ValueError):
    """The waiver file cannot be used. The message says where and why."""


class Waiver(BaseModel):
    """One accepted deviation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: Text
    urn: Text
    """Pattern of the URNs that it covers; `*` stands for any text."""
    owner: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$")]
    """E-mail address of the person who answers for it."""
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=10)]
    expires: date
    """Last day on which it holds."""

    def covers(self, finding: Finding) -> bool:
        """Tell whether this is the finding that was accepted."""
        return self.policy == finding.rule.name and self.matches(finding.resource.urn)

    def matches(self, urn: str) -> bool:
        """Tell whether a resource is meant."""
        return fnmatchcase(urn, self.urn)

    @property
    def summary(self) -> str:
        """Who accepted it, until when and why, in one line."""
        return f"{self.owner}, until {self.expires:%-d %B %Y}: {self.reason}"


@dataclass(frozen=True)
class Sorted:
    """Findings, by what waivers make of them."""

    counting: Sequence[Finding]
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

    def sort(self, findings: Iterable[Finding]) -> Sorted:
        """Part the findings that count from those that a waiver covers today."""
        counting: list[Finding] = []
        waived: list[tuple[Finding, Waiver]] = []
        for finding in findings:
            waiver = self._current_waiver(finding)
            if waiver is None:
                counting.append(finding)
            else:
                waived.append((finding, waiver))
        return Sorted(counting, waived)

    def _current_waiver(self, finding: Finding) -> Waiver | None:
        holds = (waiver for waiver in self._waivers if waiver.covers(finding) and waiver.expires >= self._today)
        return next(holds, None)


def read_waivers(path: Path, policies: Collection[str], today: date) -> Waivers:
    """Read a waiver file. Raises WaiverError where an entry is incomplete or names a policy that does not exist."""
    try:
        content = yaml.safe_load(path.read_text()) or []
        waivers = TypeAdapter(list[Waiver]).validate_python(content)
    except (OSError, yaml.YAMLError) as error:
        raise WaiverError(f"{path.name} cannot be read: {error}") from error
    except ValidationError as error:
        raise WaiverError(f"{path.name} is not a list of complete waivers: {_explain(error)}") from error
    for waiver in waivers:
        if waiver.policy not in policies:
            close = difflib.get_close_matches(waiver.policy, policies, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise WaiverError(f"{path.name} waives {waiver.policy}, and there is no such policy{hint}")
    return Waivers(waivers, today)


def _explain(error: ValidationError) -> str:
    return "; ".join(
        f"entry {int(first) + 1 if isinstance(first, int) else first}, {'.'.join(map(str, rest)) or 'as a whole'}: "
        f"{mistake['msg']}"
        for mistake in error.errors()
        for first, *rest in [mistake["loc"] or ("file",)]
    )
