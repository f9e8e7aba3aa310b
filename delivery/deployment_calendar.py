"""`deployment-calendar.yaml`: when production may be deployed, and when it must not change. All times are UTC."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from bootstrap.access import CommandError
from bootstrap.stack_file import ROOT
from components.shared.maintenance_windows import Day, TimeOfDay
from components.shared.section import EmailAddress

FILE_NAME = "deployment-calendar.yaml"
SHORTEST_REASON = 10
"""In characters: enough for a sentence that somebody understands in a year."""


def _moment(value: object) -> object:
    """A time with its zone, as text: YAML's own times lose theirs."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?Z", value, re.ASCII):
        raise ValueError("is no time in UTC; it looks like 2026-12-18T16:00Z")
    return value


def _is_sentence(text: str) -> str:
    if len(text.strip()) < SHORTEST_REASON or not text.isprintable():
        raise ValueError(f"is no reason: write at least {SHORTEST_REASON} characters, in one line")
    return text.strip()


Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
Reason = Annotated[str, AfterValidator(_is_sentence)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Window(_Entry):
    """Hours of a day in which a deployment may begin. After midnight another window begins."""

    days: Annotated[Sequence[Day], Field(min_length=1)]
    begin: Annotated[TimeOfDay, Field(alias="from")]
    end: Annotated[TimeOfDay, Field(alias="until")]

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.begin >= self.end:
            raise ValueError("until is not after from; write two windows for hours around midnight")
        return self


class Freeze(_Entry):
    """A time in which production is not deployed: from its first moment, until the moment at its end."""

    begin: Annotated[Moment, Field(alias="from")]
    end: Annotated[Moment, Field(alias="until")]
    reason: Reason
    owner: EmailAddress
    """Who decides about exceptions."""

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Self:
        if self.begin >= self.end:
            raise ValueError("until is not after from")
        return self


class Calendar(_Entry):
    windows: Annotated[Sequence[Window], Field(min_length=1)]
    freezes: Sequence[Freeze] = ()


def read_calendar(folder: Path = ROOT) -> Calendar:
    """Raises CommandError with everything that is wrong with the file."""
    try:
        # As text: each time is checked by its own form.
        content = yaml.load((folder / FILE_NAME).read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except FileNotFoundError:
        raise CommandError(f"{FILE_NAME} does not exist; restore it.") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise CommandError(f"{FILE_NAME} is not valid YAML; correct it.") from None
    try:
        return Calendar.model_validate(content or {})
    except ValidationError as error:
        problems = "".join(f"\n  {_place(each['loc'])}: {_sentence(each)}" for each in error.errors())
        raise CommandError(f"{FILE_NAME} cannot be used:{problems}") from None


def check_reason(text: str) -> str:
    """Return the reason of an exception. Raises CommandError if it is none."""
    try:
        return _is_sentence(text)
    except ValueError as error:
        raise CommandError(f"The text {error}.") from None


def utc(moment: datetime) -> str:
    """As people write it: `Fri 2026-12-18 16:00 UTC`."""
    return f"{moment.astimezone(UTC):%a %Y-%m-%d %H:%M} UTC"


def _place(path: Sequence[str | int]) -> str:
    return ".".join(str(step) for step in path) or FILE_NAME


def _sentence(error: Any) -> str:
    match error["type"]:
        case "value_error":
            return str(error["ctx"]["error"])
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is not known; remove it"
        case "too_short":
            return "is empty; write at least one"
        case "literal_error":
            return f"is not known; choose {error['ctx']['expected']}"
    return str(error["msg"])
