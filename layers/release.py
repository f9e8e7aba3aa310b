"""Release: `pulumi up` ends when the release runs on every server and is well."""

from dataclasses import dataclass

import pulumi

from components.alarms import alarm_names
from components.release_marker import ReleaseMarker, ReleaseMarkerArgs
from components.shared.backends import Backend
from components.shared.runtime import ServerGroup
from components.verification import Verification, VerificationArgs
from layers.data import Data
from layers.edge import Edge
from layers.foundation import Foundation
from layers.migration import Migration
from layers.operations import Operations
from layers.runtime import Runtime
from rollout import released_hooks, released_value
from settings import StackSettings


@dataclass(frozen=True)
class Layers:
    """The layers before, all of which the release depends on: a gate that refuses cancels what is under way."""

    foundation: Foundation
    edge: Edge
    data: Data
    migration: Migration
    runtime: Runtime
    operations: Operations

    @property
    def parts(self) -> list[pulumi.Resource]:
        layers = (self.foundation, self.edge, self.data, self.migration, self.runtime)
        return [*(part for layer in layers for part in layer.parts), *self.operations.parts]


def build_release(settings: StackSettings, layers: Layers) -> list[ReleaseMarker]:
    """Pods need no marker: Pulumi itself waits until the load balancer has found each of them healthy."""
    return [_of_servers(settings, layers, api.servers) for api in layers.runtime.servers]


def _of_servers(settings: StackSettings, layers: Layers, servers: ServerGroup) -> ReleaseMarker:
    identity, options, release = settings.identity, layers.foundation.options, layers.migration.release
    verification = Verification("verification", VerificationArgs(identity=identity), options)
    gates = released_hooks(
        identity.region,
        account_id=identity.account_id,
        release=release,
        group=servers.name,
        template_id=servers.template_id,
        template_version=servers.template_version,
        target_group_arn=layers.edge.load_balancer.target_groups[Backend.SERVERS].arn,
        min_size=settings.app_servers.min_size,
        replacement_seconds=servers.replacement_seconds,
        grace_seconds=servers.grace_seconds,
        alarms=alarm_names(identity, settings.rollout.stop_alarms),
        settle_minutes=settings.rollout.settle_minutes,
        document=verification.document_name,
        domain=settings.dns.api_domain,
        ready_path=settings.load_balancer.ready_path,
    )
    return ReleaseMarker(
        "released",
        ReleaseMarkerArgs(
            identity=identity,
            value=released_value(release, servers.template_version),
            description="The release that runs on every server, and the launch template that they were started from",
            gates=gates,
        ),
        pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[*layers.parts, verification])),
    )
