"""Section `fixrx:web_acl`."""

from typing import Annotated, Literal

from pydantic import Field

from components.shared.production import Production
from components.shared.section import RETENTION_AUDIT_DAYS, LogRetentionDays, Section

SMALLEST_LIMIT = 10
"""AWS WAF accepts no smaller limit."""


class WebAclSettings(Section):
    """Section `fixrx:web_acl`."""

    requests_per_second: Annotated[int, Field(ge=1, le=1000)] = 10
    """Average rate of one client address; the guide's figure."""
    burst: Annotated[int, Field(ge=0, le=10000)] = 20
    """Requests above that rate that one address may send at once; the guide's figure."""
    window_seconds: Literal[60, 120, 300, 600] = 60
    """Evaluation window of AWS WAF, which accepts these four values."""
    action: Annotated[
        Literal["block", "count"], Production(one_of=("block",), because="count lets every request through")
    ] = "block"
    """`count` only records which requests would be blocked."""
    log_retention_days: LogRetentionDays = RETENTION_AUDIT_DAYS

    @property
    def requests_per_window(self) -> int:
        """The most that the guide's limit admits from one address in one window."""
        return max(SMALLEST_LIMIT, self.requests_per_second * self.window_seconds + self.burst)
