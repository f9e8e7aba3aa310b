"""Where the load balancer and the other buckets leave their access logs."""

from dataclasses import dataclass
from typing import Annotated

import pulumi
from pydantic import Field

from components import iam
from components.naming import Label
from components.private_bucket import PrivateBucket, PrivateBucketArgs
from components.section import RETENTION_AUDIT_DAYS, Section

LOAD_BALANCER_PREFIX = "load-balancer"
S3_PREFIX = "s3/"
"""Of the server access logs of all buckets; an entry names its bucket."""


class AccessLogsSettings(Section):
    """Section `fixrx:access_logs`."""

    retention_days: Annotated[int, Field(ge=30, le=3650)] = RETENTION_AUDIT_DAYS
    protect: bool = True
    """Refuse to delete the bucket. Without it, `pulumi destroy` deletes what is in it as well."""


@dataclass(frozen=True, kw_only=True)
class AccessLogsArgs:
    settings: AccessLogsSettings
    label: Label


class AccessLogs(pulumi.ComponentResource):
    """A bucket into which AWS's log deliveries, and nobody else, may write.

    It is encrypted by S3's own key: neither the load balancer's logs nor S3's can be delivered under a KMS key.
    """

    bucket_name: pulumi.Output[str]
    """Known only once deliveries are allowed: AWS tries one as soon as logging is switched on."""

    def __init__(self, name: str, args: AccessLogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:AccessLogs", name, None, opts)
        bucket_name = args.label.physical_name(
            "aws:s3/bucket:Bucket", f"{args.label.project}-access-logs-{args.label.environment}-{args.label.account_id}"
        )
        bucket = PrivateBucket(
            f"{name}-store",
            PrivateBucketArgs(
                bucket_name=bucket_name,
                lifecycle_rules=[
                    {
                        "id": "expire-logs",
                        "status": "Enabled",
                        "filter": {"prefix": ""},
                        "expiration": {"days": args.settings.retention_days},
                        "noncurrent_version_expiration": {"noncurrent_days": 1},
                    }
                ],
                policy_statements=_deliveries(f"arn:aws:s3:::{bucket_name}", args.label.account_id, args.label.region),
                protect=args.settings.protect,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.bucket_name = bucket.writable_name
        self.register_outputs({"bucket_name": self.bucket_name})


def _deliveries(bucket_arn: str, account_id: str, region: str) -> tuple[iam.Statement, ...]:
    return (
        iam.statement(
            "LoadBalancerLogs",
            principals={"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
            actions=["s3:PutObject"],
            resources=[f"{bucket_arn}/{LOAD_BALANCER_PREFIX}/AWSLogs/{account_id}/*"],
            conditions={
                "ArnLike": {"aws:SourceArn": f"arn:aws:elasticloadbalancing:{region}:{account_id}:loadbalancer/*"}
            },
        ),
        iam.statement(
            "S3ServerAccessLogs",
            principals={"Service": "logging.s3.amazonaws.com"},
            actions=["s3:PutObject"],
            resources=f"{bucket_arn}/{S3_PREFIX}*",
            conditions={"StringEquals": {"aws:SourceAccount": account_id}},
        ),
    )
