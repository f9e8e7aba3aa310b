"""Rules that involve more than one section, or one section and the environment.

A rule is a function of the sections that it names. It runs if all of them are valid, so that its problems are reported
together with those of other sections. What production requires of a single setting is stated on its field instead.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any, get_type_hints

from components.sections.admin_access import AdminAccessSettings
from components.sections.app_servers import AppServersSettings
from components.sections.backup_vault import DISTANCE_MINUTES, START_WINDOW_MINUTES, BackupVaultSettings
from components.sections.cdn import CdnSettings
from components.sections.continuous_integration import ContinuousIntegrationSettings
from components.sections.database import DatabaseSettings
from components.sections.dns import LONGEST_CERTIFICATE_DOMAIN, DnsSettings
from components.sections.kubernetes import KubernetesSettings
from components.sections.network import NatMode, NetworkSettings
from components.sections.vpn import VpnSettings
from components.shared.backends import RuntimeKind
from components.shared.maintenance_windows import MaintenanceWindows
from settings.problems import Problem
from settings.regions import check_region
from settings.stack import AccountSettings, StackSettings, cdn_domain, connection_budget


@dataclass(frozen=True)
class SettingsRule:
    """A rule and the sections that it reads."""

    sections: tuple[str, ...]
    function: Callable[..., Iterator[Problem]]

    def check(self, valid_sections: Mapping[str, Any]) -> Iterator[Problem]:
        """Yield the problems, or none if a section that the rule reads is not valid."""
        if all(name in valid_sections for name in self.sections):
            yield from self.function(**{name: valid_sections[name] for name in self.sections})


def rule_of(function: Callable[..., Iterator[Problem]]) -> SettingsRule:
    """Return a function as a rule. Raises TypeError if a parameter is not a section of the settings, of that type."""
    hints = get_type_hints(function)
    names = tuple(inspect.signature(function).parameters)
    for name in names:
        field = StackSettings.model_fields.get(name)
        if field is None:
            raise TypeError(f"a rule reads {name}, which is not a section of StackSettings")
        if hints[name] is not field.annotation:
            raise TypeError(f"a rule declares {name} as {hints[name]}, but the section is {field.annotation}")
    return SettingsRule(names, function)


def zones_are_in_region(account: AccountSettings, network: NetworkSettings) -> Iterator[Problem]:
    for zone in network.availability_zones:
        if zone[:-1] != account.region:
            yield Problem(
                key="network.availability_zones",
                what=f"{zone} is not in {account.region}; name zones of the region in account.region",
            )


def identity_provider_is_in_account(
    account: AccountSettings, continuous_integration: ContinuousIntegrationSettings
) -> Iterator[Problem]:
    arn = continuous_integration.identity_provider_arn
    if arn is not None and arn.split(":")[4] != account.id:
        yield Problem(
            key="continuous_integration.identity_provider_arn",
            what=f"is in another account than {account.id}; give the ARN of the provider in account.id",
        )


def servers_reach_the_internet(network: NetworkSettings) -> Iterator[Problem]:
    if network.nat is NatMode.NONE:
        yield Problem(
            key="network.nat",
            what="none: servers cannot reach Twilio, SendGrid and Firebase; choose single, per_zone or regional",
        )


def pools_fit_the_database(
    runtime: RuntimeKind, app_servers: AppServersSettings, kubernetes: KubernetesSettings, database: DatabaseSettings
) -> Iterator[Problem]:
    budget = connection_budget(runtime, app_servers, kubernetes, database)
    processes = [
        *([f"{budget.peak_servers} servers x {budget.processes_per_server} processes"] if runtime.has_servers else []),
        *([f"{budget.peak_pods} pods"] if runtime.has_pods else []),
    ]
    arithmetic = (
        f"{' and '.join(processes)} may hold {budget.allowed_connections} connections (alarm at "
        f"{budget.alarm_threshold}, database accepts {budget.max_connections})"
    )
    if budget.largest_pool == 0:
        servers = "lower max_size or choose an instance type with fewer processors"
        advice = {
            RuntimeKind.APP_SERVERS: servers,
            RuntimeKind.KUBERNETES: "lower max_pods",
            RuntimeKind.BOTH: f"{servers}, and lower kubernetes.max_pods",
        }[runtime]
        yield Problem(
            key="app_servers.max_size" if runtime.has_servers else "kubernetes.max_pods",
            what=f"leaves less than one connection for each process: {arithmetic}; {advice}",
        )
    elif app_servers.pool_size is not None and app_servers.pool_size > budget.largest_pool:
        yield Problem(
            key="app_servers.pool_size",
            what=f"is too large: {arithmetic}; at most {budget.largest_pool} for each process, or lower "
            f"{'max_size' if runtime.has_servers else 'kubernetes.max_pods'}",
        )


def static_files_have_a_domain_of_their_own(cdn: CdnSettings, dns: DnsSettings) -> Iterator[Problem]:
    domain = cdn_domain(cdn, dns)
    if not cdn.enabled:
        return
    if domain == dns.api_domain:
        yield Problem(key="cdn.domain", what=f"is {domain}, which is the API's; choose another name in the zone")
    elif domain != dns.zone and not domain.endswith(f".{dns.zone}"):
        yield Problem(key="cdn.domain", what=f"is not inside {dns.zone}; make it dns.zone or a name that ends in it")
    elif len(domain) > LONGEST_CERTIFICATE_DOMAIN:
        yield Problem(
            key="cdn.domain",
            what=f"{domain} is longer than the {LONGEST_CERTIFICATE_DOMAIN} characters that ACM accepts; set a shorter "
            "one",
        )


def ssh_has_a_daemon(admin_access: AdminAccessSettings, app_servers: AppServersSettings) -> Iterator[Problem]:
    if admin_access.instance_connect and not app_servers.ssh_daemon:
        yield Problem(
            key="admin_access.instance_connect",
            what="needs an SSH daemon on the servers; set app_servers.ssh_daemon to true, or leave it out",
        )


def vpn_has_addresses_of_its_own(vpn: VpnSettings, network: NetworkSettings) -> Iterator[Problem]:
    if vpn.enabled and IPv4Network(vpn.client_block).overlaps(network.cidr_block):
        yield Problem(
            key="vpn.client_block", what=f"meets network.cidr_block, {network.cidr_block}; choose another block"
        )


def copies_leave_the_region(account: AccountSettings, backup_vault: BackupVaultSettings) -> Iterator[Problem]:
    region = backup_vault.dr_region
    if region is None:
        return
    try:
        check_region(region)
    except ValueError as error:
        yield Problem(key="backup_vault.dr_region", what=str(error))
    if region == account.region:
        yield Problem(
            key="backup_vault.dr_region",
            what=f"is {region}, as account.region: copies there are lost together with it; choose another region, or "
            "null for no copies",
        )


def backups_start_away_from_windows(
    backup_vault: BackupVaultSettings, maintenance_windows: MaintenanceWindows
) -> Iterator[Problem]:
    apart = maintenance_windows.minutes_apart(backup_vault.start, START_WINDOW_MINUTES)
    if apart < DISTANCE_MINUTES:
        yield Problem(
            key="backup_vault.start",
            what=f"is {backup_vault.start}, and a backup may start until {START_WINDOW_MINUTES} minutes later: that is "
            f"{apart} minutes from maintenance_windows.daily or weekly, and RDS refuses backups within "
            f"{DISTANCE_MINUTES}; choose another time",
        )


def pods_have_images(runtime: RuntimeKind, kubernetes: KubernetesSettings) -> Iterator[Problem]:
    if not runtime.has_pods:
        return
    if kubernetes.image_digest is None:
        yield Problem(
            key="kubernetes.image_digest",
            what=f"is missing, and runtime is {runtime}; set it to the digest that `docker push` prints",
        )
    if kubernetes.proxy_image is None:
        yield Problem(
            key="kubernetes.proxy_image",
            what=f"is missing, and runtime is {runtime}; set it to nginx-unprivileged with its digest",
        )


def traffic_is_shared_by_two(runtime: RuntimeKind, kubernetes: KubernetesSettings) -> Iterator[Problem]:
    if runtime is not RuntimeKind.BOTH and kubernetes.traffic_percent != 0:
        yield Problem(
            key="kubernetes.traffic_percent",
            what=f"is {kubernetes.traffic_percent}, but runtime is {runtime}; leave it out, or set runtime to both",
        )


def cluster_is_in_region(account: AccountSettings, kubernetes: KubernetesSettings) -> Iterator[Problem]:
    endpoint = kubernetes.existing_cluster.endpoint
    if endpoint is not None and f".{account.region}.eks." not in endpoint:
        yield Problem(
            key="kubernetes.existing_cluster.endpoint",
            what=f"is not in {account.region}; take a cluster in the VPC of the stack",
        )


RULES = tuple(
    rule_of(function)
    for function in (
        zones_are_in_region,
        identity_provider_is_in_account,
        servers_reach_the_internet,
        pools_fit_the_database,
        static_files_have_a_domain_of_their_own,
        ssh_has_a_daemon,
        vpn_has_addresses_of_its_own,
        copies_leave_the_region,
        backups_start_away_from_windows,
        pods_have_images,
        traffic_is_shared_by_two,
        cluster_is_in_region,
    )
)
