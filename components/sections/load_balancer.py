"""Section `fixrx:load_balancer`."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from components.shared.production import Protected
from components.shared.section import Section, TextFormat

UrlPath = Annotated[
    str, TextFormat(pattern=r"/[A-Za-z0-9/_.-]*", description="the path of a URL", example="/api/v1/system/ready")
]

UrlPathAndQuery = Annotated[
    str,
    TextFormat(
        pattern=r"/[A-Za-z0-9/_.-]*(\?[A-Za-z0-9/_.&=-]*)?",
        description="the path of a URL, with its query",
        example="/socket.io/?EIO=4&transport=websocket",
    ),
]


class LoadBalancerSettings(Section):
    """Section `fixrx:load_balancer`."""

    idle_timeout_seconds: Annotated[int, Field(ge=30, le=4000)] = 60
    """The guide's 60 s. A websocket that is silent for longer is closed, so the API must ping at least every 30 s.
    nginx on the servers keeps a connection longer than this and closes its own to Node after 4 s without a request, so
    Node's keepAliveTimeout must be 5 s, its default, or longer."""
    drain_seconds: Annotated[int, Field(ge=0, le=3600)] = 60
    """How long a deregistered server may finish its requests."""
    ready_path: UrlPath = "/api/v1/system/ready"
    """Returns 200 while the process can serve requests. It must not depend on third parties: an outage of Twilio would
    take all servers out of service."""
    deep_health_path: UrlPath = "/api/v1/system/health"
    """The guide's health report, for monitoring only."""
    websocket_path: UrlPathAndQuery = "/"
    """Where a websocket opens without a login. A function tries it each minute, as a client on the internet."""
    deletion_protection: Protected = True
    """Refuse to delete the load balancer."""

    @model_validator(mode="after")
    def _health_check_ignores_third_parties(self) -> Self:
        if self.ready_path == self.deep_health_path:
            raise ValueError(
                "ready_path is deep_health_path: an outage of one third party would take all servers out of service; "
                "set ready_path to a path that does not depend on third parties"
            )
        return self
