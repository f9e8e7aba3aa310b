"""A server as the tests render it."""

from components.shared.host import HostConfiguration, LogGroups
from components.shared.host.files import HostFile, host_files

ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:"
SECRETS = {variable: f"{ARN}{variable}" for variable in ("DATABASE_URL", "FIREBASE_SERVICE_ACCOUNT")}
HOST = HostConfiguration(
    region="us-east-1",
    bucket="backups",
    releases_prefix="releases/",
    release="1.2.3",
    release_sha256="0" * 64,
    node_version="24",
    heap_mib=768,
    restart_gib=1,
    workers=2,
    ssh_daemon=False,
    vpc_cidr="10.0.0.0/16",
    ready_path="/api/v1/system/ready",
    health_path="/api/v1/system/health",
    drain_seconds=60,
    idle_timeout_seconds=60,
    settings={"PORT": "3000", "NODE_ENV": "production"},
    secret_arns=SECRETS,
    patience_seconds=600,
    healthy_seconds=180,
    log_groups=LogGroups(application="/app", nginx="/nginx", boot="/boot", metrics="/metrics"),
    metrics_namespace="fixrx-production",
)


def file_of(path: str, host: HostConfiguration = HOST) -> HostFile:
    """Return the file of a server with this path."""
    (found,) = (file for file in host_files(host) if file.path == path)
    return found
