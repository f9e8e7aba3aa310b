"""Runtime: what serves the API, as one protocol that every kind of runtime implements."""

from dataclasses import dataclass

import pulumi

from components.alarms import alarm_names
from components.app_servers import AppServers, AppServersArgs
from components.shared.backends import Backend
from components.shared.connections import Member
from components.shared.runtime import ApiRuntime, ApplicationEnvironment, ServerGroup
from layers.data import Data
from layers.edge import Edge
from layers.foundation import Foundation
from layers.migration import Migration
from settings import StackSettings


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """What serves the API."""

    api: ApiRuntime
    servers: ServerGroup
    parts: tuple[pulumi.ComponentResource, ...]
    """All of it."""


def build_runtime(
    settings: StackSettings, foundation: Foundation, edge: Edge, data: Data, migration: Migration
) -> Runtime:
    api = AppServers(
        "app-servers",
        AppServersArgs(
            settings=settings.app_servers,
            stack=foundation.stack,
            placement=foundation.connections.placements[Member.APP_SERVERS],
            target_group=edge.load_balancer.target_groups[Backend.SERVERS],
            environment=ApplicationEnvironment(
                values=settings.application_environment,
                secret_arns=data.secrets.arns,
            ),
            releases=data.backups.releases,
            vpc_cidr=settings.network.cidr_block,
            session_log_group_arn=foundation.admin_access.session_log_group_arn,
            ready_first=[migration.marker.parameter],
            stop_alarms=alarm_names(settings.identity, settings.rollout.stop_alarms),
        ),
        foundation.options,
    )
    return Runtime(api=api, servers=api.servers, parts=(api,))
