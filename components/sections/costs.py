"""Section `fixrx:costs`."""

from typing import Annotated

from pydantic import Field

from components.shared.section import Section, TextFormat


class CostsSettings(Section):
    """Section `fixrx:costs`: who is told what AWS charges, of everything in the account."""

    monthly_usd: Annotated[int, Field(ge=1, le=1_000_000)] = 2000
    """Budget of a month in USD. A message of severity P4 comes at 80 % of it, and one of severity P3 when AWS expects
    that the month will exceed it. Nothing is stopped."""
    anomaly_usd: Annotated[int, Field(ge=1, le=1_000_000)] = 50
    """Unusual cost in USD, of one service of AWS, of which a message of severity P3 comes; AWS notices within a day."""
    anomaly_monitor_arn: (
        Annotated[
            str,
            TextFormat(
                pattern=r"arn:aws:ce::[0-9]{12}:anomalymonitor/[0-9a-f-]{36}",
                description="the ARN of a cost anomaly monitor",
                example="arn:aws:ce::111122223333:anomalymonitor/0a1b2c3d-4e5f-6789-abcd-ef0123456789",
            ),
        ]
        | None
    ) = None
    """The monitor of AWS services that the account has already; AWS makes one in many new accounts, and admits no
    second one: `aws ce get-anomaly-monitors`. Without it the stack makes one."""
