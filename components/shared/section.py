"""The base of all sections of a stack's configuration, and the value types that sections share."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

LogRetentionDays = Literal[30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]
"""Retention of a log group in days: the values that CloudWatch Logs accepts, from the guide's 30 upwards."""

RETENTION_AUDIT_DAYS: LogRetentionDays = 365
"""Default for logs that an incident investigation needs, such as connections and administrator sessions."""


@dataclass(frozen=True, kw_only=True)
class TextFormat:
    """A format of a text, and its description in errors. Only ASCII matches: AWS accepts no other digits or letters."""

    pattern: str
    description: str
    """With its article: "is not ..."."""
    example: str
    max_length: int = 255
    """In characters."""
    suggest: Callable[[str], str | None] = lambda text: None
    """What a text of another form probably means."""

    def check(self, text: str) -> str:
        """Return the text. Raises ValueError, without quoting it, if it does not match."""
        if len(text) > self.max_length:
            raise ValueError(f"is longer than {self.max_length} characters")
        if not self.matches(text):
            meant = self.suggest(text)
            advice = f"it looks like {self.example}" if meant is None else f"did you mean {meant}"
            raise ValueError(f"is not {self.description}; {advice}")
        return text

    def matches(self, text: str) -> bool:
        """Tell whether a text has the form, whatever its length."""
        return re.fullmatch(self.pattern, text, re.ASCII) is not None

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """State the format for docs/settings.md."""
        return {**handler(schema), "looks_like": self.example, "maxLength": self.max_length}


def _domain_meant(text: str) -> str | None:
    """Return the domain of an address such as `https://Api.fixrx.com/`."""
    domain = re.sub(r"^[a-z]+://", "", text.strip().lower()).partition("/")[0].rstrip(".")
    return domain if re.fullmatch(DOMAIN, domain, re.ASCII) else None


LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN = rf"({LABEL}\.)+[a-z]{{2,63}}"
DomainName = Annotated[
    str,
    TextFormat(
        pattern=DOMAIN,
        description="a domain name in lower case",
        example="api.fixrx.com",
        suggest=_domain_meant,
        # DNS's limit.
        max_length=253,
    ),
]
EmailAddress = Annotated[
    str,
    TextFormat(
        # The characters that AWS accepts both in a tag and as an address of SNS.
        pattern=r"[A-Za-z0-9][A-Za-z0-9._+-]*@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,63}",
        description="an e-mail address",
        example="ops@fixrx.com",
        max_length=254,
    ),
]


class Environment(StrEnum):
    """The purpose of a stack. Production has requirements that configuration cannot weaken."""

    PRODUCTION = "production"
    STAGING = "staging"
    DEVELOPMENT = "development"


class Section(BaseModel):
    """Base of a section of the configuration: frozen, without unknown keys, and without values in its errors.

    A value may be a secret that was entered under the wrong key.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True)
