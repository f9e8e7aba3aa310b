"""The components of the FixRx platform: one file for each box of the architecture picture."""

from components.access_logs import AccessLogs, AccessLogsArgs
from components.admin_access import AdminAccess, AdminAccessArgs
from components.alarm_specification import Severity
from components.alarms import Alarms, AlarmsArgs
from components.app_servers import AppServers, AppServersArgs
from components.backup_bucket import BackupBucket, BackupBucketArgs
from components.cache import Cache, CacheArgs
from components.certificate import Certificate, CertificateArgs
from components.continuous_integration import ContinuousIntegration, ContinuousIntegrationArgs
from components.database import Database, DatabaseArgs
from components.dns import Dns, DnsArgs
from components.encryption import Encryption, EncryptionArgs
from components.firewall import Firewall, FirewallArgs
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.naming import Label, tag_every_resource
from components.network import Network, NetworkArgs
from components.notifications import Notifications, NotificationsArgs
from components.permissions_boundary import PermissionsBoundary, PermissionsBoundaryArgs, confine_every_role
from components.secrets import Secrets, SecretsArgs

__all__ = [
    "AccessLogs",
    "AccessLogsArgs",
    "AdminAccess",
    "AdminAccessArgs",
    "Alarms",
    "AlarmsArgs",
    "AppServers",
    "AppServersArgs",
    "BackupBucket",
    "BackupBucketArgs",
    "Cache",
    "CacheArgs",
    "Certificate",
    "CertificateArgs",
    "ContinuousIntegration",
    "ContinuousIntegrationArgs",
    "Database",
    "DatabaseArgs",
    "Dns",
    "DnsArgs",
    "Encryption",
    "EncryptionArgs",
    "Firewall",
    "FirewallArgs",
    "Label",
    "LoadBalancer",
    "LoadBalancerArgs",
    "Network",
    "NetworkArgs",
    "Notifications",
    "NotificationsArgs",
    "PermissionsBoundary",
    "PermissionsBoundaryArgs",
    "Secrets",
    "SecretsArgs",
    "Severity",
    "confine_every_role",
    "tag_every_resource",
]
