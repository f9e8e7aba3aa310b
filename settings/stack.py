"""The whole configuration of a stack: one section for each component."""

import difflib
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from components.access_logs import AccessLogsSettings
from components.admin_access import AdminAccessSettings
from components.app_servers import AppServersSettings
from components.backup_bucket import BackupBucketSettings
from components.cache import CacheSettings
from components.continuous_integration import ContinuousIntegrationSettings
from components.database import DatabaseSettings, memory_gib
from components.dns import DnsSettings
from components.encryption import EncryptionSettings
from components.endpoints import EndpointsSettings
from components.load_balancer import LoadBalancerSettings
from components.network import NetworkSettings
from components.notifications import NotificationsSettings
from components.secrets import SecretsSettings
from components.shared.connection_budget import ConnectionBudget
from components.shared.connections import APPLICATION_PORT
from components.shared.identity import StackIdentity
from components.shared.maintenance_windows import MaintenanceWindows
from components.shared.section import EmailAddress, Environment, Section, TextFormat
from components.web_acl import WebAclSettings

PROJECT = "fixrx"


REGIONS = frozenset(
    f"{area}-{number}"
    for area, count in {
        "af-south": 1,
        "ap-east": 2,
        "ap-northeast": 3,
        "ap-south": 2,
        "ap-southeast": 7,
        "ca-central": 1,
        "ca-west": 1,
        "eu-central": 2,
        "eu-north": 1,
        "eu-south": 2,
        "eu-west": 3,
        "il-central": 1,
        "me-central": 1,
        "me-south": 1,
        "mx-central": 1,
        "sa-east": 1,
        "us-east": 2,
        "us-west": 2,
    }.items()
    for number in range(1, count + 1)
)
"""Regions of the partition `aws` (botocore's list of EC2's regions): ARNs are written for no other partition."""


def _check_region(region: str) -> str:
    if region not in REGIONS:
        close = difflib.get_close_matches(region, sorted(REGIONS), n=1)
        raise ValueError(
            f"is not a region of AWS; {f'did you mean {close[0]}' if close else 'it looks like us-east-1'}"
        )
    return region


class AccountSettings(Section):
    """Section `fixrx:account`: the AWS account and region of the stack. Nothing is changed in any other account."""

    id: Annotated[str, TextFormat(pattern=r"[0-9]{12}", description="an AWS account id", example='"111122223333"')]
    """Id of the AWS account. Credentials of any other account are refused."""
    region: Annotated[str, AfterValidator(_check_region)] = "us-east-1"


class StackSettings(BaseModel):
    """A whole stack. The defaults are those of production, so a stack's file only contains what differs."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    environment: Environment
    owner: EmailAddress = "ops@fixrx.com"
    account: AccountSettings
    encryption: EncryptionSettings = EncryptionSettings()
    network: NetworkSettings = NetworkSettings()
    endpoints: EndpointsSettings = EndpointsSettings()
    dns: DnsSettings = DnsSettings()
    load_balancer: LoadBalancerSettings = LoadBalancerSettings()
    web_acl: WebAclSettings = WebAclSettings()
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
    def identity(self) -> StackIdentity:
        return StackIdentity(
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


def connection_budget(app_servers: AppServersSettings, database: DatabaseSettings) -> ConnectionBudget:
    """Return the arithmetic from servers to database connections."""
    return ConnectionBudget(
        peak_servers=app_servers.peak_servers,
        processes_per_server=app_servers.capacity.vcpus,
        alarm_threshold=database.connection_alarm_threshold,
        database_memory_gib=memory_gib(database),
    )
