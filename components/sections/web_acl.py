"""Section `fixrx:web_acl`."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from components.shared.production import Production
from components.shared.section import RETENTION_AUDIT_DAYS, LogRetentionDays, Section, TextFormat

SMALLEST_LIMIT = 10
"""AWS WAF accepts no smaller limit."""


MANAGED_GROUPS: Mapping[str, str] = {
    "reputation": "AWSManagedRulesAmazonIpReputationList",
    "known_bad_inputs": "AWSManagedRulesKnownBadInputsRuleSet",
    "common": "AWSManagedRulesCommonRuleSet",
    "sql_injection": "AWSManagedRulesSQLiRuleSet",
}
"""AWS's groups of rules, the cheapest first; known bad inputs has Log4j. Together 1,125 capacity units, of the 1,500
that a web ACL has without a surcharge."""
ManagedGroup = Literal["reputation", "known_bad_inputs", "common", "sql_injection"]
LowerCasePath = Annotated[
    str,
    TextFormat(pattern=r"/[a-z0-9/_-]{1,60}", description="a path in small letters", example="/api/v1/auth/otp/send"),
]


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
    block_managed: tuple[ManagedGroup, ...] = ("reputation", "known_bad_inputs")
    """AWS's groups of rules that block; the others only count. Look at what they count before they block."""
    upload_paths: Annotated[tuple[LowerCasePath, ...], Field(min_length=1, max_length=5)] = ("/api/v1/uploads",)
    """Where a body of more than 8 KiB is meant; elsewhere it is one of the common rules."""
    message_paths: Annotated[tuple[LowerCasePath, ...], Field(min_length=1, max_length=5)] = (
        "/api/v1/auth/otp/send",
        "/api/v1/auth/otp/resend",
        "/api/v1/auth/register",
    )
    """Paths of which each request may send an SMS."""
    message_requests: Annotated[int, Field(ge=SMALLEST_LIMIT, le=10000)] = 10
    """Requests to these paths that one address may send in a window."""
    message_window_seconds: Literal[60, 120, 300, 600] = 300
    log_retention_days: LogRetentionDays = RETENTION_AUDIT_DAYS

    @property
    def requests_per_window(self) -> int:
        """The most that the guide's limit admits from one address in one window."""
        return max(SMALLEST_LIMIT, self.requests_per_second * self.window_seconds + self.burst)
