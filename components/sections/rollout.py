"""Section `fixrx:rollout`."""

from typing import Annotated

from pydantic import Field

from components.shared.section import Section

RELEASE_ALARMS = ("HighErrorRate", "HighErrorShare", "ResponseTimeHigh")
"""Alarms that a bad release raises within minutes."""


class RolloutSettings(Section):
    """Section `fixrx:rollout`: what `pulumi up` waits for before it says that a release is deployed."""

    wait_minutes: Annotated[int, Field(ge=0, le=600)] = 60
    """How long the first `pulumi up` of a stack waits for the release and the vendors' secrets, which it makes the
    places for. Later ones do not wait: what they pin has to be there."""
    settle_minutes: Annotated[int, Field(ge=0, le=60)] = 5
    """How long the alarms are watched after the last server was replaced."""
    stop_on_alarms: bool = True
    """A rollout stops when HighErrorRate, HighErrorShare or ResponseTimeHigh begins. Set it to false for as long as it
    takes to roll out the correction of a fault that keeps one of them firing."""

    @property
    def stop_alarms(self) -> tuple[str, ...]:
        return RELEASE_ALARMS if self.stop_on_alarms else ()
