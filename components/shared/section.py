"""The base of all sections of a stack's configuration, and the value types that sections share."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

LogRetentionDays = Literal[30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]
"""Retention of a log group in days: the values that CloudWatch Logs accepts, from the guide's 30 upwards."""

RETENTION_AUDIT_DAYS: LogRetentionDays = 365
"""Default for logs that an incident investigation needs, such as connections and administrator sessions."""

DomainName = Annotated[str, StringConstraints(pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$")]
EmailAddress = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]


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
