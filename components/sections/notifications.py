"""Section `fixrx:notifications`."""

from typing import Annotated

from pydantic import AfterValidator, Field

from components.shared.section import EmailAddress, Section


def _check_addresses(addresses: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(addresses)) != len(addresses):
        raise ValueError("names an address twice")
    return addresses


class NotificationsSettings(Section):
    """Section `fixrx:notifications`."""

    email: Annotated[tuple[EmailAddress, ...], Field(min_length=1, max_length=10), AfterValidator(_check_addresses)] = (
        "ops@fixrx.com",
    )
    """Addresses that receive the messages. Each must confirm its subscription once; AWS sends nothing before that."""
