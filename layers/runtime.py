"""Runtime: what serves the API behind the load balancer, app servers or pods or both, as one protocol."""

from dataclasses import dataclass

import pulumi

from components.alarms import alarm_names
from components.app_servers import AppServers, AppServersArgs
from components.shared.alarm_specification import AlarmSpecification
from components.shared.backends import Backend
from components.shared.connections import Member
from components.shared.runtime import ApiRuntime, ApplicationEnvironment
from layers.data import Data
from layers.edge import Edge
from layers.foundation import Foundation
from layers.migration import Migration
from layers.pods import Pods, build_pods
from settings import StackSettings


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """What serves the API."""

    servers: tuple[AppServers, ...]
    pods: tuple[Pods, ...]

    @property
    def apis(self) -> tuple[ApiRuntime, ...]:
        """One or two of them."""
        return (*self.servers, *self.pods)

    @property
    def server_group(self) -> pulumi.Output[str] | None:
        """Name of the servers' group, if there are servers."""
        return next((servers.name for servers in self.servers), None)

    @property
    def alarms(self) -> list[AlarmSpecification]:
        return [alarm for api in self.apis for alarm in api.alarms]

    @property
    def parts(self) -> tuple[pulumi.ComponentResource, ...]:
        """All of it."""
        return (*self.servers, *(part for pods in self.pods for part in pods.parts))


def build_runtime(
    settings: StackSettings, foundation: Foundation, edge: Edge, data: Data, migration: Migration
) -> Runtime:
    runtime = settings.runtime
    environment = ApplicationEnvironment(values=settings.application_environment, secret_arns=data.secrets.arns)
    return Runtime(
        servers=tuple(
            AppServers(
                "app-servers",
                AppServersArgs(
                    settings=settings.app_servers,
                    stack=foundation.stack,
                    placement=foundation.connections.placements[Member.APP_SERVERS],
                    target_group=edge.load_balancer.target_groups[backend],
                    environment=environment,
                    releases=data.backups.releases,
                    vpc_cidr=settings.network.cidr_block,
                    session_log_group_arn=foundation.admin_access.session_log_group_arn,
                    ready_first=[marker.parameter for marker in migration.migrated],
                    stop_alarms=alarm_names(settings.identity, settings.rollout.stop_alarms),
                ),
                foundation.options,
            )
            for backend in runtime.having(Backend.SERVERS)
        ),
        pods=tuple(
            build_pods(settings, foundation, data, migration, edge.load_balancer.target_groups[backend], environment)
            for backend in runtime.having(Backend.PODS)
        ),
    )
