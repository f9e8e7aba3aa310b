"""Section `fixrx:access_logs`."""

from typing import Annotated

from pydantic import Field

from components.shared.production import Protected
from components.shared.section import RETENTION_AUDIT_DAYS, Section


class AccessLogsSettings(Section):
    """Section `fixrx:access_logs`."""

    retention_days: Annotated[int, Field(ge=30, le=3650)] = RETENTION_AUDIT_DAYS
    protect: Protected = True
    """Refuse to delete the bucket. Without it, `pulumi destroy` deletes what is in it as well."""
