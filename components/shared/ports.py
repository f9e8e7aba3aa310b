"""The ports, messages and address ranges of the connection table."""

from dataclasses import dataclass

SSH_PORT = 22
DNS_PORT = 53
HTTP_PORT = 80
HTTPS_PORT = 443
APPLICATION_PORT = 3000
"""The guide's PORT: of the first worker on a server; the next ones follow. Only nginx on the same server reaches it."""
POD_PORT = 8080
"""Of nginx in a pod, which may not open a port below 1024."""
POSTGRESQL_PORT = 5432
REDIS_PORT = 6379
WEBHOOK_PORT = 9443
"""Of the AWS Load Balancer Controller, which the control plane asks about new pods and target groups."""
KUBELET_PORT = 10250
"""Of each node, and of the webhook of External Secrets."""
METRICS_PORT = 10251
"""Of metrics-server, as EKS sets it up."""

ANYWHERE_IPV4 = "0.0.0.0/0"
ANYWHERE_IPV6 = "::/0"


@dataclass(frozen=True, kw_only=True)
class IcmpMessage:
    """A kind of ICMP message."""

    protocol: str
    """`icmp` for IPv4, `icmpv6` for IPv6."""
    number: str
    """Of that protocol, for network ACLs."""
    type: int
    code: int
    source: str


PATH_MTU_MESSAGES = (
    IcmpMessage(protocol="icmp", number="1", type=3, code=4, source=ANYWHERE_IPV4),
    IcmpMessage(protocol="icmpv6", number="58", type=2, code=0, source=ANYWHERE_IPV6),
)
"""A router's answer that a packet is too large for it. Without it, no large response passes such a router."""
