"""The whole configuration of a stack: one section for each component."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

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
from components.shared.section import EmailAddress, Environment, Section
from components.web_acl import WebAclSettings

PROJECT = "fixrx"


class AccountSettings(Section):
    """Section `fixrx:account`: the AWS account and region of the stack. Nothing is changed in any other account."""

    id: Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
    """Id of the AWS account. Credentials of any other account are refused."""
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")] = "us-east-1"


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
