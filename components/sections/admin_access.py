"""Section `fixrx:admin_access`."""

from typing import Annotated

from pydantic import Field

from components.shared.section import RETENTION_AUDIT_DAYS, LogRetentionDays, Section


class AdminAccessSettings(Section):
    """Section `fixrx:admin_access`."""

    idle_timeout_minutes: Annotated[int, Field(ge=1, le=60)] = 20
    longest_session_minutes: Annotated[int, Field(ge=1, le=1440)] = 240
    instance_connect: bool = False
    """SSH through an EC2 Instance Connect Endpoint, without an open port; its sessions are not recorded. Needs
    `app_servers.ssh_daemon`."""
    log_retention_days: LogRetentionDays = RETENTION_AUDIT_DAYS
