"""Section `fixrx:maintenance`."""

from typing import Annotated

from pydantic import Field

from components.shared.section import Section, TextFormat

Network = Annotated[
    str,
    TextFormat(
        pattern=r"([0-9]{1,3}\.){3}[0-9]{1,3}/(1[6-9]|2[0-9]|3[0-2])",
        description="an IPv4 network of at most 65,536 addresses",
        example="203.0.113.0/24",
    ),
]
Sentence = Annotated[
    str,
    TextFormat(
        pattern=r"[ -~]{1,200}", description="a line of at most 200 characters", example="Updates in 30 minutes"
    ),
]


class MaintenanceSettings(Section):
    """Section `fixrx:maintenance`: everybody but the networks that are named gets 503 and the guide's notice."""

    enabled: bool = False
    """Answer every request with 503 in place of the API. A preview says so in its first line."""
    impact: Sentence = "The API is not available"
    eta: Sentence = "Investigating, updates in 30 minutes"
    actions: Sentence = "Maintenance of the platform"
    retry_after_seconds: Annotated[int, Field(ge=10, le=86400)] = 1800
    """When clients may come back; the guide's 30 minutes between updates."""
    except_networks: Annotated[tuple[Network, ...], Field(max_length=50)] = ()
    """Networks that reach the API all the same, to try it before everybody else."""

    @property
    def notice(self) -> str:
        """The guide's notification, which is the body of the answer."""
        lines = (
            "INCIDENT NOTIFICATION",
            "Status: MAINTENANCE",
            f"Impact: {self.impact}",
            f"ETA: {self.eta}",
            f"Actions: {self.actions}",
        )
        return "".join(f"{line}\n" for line in lines)
