"""Identity of a stack: where it lives, and the names and tags that follow from that.

Most resources are named by Pulumi (logical name and a random suffix), so that a replacement can be created before the
old one is deleted. A physical name is set only where an operator or AWS must know it in advance; it is built here.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

GLOBAL_SERVICES_REGION = "us-east-1"
"""Region of what AWS's global services accept from one region only: Route 53's query logs."""

NAME_LIMITS: Mapping[str, int] = {
    "aws:backup/restoreTestingPlan:RestoreTestingPlan": 50,
    "aws:backup/vault:Vault": 50,
    "aws:budgets/budget:Budget": 100,
    "aws:codebuild/project:Project": 150,
    "aws:cloudwatch/alarmMuteRule:AlarmMuteRule": 255,
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": 255,
    "aws:cloudwatch/dashboard:Dashboard": 255,
    "aws:cloudwatch/logGroup:LogGroup": 512,
    "aws:cloudwatch/metricAlarm:MetricAlarm": 255,
    "aws:dynamodb/table:Table": 255,
    "aws:ecr/repository:Repository": 256,
    "aws:eks/cluster:Cluster": 100,
    "aws:elasticache/replicationGroup:ReplicationGroup": 40,
    "aws:kms/alias:Alias": 256,
    "aws:elasticache/user:User": 40,
    "aws:lambda/function:Function": 64,
    "aws:lb/loadBalancer:LoadBalancer": 32,
    "aws:rds/instance:Instance": 63,
    "aws:s3/bucket:Bucket": 63,
    "aws:scheduler/scheduleGroup:ScheduleGroup": 64,
    # 512 less the 26 characters that the provider appends to a name prefix.
    "aws:secretsmanager/secret:Secret": 486,
    "aws:sqs/queue:Queue": 80,
    "aws:ssm/document:Document": 128,
    # 2048 with the ARN in front of it.
    "aws:ssm/parameter:Parameter": 1011,
}
"""Longest physical name that AWS accepts, in characters, for every type that is named here."""

HASH_LENGTH = 6


@dataclass(frozen=True, kw_only=True)
class StackIdentity:
    """Identity and location of one stack, from which every name and tag follows."""

    project: str
    environment: str
    owner: str
    """E-mail address of the team that is responsible for the resources."""
    account_id: str
    region: str
    second_region: str | None = None
    """Where the copies are that survive the loss of the region; None without any."""

    @property
    def prefix(self) -> str:
        """First part of every physical name, for instance `fixrx-production`."""
        return f"{self.project}-{self.environment}"

    @property
    def arn_scope(self) -> str:
        """Region and account as they are in an ARN."""
        return f"{self.region}:{self.account_id}"

    def physical_name(self, type_token: str, name: str) -> str:
        """Return `name` if AWS accepts its length for this type, else a shortened form that ends in a hash of the
        whole.

        The result depends on the arguments alone, so it is the same in every run. A type that is not in `NAME_LIMITS`
        raises KeyError: look up its limit before naming one.
        """
        limit = NAME_LIMITS[type_token]
        if len(name) <= limit:
            return name
        digest = hashlib.sha256(name.encode()).hexdigest()[:HASH_LENGTH]
        return f"{name[: limit - HASH_LENGTH - 1].rstrip('-')}-{digest}"

    def tags(self, logical_name: str) -> dict[str, str]:
        """Tags of the resource with this logical name."""
        return {
            "Name": f"{self.prefix}-{logical_name}",
            "Project": self.project,
            "Environment": self.environment,
            "Owner": self.owner,
            "ManagedBy": "pulumi",
        }
