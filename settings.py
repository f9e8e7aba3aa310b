"""A stack's configuration as one frozen model. The only module that reads Pulumi's configuration.

Everything wrong with a configuration is reported at once, by key, before any resource is declared.
"""

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import pulumi
from pulumi.runtime import config as pulumi_config
from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from components.access_logs import AccessLogsSettings
from components.admin_access import AdminAccessSettings
from components.app_servers import AppServersSettings
from components.backup_bucket import BackupBucketSettings
from components.cache import CacheSettings
from components.connection_budget import ConnectionBudget
from components.continuous_integration import ContinuousIntegrationSettings
from components.database import DatabaseSettings, memory_gib
from components.dns import DnsSettings
from components.encryption import EncryptionSettings
from components.firewall import FirewallSettings
from components.instance_types import capacity_of
from components.load_balancer import APPLICATION_PORT, LoadBalancerSettings
from components.maintenance_windows import MaintenanceWindows
from components.naming import Label
from components.network import NatMode, NetworkSettings
from components.notifications import NotificationsSettings
from components.secrets import SecretsSettings
from components.section import EmailAddress, Environment, Section

PROJECT = "fixrx"


class AccountSettings(Section):
    """Section `fixrx:account`: where the stack lives. Nothing is changed in any other account."""

    id: Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
    """AWS account. Credentials of any other account are refused."""
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")] = "us-east-1"


class StackSettings(BaseModel):
    """A whole stack. The defaults are production's posture, so that a stack file only says what differs."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    environment: Environment
    owner: EmailAddress = "ops@fixrx.com"
    account: AccountSettings
    encryption: EncryptionSettings = EncryptionSettings()
    network: NetworkSettings = NetworkSettings()
    dns: DnsSettings = DnsSettings()
    load_balancer: LoadBalancerSettings = LoadBalancerSettings()
    firewall: FirewallSettings = FirewallSettings()
    app_servers: AppServersSettings
    database: DatabaseSettings = DatabaseSettings()
    cache: CacheSettings = CacheSettings()
    backup_bucket: BackupBucketSettings = BackupBucketSettings()
    access_logs: AccessLogsSettings = AccessLogsSettings()
    admin_access: AdminAccessSettings = AdminAccessSettings()
    secrets: SecretsSettings = SecretsSettings()
    notifications: NotificationsSettings = NotificationsSettings()
    maintenance_windows: MaintenanceWindows = MaintenanceWindows()
    continuous_integration: ContinuousIntegrationSettings = ContinuousIntegrationSettings()

    @property
    def label(self) -> Label:
        return Label(
            project=PROJECT,
            environment=self.environment,
            owner=self.owner,
            account_id=self.account.id,
            region=self.account.region,
        )

    @property
    def connection_budget(self) -> ConnectionBudget:
        return connection_budget(self.app_servers, self.database)

    @property
    def pool_size(self) -> int:
        """Database connections of each process of the API."""
        return self.app_servers.pool_size or self.connection_budget.largest_pool

    @property
    def application_environment(self) -> Mapping[str, str]:
        """The application's environment variables that are not secret."""
        return {
            "NODE_ENV": "production",
            "PORT": str(APPLICATION_PORT),
            "PG_POOL_MAX": str(self.pool_size),
            "LOG_DIRECTORY": "/var/log/fixrx",
        }


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing wrong with a configuration."""

    key: str
    what: str

    def __str__(self) -> str:
        return f"{PROJECT}:{self.key}: {self.what}"


class InvalidSettings(pulumi.RunError):
    """A configuration that cannot be deployed. Pulumi prints its message without a traceback."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"The stack's configuration has {count}; nothing was changed:\n{lines}")


def load_settings() -> StackSettings:
    """Read and check the configuration of the current stack. Raises InvalidSettings."""
    return parse_settings(_read_configuration(), pulumi.get_stack())


def parse_settings(raw: Mapping[str, str], stack: str | None = None) -> StackSettings:
    """Build the settings from configuration values by key, as Pulumi hands them over: text, or JSON for a structure.

    With the name of a stack, the one that is called production has to be it.
    Raises InvalidSettings with everything that is wrong.
    """
    problems = [
        Problem(key=key, what=f"is not a setting; the settings are {', '.join(sorted(StackSettings.model_fields))}")
        for key in sorted(set(raw) - set(StackSettings.model_fields))
    ]
    sections: dict[str, Any] = {}
    for key, field in StackSettings.model_fields.items():
        if key not in raw and not field.is_required():
            sections[key] = field.default
            continue
        if key not in raw:
            problems.append(Problem(key=key, what="is missing; add it to the stack's file"))
            continue
        try:
            sections[key] = TypeAdapter[Any](field.rebuild_annotation()).validate_python(_decode(raw[key]))
        except ValidationError as error:
            problems.extend(_problems_of(key, error))
    environment = sections.get("environment")
    if stack == Environment.PRODUCTION and environment not in (None, Environment.PRODUCTION):
        problems.append(
            Problem(key="environment", what=f"is {environment}, but the stack is called {stack}; set it to {stack}")
        )
    for rule in RULES:
        needed = inspect.signature(rule).parameters
        if all(name in sections for name in needed):
            problems.extend(rule(**{name: sections[name] for name in needed}))
    if problems:
        raise InvalidSettings(problems)
    return StackSettings(**sections)


def connection_budget(app_servers: AppServersSettings, database: DatabaseSettings) -> ConnectionBudget:
    """Return the arithmetic from servers to database connections."""
    return ConnectionBudget(
        peak_servers=app_servers.peak_servers,
        processes_per_server=app_servers.capacity.vcpus,
        alarm_threshold=database.connection_alarm_threshold,
        database_memory_gib=memory_gib(database),
    )


def _read_configuration() -> Mapping[str, str]:
    prefix = f"{PROJECT}:"
    everything = {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}
    return {key.removeprefix(prefix): value for key, value in everything.items() if key.startswith(prefix)}


def _decode(value: str) -> Any:
    """A structure comes as JSON. Text that is not JSON is the value itself, and a bare number or word stays text."""
    try:
        decoded = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return decoded if isinstance(decoded, dict | list) else value


def _problems_of(key: str, error: ValidationError) -> Iterator[Problem]:
    for detail in error.errors(include_input=False, include_url=False):
        path = ".".join([key, *(str(part) for part in detail["loc"])])
        if detail["type"] == "extra_forbidden":
            yield Problem(key=path, what="is not a setting; remove it or correct its name")
        elif detail["type"] == "missing":
            yield Problem(key=path, what="is missing; add it to the stack's file")
        else:
            message = detail["msg"].removeprefix("Value error, ")
            yield Problem(key=path, what=message[0].lower() + message[1:])


def _zones_are_in_region(account: AccountSettings, network: NetworkSettings) -> Iterator[Problem]:
    for zone in network.availability_zones:
        if zone[:-1] != account.region:
            yield Problem(
                key="network.availability_zones",
                what=f"{zone} is not in {account.region}; name zones of the region in account.region",
            )


def _servers_reach_the_internet(network: NetworkSettings) -> Iterator[Problem]:
    if network.nat is NatMode.NONE:
        yield Problem(
            key="network.nat",
            what="none cuts the servers off from Twilio, SendGrid and Firebase; choose single, per_zone or regional",
        )


def _pools_fit_the_database(app_servers: AppServersSettings, database: DatabaseSettings) -> Iterator[Problem]:
    budget = connection_budget(app_servers, database)
    arithmetic = (
        f"{budget.peak_servers} servers x {budget.processes_per_server} processes may hold "
        f"{budget.allowed_connections} connections (alarm at {budget.alarm_threshold}, "
        f"database accepts {budget.max_connections})"
    )
    if budget.largest_pool == 0:
        yield Problem(
            key="app_servers.max_size",
            what=f"not even one connection for each process: {arithmetic}; lower max_size or take fewer processors",
        )
    elif app_servers.pool_size is not None and app_servers.pool_size > budget.largest_pool:
        yield Problem(
            key="app_servers.pool_size",
            what=f"is too large: {arithmetic}; at most {budget.largest_pool} for each process, or lower max_size",
        )


def _production_is_highly_available(
    environment: Environment,
    network: NetworkSettings,
    app_servers: AppServersSettings,
    database: DatabaseSettings,
    cache: CacheSettings,
) -> Iterator[Problem]:
    if environment is not Environment.PRODUCTION:
        return
    if len(network.availability_zones) < 3:
        yield Problem(key="network.availability_zones", what="production runs in three zones or more; add one")
    if network.nat is NatMode.SINGLE:
        yield Problem(key="network.nat", what="single fails with its zone; production takes per_zone or regional")
    if app_servers.min_size < 3:
        yield Problem(key="app_servers.min_size", what="production runs three servers or more; set 3")
    if app_servers.capacity.burstable:
        yield Problem(
            key="app_servers.instance_type",
            what="slows down once its CPU credits are used up; production takes a type such as m7g.large",
        )
    if capacity_of(database.instance_class).burstable:
        yield Problem(
            key="database.instance_class",
            what="slows down once its CPU credits are used up; production takes a class such as db.m7g.large",
        )
    if not database.multi_az:
        yield Problem(key="database.multi_az", what="production has a standby in another zone; set true")
    if capacity_of(cache.node_type).burstable:
        yield Problem(
            key="cache.node_type",
            what="slows down once its CPU credits are used up; production takes a type such as cache.m7g.large",
        )
    if cache.nodes < 2:
        yield Problem(key="cache.nodes", what="production has a replica in another zone; set 2")


def _production_network_is_protected(
    environment: Environment,
    network: NetworkSettings,
    dns: DnsSettings,
    load_balancer: LoadBalancerSettings,
    encryption: EncryptionSettings,
) -> Iterator[Problem]:
    yield from _unprotected(
        environment,
        {
            "network.protect": network.protect,
            "dns.protect": dns.protect,
            "load_balancer.deletion_protection": load_balancer.deletion_protection,
            "encryption.protect": encryption.protect,
        },
    )


def _production_data_is_protected(
    environment: Environment,
    database: DatabaseSettings,
    cache: CacheSettings,
    backup_bucket: BackupBucketSettings,
    access_logs: AccessLogsSettings,
) -> Iterator[Problem]:
    yield from _unprotected(
        environment,
        {
            "database.deletion_protection": database.deletion_protection,
            "cache.protect": cache.protect,
            "backup_bucket.protect": backup_bucket.protect,
            "access_logs.protect": access_logs.protect,
        },
    )


def _unprotected(environment: Environment, protections: Mapping[str, bool]) -> Iterator[Problem]:
    if environment is not Environment.PRODUCTION:
        return
    for key, protected in protections.items():
        if not protected:
            yield Problem(key=key, what="production cannot be deleted by accident; set true")


def _production_is_recoverable(
    environment: Environment,
    database: DatabaseSettings,
    cache: CacheSettings,
    backup_bucket: BackupBucketSettings,
    secrets: SecretsSettings,
) -> Iterator[Problem]:
    if environment is not Environment.PRODUCTION:
        return
    minimums = {
        "database.backup_retention_days": (database.backup_retention_days, 7),
        "cache.snapshot_retention_days": (cache.snapshot_retention_days, 7),
        "backup_bucket.database_retention_days": (backup_bucket.database_retention_days, 7),
        "backup_bucket.application_retention_days": (backup_bucket.application_retention_days, 30),
        "backup_bucket.object_lock_days": (backup_bucket.object_lock_days, 7),
        "secrets.recovery_window_days": (secrets.recovery_window_days, 7),
    }
    for key, (days, minimum) in minimums.items():
        if days < minimum:
            yield Problem(key=key, what=f"production keeps {minimum} days or more; raise it")


def _production_is_guarded(environment: Environment, firewall: FirewallSettings) -> Iterator[Problem]:
    if environment is not Environment.PRODUCTION:
        return
    if firewall.action == "count":
        yield Problem(key="firewall.action", what="count lets every request through; production takes block")


RULES: tuple[Callable[..., Iterator[Problem]], ...] = (
    _zones_are_in_region,
    _servers_reach_the_internet,
    _pools_fit_the_database,
    _production_is_highly_available,
    _production_network_is_protected,
    _production_data_is_protected,
    _production_is_recoverable,
    _production_is_guarded,
)
"""What sections have to do with each other. A rule takes the sections that it names, and runs if all of them are
valid."""
