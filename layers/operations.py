"""Operations: the alarms of every component."""

from dataclasses import dataclass

from components.alarms import Alarms, AlarmsArgs
from layers.data import Data
from layers.edge import Edge
from layers.foundation import Foundation
from layers.migration import Migration
from layers.runtime import Runtime


@dataclass(frozen=True, kw_only=True)
class Operations:
    """What monitors the platform."""

    alarms: Alarms


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
        runtime,
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
    return Operations(alarms=alarms)
