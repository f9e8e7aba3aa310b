"""Operations: the alarms of every component, and the other views of them."""

from dataclasses import dataclass

from components.alarms import Alarms, AlarmsArgs
from components.dashboard import Dashboard, DashboardArgs
from components.prometheus_rules import prometheus_rules
from layers.data import Data
from layers.edge import Edge
from layers.foundation import Foundation
from layers.migration import Migration
from layers.runtime import Runtime


@dataclass(frozen=True, kw_only=True)
class Operations:
    """What monitors the platform."""

    alarms: Alarms
    prometheus_rules: str
    """A rule file for those who have a Prometheus."""


def build_operations(
    foundation: Foundation, edge: Edge, data: Data, migration: Migration, runtime: Runtime
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
    specifications = [alarm for component in watched for alarm in component.alarms]
    alarms = Alarms(
        "alarms",
        AlarmsArgs(
            identity=foundation.stack.identity,
            topic_arns=foundation.notifications.topic_arns,
            specifications=specifications,
        ),
        foundation.options,
    )
    Dashboard(
        "dashboard",
        DashboardArgs(identity=foundation.stack.identity, specifications=specifications, alarm_arns=alarms.arns),
        foundation.options,
    )
    return Operations(alarms=alarms, prometheus_rules=prometheus_rules(specifications))
