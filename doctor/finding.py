"""What a check found, and when it matters."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from doctor.context import Context


class Stage(StrEnum):
    """When something must be there at the latest."""

    BEFORE_UP = "before the first up"
    BEFORE_SERVERS = "before servers can start"
    BEFORE_ALARMS = "before alarms reach anybody"
    BEFORE_SUPPORT_ENDS = "before support ends"


class Status(StrEnum):
    """The result of a check."""

    OK = "ok"
    MISSING = "missing"
    LATER = "later"
    """Possible only after the first `up` has begun, and therefore not missing yet."""
    CANNOT_TELL = "cannot tell"
    NOT_CHECKED = "not checked"
    """Without credentials of the account."""
    ERROR = "error"
    """Its time is over."""
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, kw_only=True)
class Finding:
    status: Status
    sentence: str
    command: str = ""
    """What to type; empty where nothing is to do."""


def ok(sentence: str) -> Finding:
    return Finding(status=Status.OK, sentence=sentence)


def missing(sentence: str, command: str) -> Finding:
    return Finding(status=Status.MISSING, sentence=sentence, command=command)


def later(sentence: str, command: str = "") -> Finding:
    return Finding(status=Status.LATER, sentence=sentence, command=command)


def cannot_tell(sentence: str, command: str = "") -> Finding:
    return Finding(status=Status.CANNOT_TELL, sentence=sentence, command=command)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question to the account, and the function that answers it."""

    title: str
    stage: Stage
    run: Callable[[Context], Finding]
    """May raise the errors of boto3: `doctor.run` turns them into findings."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """A check with its finding."""

    check: Check
    finding: Finding
