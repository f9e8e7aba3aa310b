"""Section `fixrx:notifications`."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from components.shared.production import Production, Protected
from components.shared.section import EmailAddress, Section


class Weekday(StrEnum):
    """In the order of Python's own numbers, of which Monday is 0."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


def _check_addresses(addresses: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(addresses)) != len(addresses):
        raise ValueError("names an address twice")
    return addresses


def _check_days(days: tuple[Weekday, ...]) -> tuple[Weekday, ...]:
    if len(set(days)) != len(days):
        raise ValueError("names a day twice")
    return days


def _check_holidays(holidays: tuple[date, ...]) -> tuple[date, ...]:
    if len(set(holidays)) != len(holidays):
        raise ValueError("names a date twice")
    return holidays


class NotificationsSettings(Section):
    """Section `fixrx:notifications`."""

    email: Annotated[tuple[EmailAddress, ...], Field(min_length=1, max_length=10), AfterValidator(_check_addresses)] = (
        "ops@fixrx.com",
    )
    """Addresses that receive the messages. Each must confirm its subscription once; AWS sends nothing before that."""
    slack: bool = True
    """Whether incidents go to Slack as well, once the secret SLACK_WEBHOOK_URL has the address of a webhook."""
    escalation_email: EmailAddress | None = None
    """A further address, to which only reminders of incidents go that nobody has acknowledged in time."""
    business_days: Annotated[tuple[Weekday, ...], Field(min_length=1), AfterValidator(_check_days)] = (
        Weekday.MONDAY,
        Weekday.TUESDAY,
        Weekday.WEDNESDAY,
        Weekday.THURSDAY,
        Weekday.FRIDAY,
    )
    """Days on which an incident of severity P4 is answered."""
    business_day_end_hour: Annotated[int, Field(ge=1, le=23)] = 17
    """Hour in UTC at which the answer to an incident of severity P4 is due."""
    holidays: Annotated[tuple[date, ...], Field(max_length=60), AfterValidator(_check_holidays)] = ()
    """Dates that are no business days, such as 2026-12-25."""
    recovery_window_days: Annotated[
        Literal[0, 7, 14, 30], Production(at_least=7, because="a secret deleted by mistake must be restorable")
    ] = 30
    """Days within which the deleted secret SLACK_WEBHOOK_URL can be restored."""
    protect: Protected = True
    """Whether the table of incidents has deletion protection."""

    @model_validator(mode="after")
    def _check_escalation(self) -> Self:
        if self.escalation_email in self.email:
            raise ValueError(
                "escalation_email is in email as well, and gets every message anyway; name another address, or none"
            )
        return self
