"""The files of an app server, rendered from the templates in `components/files/`.

In a template `@@name` is a value, since `$name` means something in bash, in nginx and to the CloudWatch agent.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from components.shared.host.configuration import (
    CA_BUNDLE_PATH,
    DIRECTORY,
    LISTEN_SECONDS,
    PM2_HOME,
    RUNTIME_DIRECTORY,
    HostConfiguration,
    LogGroups,
)
from components.shared.ports import APPLICATION_PORT

TEMPLATES = Path(__file__).parents[2] / "files"
AGENT_PATH = "/etc/fixrx/amazon-cloudwatch-agent.json"
PROMETHEUS_PATH = "/etc/fixrx/prometheus.yaml"
SECRET_LOADER_PATH = "/usr/local/sbin/fixrx-load-secrets"


class HostTemplate(Template):
    """A template whose values are marked with `@@`."""

    delimiter = "@@"


@dataclass(frozen=True, kw_only=True)
class HostFile:
    """A file on a server, owned by root."""

    path: str
    text: str
    mode: str = "0644"


def host_files(host: HostConfiguration) -> Sequence[HostFile]:
    """Return every file of a server but the script of its first boot."""
    values = values_of(host)

    def rendered(path: str, template: str, mode: str = "0644") -> HostFile:
        return HostFile(path=path, text=render(template, values), mode=mode)

    return [
        HostFile(path="/etc/fixrx/settings.env", text=_settings(host)),
        HostFile(path="/etc/fixrx/secrets.list", text=_secrets(host)),
        rendered(SECRET_LOADER_PATH, "fixrx_load_secrets.py", "0700"),
        rendered("/etc/fixrx/ecosystem.config.js", "ecosystem.config.js"),
        rendered("/etc/fixrx/worker.js", "worker.js"),
        rendered("/etc/systemd/system/fixrx-api.service", "fixrx-api.service"),
        rendered("/etc/systemd/system/fixrx-secrets.service", "fixrx-secrets.service"),
        rendered("/etc/systemd/system/fixrx-secrets.timer", "fixrx-secrets.timer"),
        rendered("/etc/nginx/nginx.conf", "nginx.conf"),
        rendered("/etc/systemd/system/nginx.service.d/fixrx.conf", "nginx-drop-in.conf"),
        rendered("/etc/logrotate.d/fixrx", "logrotate.conf"),
        rendered("/etc/sysctl.d/90-fixrx.conf", "sysctl.conf"),
        rendered(AGENT_PATH, "amazon-cloudwatch-agent.json"),
        rendered(PROMETHEUS_PATH, "prometheus.yaml"),
    ]


def render(template: str, values: Mapping[str, object]) -> str:
    """Return a template with its values. Raises KeyError for a value that is not there."""
    return HostTemplate((TEMPLATES / template).read_text()).substitute(values)


def values_of(host: HostConfiguration) -> Mapping[str, object]:
    """Return the values of all templates by name."""
    return {
        "region": host.region,
        "bucket": host.bucket,
        "releases_prefix": host.releases_prefix,
        "release": host.release,
        "release_sha256": host.release_sha256,
        "node_version": host.node_version,
        "heap_mib": host.heap_mib,
        "restart_memory": f"{host.restart_gib}G",
        "directory": DIRECTORY,
        "runtime_directory": RUNTIME_DIRECTORY,
        "pm2_home": PM2_HOME,
        "ca_bundle_path": CA_BUNDLE_PATH,
        "agent_path": AGENT_PATH,
        "prometheus_path": PROMETHEUS_PATH,
        **host.proxy.values,
        "first_port": APPLICATION_PORT,
        "targets": ", ".join(f'"127.0.0.1:{port}"' for port in host.worker_ports),
        "kill_milliseconds": host.kill_seconds * 1000,
        "listen_milliseconds": LISTEN_SECONDS * 1000,
        "stop_seconds": host.stop_seconds,
        "start_seconds": host.start_seconds,
        "patience_seconds": host.patience_seconds,
        "healthy_seconds": host.healthy_seconds,
        "ssh_daemon": str(host.ssh_daemon).lower(),
        "namespace": host.metrics_namespace,
        "metrics_log_group": host.log_groups.metrics,
        "log_files": json.dumps(_log_files(host.log_groups)),
    }


def _log_files(groups: LogGroups) -> Sequence[Mapping[str, str]]:
    """What the agent sends: of the application each file but error.log, whose lines are in combined.log as well.

    By name, since the agent follows only the newest of the files that a pattern matches.
    """
    return [
        {"file_path": path, "log_group_name": group, "log_stream_name": f"{{instance_id}}/{Path(path).name}"}
        for group, paths in (
            (groups.application, [f"/var/log/fixrx/{name}.log" for name in ("combined", "out", "err")]),
            (groups.nginx, [f"/var/log/nginx/{name}.log" for name in ("access", "error")]),
            (groups.boot, ["/var/log/cloud-init-output.log"]),
        )
        for path in paths
    ]


def _settings(host: HostConfiguration) -> str:
    return _lines(f"{variable}={value}" for variable, value in host.settings.items())


def _secrets(host: HostConfiguration) -> str:
    return _lines(f"{variable} {arn}" for variable, arn in host.secret_arns.items())


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in sorted(lines))
