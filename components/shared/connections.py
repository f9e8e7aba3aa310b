"""The parts of the platform that connect to each other, and how a component receives its position in the network."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import pulumi


class Tier(StrEnum):
    """The subnets of the VPC by what may reach them."""

    PUBLIC = "public"
    """The only subnets with a route from the internet."""
    APPLICATION = "application"
    """Reaches the internet through NAT."""
    DATA = "data"
    """No route to or from the internet."""


class Member(StrEnum):
    """A source or destination of connections: the internet, or a part of the platform with its own security group."""

    INTERNET = "internet"
    LOAD_BALANCER = "load-balancer"
    APP_SERVERS = "app-servers"
    ENDPOINTS = "endpoints"
    DATABASE = "database"
    CACHE = "cache"
    DATABASE_JOBS = "database-jobs"
    CREDENTIALS = "credentials"
    VPN = "vpn"
    INSTANCE_CONNECT = "instance-connect"
    RESTORE_TEST = "restore-test"
    KUBERNETES_API = "kubernetes-api"
    NODES = "nodes"
    """Of Kubernetes. Pods have addresses of their node's network interfaces, and so its security group."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where in the network a part of the platform is: the subnets of its tier, and its security group."""

    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_id: pulumi.Input[str]
    rules: Sequence[pulumi.Resource]
    """Both sides of all its connections: what starts before they exist spends its start on retries."""
