"""Watch: what notices silence, what is told of costs, and when alarms are quiet."""

from collections.abc import Sequence

from components.alarms import Alarms, alarm_names, names_of_quiet
from components.costs import Costs, CostsArgs
from components.incidents import Incidents
from components.mutes import Mutes, MutesArgs
from components.shared.alarm_specification import AlarmSpecification
from components.watchman import Client, Vaults, Watchman, WatchmanArgs, websocket_alarm
from layers.data import Data
from layers.edge import Edge
from layers.foundation import Foundation
from settings import StackSettings


def build_watchman(
    settings: StackSettings,
    foundation: Foundation,
    edge: Edge,
    data: Data,
    incidents: Incidents,
    specifications: Sequence[AlarmSpecification],
) -> Watchman:
    quiet = [*specifications, websocket_alarm(settings.identity.prefix)]
    return Watchman(
        "watchman",
        WatchmanArgs(
            stack=foundation.stack,
            bucket_name=data.backups.bucket_name,
            database_identifier=data.database.primary.identifier,
            database_arn=data.database.primary.arn,
            copies=Vaults(name=data.vault.name, regions=data.vault.copy_regions),
            rotated_secret_arns=list(data.secrets.rotated.values()),
            vendor_secret_arns=list(data.secrets.of_vendors.values()),
            mail_topics=incidents.mail_topics,
            monthly=settings.maintenance_windows.monthly,
            muted_alarms=alarm_names(settings.identity, names_of_quiet(quiet)),
            client=Client(
                host=settings.dns.api_domain,
                path=settings.load_balancer.websocket_path,
                maintenance=settings.maintenance.enabled,
                health_check=edge.outside.relayed,
            ),
            dead_letters_arn=incidents.dead_letters_arn,
        ),
        foundation.options,
    )


def build_costs(settings: StackSettings, foundation: Foundation) -> None:
    Costs(
        "costs",
        CostsArgs(
            settings=settings.costs,
            identity=settings.identity,
            topic_arns=foundation.notifications.topic_arns,
        ),
        foundation.options,
    )


def build_mutes(settings: StackSettings, foundation: Foundation, alarms: Alarms) -> Mutes:
    return Mutes(
        "mutes",
        MutesArgs(identity=settings.identity, windows=settings.maintenance_windows, alarm_names=alarms.quiet_names),
        foundation.options,
    )
