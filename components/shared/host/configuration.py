"""The values from which a server's files and its first boot are rendered. None of them is secret."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from components.shared.ports import APPLICATION_PORT, HTTP_PORT

CA_BUNDLE_PATH = "/etc/fixrx/rds-ca.pem"
"""File on a server with the certificate authorities that sign the certificates of RDS."""
DIRECTORY = "/var/www/fixrx-backend"
"""Where the release is unpacked; the guide's path."""
RUNTIME_DIRECTORY = "fixrx-api"
"""Below /run: PM2's sockets and process ids, which a restart of the service must not find."""
PM2_HOME = f"/run/{RUNTIME_DIRECTORY}"

SHORTER_SECONDS = 5
"""PM2 gives workers less time than the load balancer's drain, and systemd gives PM2 more: each ends in good order."""
IDLE_MARGIN_SECONDS = 15
"""nginx keeps an idle connection longer than the load balancer by this, so that the load balancer always closes it."""
SECRETS_IN_A_CALL = 20
SECONDS_FOR_A_CALL = 60
"""Limits of the secret loader."""
RELOADED_AT_ONCE = 2
"""PM2's own number of workers that it reloads at the same time."""
LISTEN_SECONDS = 30
"""The longest that PM2 waits for a new worker to listen."""


@dataclass(frozen=True, kw_only=True)
class ProxyConfiguration:
    """What differs between nginx on a server and nginx in a pod."""

    user: str
    """The directive that gives up root's privileges, or a comment why there is none."""
    error_log: str
    access_log: str
    pid_file: str
    port: int
    worker_ports: tuple[int, ...]
    """Of the processes behind it, on the same address."""
    vpc_cidr: str
    """Addresses whose X-Forwarded-For is believed."""
    ready_path: str
    """What the load balancer asks to find out whether the target can serve."""
    health_path: str
    """Where the public path /health leads to."""
    idle_timeout_seconds: int
    """After how long without data the load balancer closes a connection."""

    @property
    def values(self) -> Mapping[str, object]:
        """The values of its template by name."""
        return {
            "proxy_user": self.user,
            "error_log": self.error_log,
            "access_log": self.access_log,
            "pid_file": self.pid_file,
            "port": self.port,
            "workers": "\n".join(
                f"        server 127.0.0.1:{port} max_fails=3 fail_timeout=30s;" for port in self.worker_ports
            ),
            "vpc_cidr": self.vpc_cidr,
            "ready_path": self.ready_path,
            "health_path": self.health_path,
            "client_idle_seconds": self.idle_timeout_seconds + IDLE_MARGIN_SECONDS,
        }


@dataclass(frozen=True, kw_only=True)
class LogGroups:
    """Names of the log groups that the agent writes to."""

    application: str
    nginx: str
    boot: str
    metrics: str
    """What the agent reads from the workers' /metrics, as structured events from which CloudWatch makes metrics."""


@dataclass(frozen=True, kw_only=True)
class HostConfiguration:
    """All values of a server."""

    region: str
    bucket: str
    releases_prefix: str
    release: str
    release_sha256: str
    node_version: str
    heap_mib: int
    restart_gib: int
    """Resident memory at which PM2 restarts a worker."""
    workers: int
    """As many as the instance has processors: PM2 starts that many."""
    ssh_daemon: bool
    vpc_cidr: str
    """Addresses whose X-Forwarded-For is believed."""
    ready_path: str
    """What the load balancer asks to find out whether the server can serve."""
    health_path: str
    """Where the public path /health leads to."""
    drain_seconds: int
    """How long the load balancer lets requests of a server that leaves finish."""
    idle_timeout_seconds: int
    """After how long without data the load balancer closes a connection."""
    settings: Mapping[str, str]
    """Environment variables of the application that are not secret."""
    secret_arns: Mapping[str, str]
    """Environment variable to the ARN of the secret that holds its value."""
    patience_seconds: int
    """How long the server waits for what is not there yet, in total."""
    healthy_seconds: int
    """How long the service may take from its start to the first answer of `ready_path`."""
    log_groups: LogGroups
    metrics_namespace: str
    """CloudWatch namespace of memory, disk and the workers' metrics."""

    @property
    def worker_ports(self) -> tuple[int, ...]:
        """The ports of the workers, in the order in which PM2 gives them."""
        return tuple(range(APPLICATION_PORT, APPLICATION_PORT + self.workers))

    @property
    def proxy(self) -> ProxyConfiguration:
        """Of nginx, which begins as root to open its port."""
        return ProxyConfiguration(
            user="user nginx;",
            error_log="/var/log/nginx/error.log",
            access_log="/var/log/nginx/access.log",
            pid_file="/run/nginx.pid",
            port=HTTP_PORT,
            worker_ports=self.worker_ports,
            vpc_cidr=self.vpc_cidr,
            ready_path=self.ready_path,
            health_path=self.health_path,
            idle_timeout_seconds=self.idle_timeout_seconds,
        )

    @property
    def kill_seconds(self) -> int:
        """From SIGINT to SIGKILL of a worker: less than the drain, but never nothing."""
        return max(self.drain_seconds - SHORTER_SECONDS, 1)

    @property
    def stop_seconds(self) -> int:
        """From `systemctl stop` to SIGKILL: more than PM2 gives its workers."""
        return self.drain_seconds + SHORTER_SECONDS

    @property
    def start_seconds(self) -> int:
        """The limit of a start and of a reload: all calls of the secret loader, and all workers one after another."""
        calls = math.ceil(len(self.secret_arns) / SECRETS_IN_A_CALL)
        turns = math.ceil(self.workers / RELOADED_AT_ONCE)
        return calls * SECONDS_FOR_A_CALL + turns * (LISTEN_SECONDS + self.kill_seconds)
