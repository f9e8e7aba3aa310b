"""Section `fixrx:maintenance`."""

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, Field

from components.shared.section import Section, TextFormat

LARGEST_NETWORKS = {4: 16, 6: 32}
"""Version of IP to the shortest prefix: what a large company has. More would be a part of the internet."""


def _network_meant(text: str) -> str | None:
    """Return the network of a text such as `203.0.113.9` or `203.0.113.9/24`."""
    try:
        return str(ip_network(text.strip(), strict=False))
    except ValueError:
        return None


def _check_network(text: str) -> str:
    try:
        network = ip_network(text)
    except ValueError:
        meant = _network_meant(text)
        advice = "it looks like 203.0.113.0/24" if meant is None else f"did you mean {meant}"
        raise ValueError(f"is not a network; {advice}") from None
    shortest = LARGEST_NETWORKS[network.version]
    if network.prefixlen < shortest:
        raise ValueError(f"must be a network of /{shortest} or smaller")
    return str(network)


Network = Annotated[
    str,
    TextFormat(
        pattern=r"[0-9A-Fa-f.:]+/[0-9]{1,3}",
        description="a network",
        example="203.0.113.0/24",
        suggest=_network_meant,
    ),
    AfterValidator(_check_network),
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
    """Networks, of IPv4 or IPv6, that reach the API all the same, to try it before everybody else."""

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
