"""The contract between what serves the API and the rest of the platform.

App servers are one implementation. Another one, such as pods, receives the same values and offers the same outputs, so
that a stack can choose between them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pulumi

from components.shared.alarm_specification import AlarmSpecification


@dataclass(frozen=True, kw_only=True)
class TargetGroup:
    """The target group of the load balancer with which the runtime registers."""

    arn: pulumi.Input[str]
    """Known only after the listener exists: a target group without a listener receives no traffic."""
    request_count_label: pulumi.Input[str]
    """Resource label of the scaling metric ALBRequestCountPerTarget."""
    drain_seconds: int
    """How long a deregistered target may finish its requests."""
    idle_timeout_seconds: int
    """After how long without data the load balancer closes a connection."""
    ready_path: str
    """What the load balancer asks a target to find out whether it can serve."""
    health_path: str
    """Where the public path /health leads to."""


@dataclass(frozen=True, kw_only=True)
class ReleaseStore:
    """Where the runtime finds the releases of the application."""

    bucket_name: pulumi.Input[str]
    bucket_arn: pulumi.Input[str]
    prefix: str
    key_arn: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class ApplicationEnvironment:
    """The environment variables of the API."""

    values: Mapping[str, str]
    """Those that are not secret."""
    secret_arns: Mapping[str, pulumi.Input[str]]
    """Environment variable to the ARN of the secret that holds its value."""


@dataclass(frozen=True, kw_only=True)
class ServerGroup:
    """What has to be known of the servers while a release reaches them."""

    name: pulumi.Output[str]
    """Of the Auto Scaling group."""
    template_id: pulumi.Output[str]
    template_version: pulumi.Output[str]
    """Of the launch template: it grows with whatever makes servers be replaced."""
    replacement_seconds: int
    """From the start of a server to the end of the one that it replaces."""
    grace_seconds: int
    """Within which a server that starts must serve."""


class ApiRuntime(Protocol):
    """What serves the API behind the load balancer."""

    @property
    def name(self) -> pulumi.Output[str]:
        """Physical name by which an operator finds it in AWS or in the cluster."""
        ...

    @property
    def alarms(self) -> Sequence[AlarmSpecification]: ...
