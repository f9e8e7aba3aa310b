"""Operations: the alarms of every component, the other views of them, and who is told."""

from dataclasses import dataclass

import pulumi

from components.alarms import Alarms, AlarmsArgs
from components.dashboard import Dashboard, DashboardArgs
from components.incidents import Incidents, IncidentsArgs
from components.prometheus_rules import prometheus_rules
from components.shared.alarm_specification import Severity
from layers.data import Data
from layers.edge import Edge
from layers.foundation import Foundation
from layers.migration import Migration
from layers.runtime import Runtime
from layers.watch import build_costs, build_mutes, build_watchman
from settings import StackSettings


@dataclass(frozen=True, kw_only=True)
class Operations:
    """What monitors the platform."""

    alarms: Alarms
    prometheus_rules: str
    """A rule file for those who have a Prometheus."""
    incidents: Incidents
    watchdog: Alarms
    """Alarms of the function that tells of the others."""

    @property
    def parts(self) -> tuple[pulumi.ComponentResource, ...]:
        """All that something may still be under way in, when everything else is there."""
        return (self.alarms, self.incidents, self.watchdog)


def build_operations(
    settings: StackSettings, foundation: Foundation, edge: Edge, data: Data, migration: Migration, runtime: Runtime
) -> Operations:
    watched = (
        foundation.network,
        edge.dns,
        edge.certificate,
        edge.load_balancer,
        edge.web_acl,
        edge.cdn,
        edge.outside,
        data.database,
        data.cache,
        data.credentials,
        data.vault,
        migration.jobs,
        runtime,
    )
    incidents = Incidents(
        "incidents",
        IncidentsArgs(
            settings=settings.notifications,
            stack=foundation.stack,
            topic_arns=foundation.notifications.topic_arns,
        ),
        foundation.options,
    )
    of_components = [alarm for component in watched for alarm in component.alarms]
    specifications = [
        *of_components,
        *build_watchman(settings, foundation, edge, data, incidents, of_components).alarms,
    ]
    told = AlarmsArgs(
        identity=foundation.stack.identity,
        topic_arns=foundation.notifications.topic_arns,
        specifications=specifications,
    )
    alarms = Alarms("alarms", told, foundation.options)
    build_mutes(settings, foundation, alarms)
    build_costs(settings, foundation)
    told_without_function = AlarmsArgs(
        identity=foundation.stack.identity,
        topic_arns=dict.fromkeys(Severity, incidents.watchdog_topic_arn),
        specifications=incidents.alarms,
    )
    watchdog = Alarms("watchdog", told_without_function, foundation.options)
    Dashboard(
        "dashboard",
        DashboardArgs(
            identity=foundation.stack.identity,
            specifications=[*specifications, *incidents.alarms],
            alarm_arns={**alarms.arns, **watchdog.arns},
        ),
        foundation.options,
    )
    return Operations(
        alarms=alarms,
        prometheus_rules=prometheus_rules(specifications),
        incidents=incidents,
        watchdog=watchdog,
    )
