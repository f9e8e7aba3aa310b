"""Operations: the alarms of every component, and who is told of them."""

from dataclasses import dataclass

import pulumi

from components.alarms import Alarms, AlarmsArgs
from components.incidents import Incidents, IncidentsArgs
from components.shared.alarm_specification import Severity
from layers.data import Data
from layers.edge import Edge
from layers.foundation import Foundation
from layers.migration import Migration
from layers.runtime import Runtime
from settings import StackSettings


@dataclass(frozen=True, kw_only=True)
class Operations:
    """What monitors the platform."""

    alarms: Alarms
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
        data.database,
        data.cache,
        data.credentials,
        data.vault,
        migration.jobs,
        runtime.api,
    )
    alarms = Alarms(
        "alarms",
        AlarmsArgs(
            identity=foundation.stack.identity,
            topic_arns=foundation.notifications.topic_arns,
            specifications=[alarm for component in watched for alarm in component.alarms],
        ),
        foundation.options,
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
    watchdog = Alarms(
        "watchdog",
        AlarmsArgs(
            identity=foundation.stack.identity,
            topic_arns=dict.fromkeys(Severity, incidents.watchdog_topic_arn),
            specifications=incidents.alarms,
        ),
        foundation.options,
    )
    return Operations(alarms=alarms, incidents=incidents, watchdog=watchdog)
