"""The bucket that receives the access logs of the load balancer, of the CDN and of the other buckets."""

from dataclasses import dataclass

import pulumi

from components.sections.access_logs import AccessLogsSettings
from components.shared import iam
from components.shared.identity import GLOBAL_SERVICES_REGION, StackIdentity
from components.shared.private_bucket import (
    S3_LOGS_PREFIX,
    LogDestination,
    PrivateBucket,
    PrivateBucketArgs,
    expire_logs,
    receive_access_logs,
)

LOAD_BALANCER_PREFIX = "load-balancer"
CDN_PREFIX = "cdn"


@dataclass(frozen=True, kw_only=True)
class AccessLogsArgs:
    settings: AccessLogsSettings
    identity: StackIdentity


class AccessLogs(pulumi.ComponentResource):
    """A bucket into which only AWS's log deliveries may write.

    It is encrypted with S3's own key: neither the load balancer nor S3 can deliver logs under a KMS key.
    """

    load_balancer: LogDestination
    buckets: LogDestination
    cdn: LogDestination

    def __init__(self, name: str, args: AccessLogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:AccessLogs", name, None, opts)
        identity = args.identity
        bucket_name = identity.physical_name(
            "aws:s3/bucket:Bucket", f"{identity.project}-access-logs-{identity.environment}-{identity.account_id}"
        )
        bucket = PrivateBucket(
            f"{name}-store",
            PrivateBucketArgs(
                bucket_name=bucket_name,
                lifecycle_rules=[expire_logs(args.settings.retention_days)],
                policy_statements=_deliveries(f"arn:aws:s3:::{bucket_name}", identity),
                protect=args.settings.protect,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.load_balancer = LogDestination(bucket=bucket.writable_name, prefix=LOAD_BALANCER_PREFIX)
        self.buckets = LogDestination(bucket=bucket.writable_name, prefix=S3_LOGS_PREFIX)
        self.cdn = LogDestination(bucket=bucket.writable_name, prefix=CDN_PREFIX)
        self.register_outputs({"bucket_name": bucket.bucket_name})


def _deliveries(bucket_arn: str, identity: StackIdentity) -> tuple[iam.Statement, ...]:
    account_id, region = identity.account_id, identity.region
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
        receive_access_logs(bucket_arn, account_id),
        iam.statement(
            "CdnLogs",
            principals={"Service": "delivery.logs.amazonaws.com"},
            actions=["s3:PutObject"],
            resources=[f"{bucket_arn}/{CDN_PREFIX}/*"],
            conditions={
                "StringEquals": {"aws:SourceAccount": account_id, "s3:x-amz-acl": "bucket-owner-full-control"},
                "ArnLike": {
                    "aws:SourceArn": f"arn:aws:logs:{GLOBAL_SERVICES_REGION}:{account_id}:delivery-source:"
                    f"{identity.prefix}-cdn"
                },
            },
        ),
    )
