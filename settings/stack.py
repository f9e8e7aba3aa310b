"""The whole configuration of a stack: one section for each component."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from components.sections.access_logs import AccessLogsSettings
from components.sections.admin_access import AdminAccessSettings
from components.sections.app_servers import AppServersSettings
from components.sections.backup_bucket import BackupBucketSettings
from components.sections.backup_vault import BackupVaultSettings
from components.sections.cache import CacheSettings
from components.sections.cdn import CdnSettings
from components.sections.continuous_integration import ContinuousIntegrationSettings
from components.sections.costs import CostsSettings
from components.sections.database import DatabaseSettings, memory_gib
from components.sections.dns import DnsSettings
from components.sections.dns_firewall import DnsFirewallSettings
from components.sections.encryption import EncryptionSettings
from components.sections.endpoints import EndpointsSettings
from components.sections.kubernetes import KubernetesSettings
from components.sections.load_balancer import LoadBalancerSettings
from components.sections.maintenance import MaintenanceSettings
from components.sections.network import NetworkSettings
from components.sections.notifications import NotificationsSettings
from components.sections.rollout import RolloutSettings
from components.sections.secrets import SecretsSettings
from components.sections.vpn import VpnSettings
from components.sections.web_acl import WebAclSettings
from components.shared.backends import Backend, RuntimeKind
from components.shared.connection_budget import ConnectionBudget
from components.shared.identity import StackIdentity
from components.shared.maintenance_windows import MaintenanceWindows
from components.shared.ports import APPLICATION_PORT
from components.shared.section import EmailAddress, Environment, Section, TextFormat
from settings.recovery import recovery_table
from settings.regions import check_region

PROJECT = "fixrx"


class AccountSettings(Section):
    """Section `fixrx:account`: the AWS account and region of the stack. Nothing is changed in any other account."""

    id: Annotated[str, TextFormat(pattern=r"[0-9]{12}", description="an AWS account id", example='"111122223333"')]
    """Id of the AWS account. Credentials of any other account are refused."""
    region: Annotated[str, AfterValidator(check_region)] = "us-east-1"


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
    maintenance: MaintenanceSettings = MaintenanceSettings()
    cdn: CdnSettings = CdnSettings()
    runtime: RuntimeKind = RuntimeKind.APP_SERVERS
    app_servers: AppServersSettings
    kubernetes: KubernetesSettings = KubernetesSettings()
    rollout: RolloutSettings = RolloutSettings()
    database: DatabaseSettings = DatabaseSettings()
    cache: CacheSettings = CacheSettings()
    backup_bucket: BackupBucketSettings = BackupBucketSettings()
    backup_vault: BackupVaultSettings = BackupVaultSettings()
    access_logs: AccessLogsSettings = AccessLogsSettings()
    admin_access: AdminAccessSettings = AdminAccessSettings()
    vpn: VpnSettings = VpnSettings()
    dns_firewall: DnsFirewallSettings = DnsFirewallSettings()
    secrets: SecretsSettings = SecretsSettings()
    notifications: NotificationsSettings = NotificationsSettings()
    costs: CostsSettings = CostsSettings()
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
            second_region=self.backup_vault.second_region,
        )

    @property
    def cdn_domain(self) -> str:
        """Domain of the static files."""
        return cdn_domain(self.cdn, self.dns)

    @property
    def connection_budget(self) -> ConnectionBudget:
        return connection_budget(self.runtime, self.app_servers, self.kubernetes, self.database)

    @property
    def has_own_cluster(self) -> bool:
        """Whether the stack makes a cluster of Kubernetes, instead of none or somebody else's."""
        return self.runtime.has_pods and self.kubernetes.existing_cluster.name is None

    @property
    def foreign_nodes(self) -> str | None:
        """Security group of the nodes of somebody else's cluster, if pods run there."""
        return self.kubernetes.existing_cluster.security_group_id if self.runtime.has_pods else None

    @property
    def traffic(self) -> Mapping[Backend, int]:
        """What serves the API, with its share of the requests in percent."""
        if self.runtime is RuntimeKind.BOTH:
            pods = self.kubernetes.traffic_percent
            return {Backend.SERVERS: 100 - pods, Backend.PODS: pods}
        return dict.fromkeys(self.runtime.backends, 100)

    @property
    def pool_size(self) -> int:
        """Database connections of each process of the API."""
        return self.app_servers.pool_size or self.connection_budget.largest_pool

    @property
    def recovery(self) -> Mapping[str, str]:
        """What each kind of loss costs, for people to read."""
        table = recovery_table(self.database, self.backup_vault, self.backup_bucket)
        return {loss: str(recovery) for loss, recovery in table.items()}

    @property
    def application_environment(self) -> Mapping[str, str]:
        """The application's environment variables that are not secret."""
        return {
            "NODE_ENV": "production",
            "PORT": str(APPLICATION_PORT),
            "PG_POOL_MAX": str(self.pool_size),
            "LOG_DIRECTORY": "/var/log/fixrx",
        }


def cdn_domain(cdn: CdnSettings, dns: DnsSettings) -> str:
    """Return the domain of the static files: the setting, or a name of the zone."""
    return cdn.domain or f"static.{dns.zone}"


def connection_budget(
    runtime: RuntimeKind, app_servers: AppServersSettings, kubernetes: KubernetesSettings, database: DatabaseSettings
) -> ConnectionBudget:
    """Return the arithmetic from servers and pods to database connections."""
    return ConnectionBudget(
        peak_servers=app_servers.peak_servers if runtime.has_servers else 0,
        processes_per_server=app_servers.capacity.vcpus,
        peak_pods=kubernetes.peak_pods if runtime.has_pods else 0,
        alarm_threshold=database.connection_alarm_threshold,
        database_memory_gib=memory_gib(database),
    )
