"""What serves the API behind the load balancer, and which of it a stack has."""

from collections.abc import Sequence
from enum import StrEnum


class Backend(StrEnum):
    """One kind of targets of the load balancer. Each has a target group of its own."""

    SERVERS = "servers"
    PODS = "pods"


class RuntimeKind(StrEnum):
    """What a stack runs the API on."""

    APP_SERVERS = "app_servers"
    KUBERNETES = "kubernetes"
    BOTH = "both"

    @property
    def backends(self) -> Sequence[Backend]:
        """The kinds of targets, in the order of the platform's history."""
        return {
            RuntimeKind.APP_SERVERS: (Backend.SERVERS,),
            RuntimeKind.KUBERNETES: (Backend.PODS,),
            RuntimeKind.BOTH: (Backend.SERVERS, Backend.PODS),
        }[self]

    def having(self, backend: Backend) -> Sequence[Backend]:
        """Return the kind of targets if a stack has it, else nothing: for what is built once for each."""
        return [backend] if backend in self.backends else []

    @property
    def has_servers(self) -> bool:
        return Backend.SERVERS in self.backends

    @property
    def has_pods(self) -> bool:
        return Backend.PODS in self.backends
