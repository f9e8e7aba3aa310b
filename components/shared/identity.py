"""Identity of a stack: where it lives, and the names and tags that follow from that.

Most resources are named by Pulumi (logical name and a random suffix), so that a replacement can be created before the
old one is deleted. A physical name is set only where an operator or AWS must know it in advance; it is built here.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

GLOBAL_SERVICES_REGION = "us-east-1"
"""Region of what AWS's global services accept from one region only: Route 53's query logs."""

NAME_LIMITS: Mapping[str, int] = {
    "aws:cloudwatch/logGroup:LogGroup": 512,
    "aws:cloudwatch/metricAlarm:MetricAlarm": 255,
    "aws:elasticache/replicationGroup:ReplicationGroup": 40,
    "aws:kms/alias:Alias": 256,
    "aws:lb/loadBalancer:LoadBalancer": 32,
    "aws:rds/instance:Instance": 63,
    "aws:s3/bucket:Bucket": 63,
    # 512 less the 26 characters that the provider appends to a name prefix.
    "aws:secretsmanager/secret:Secret": 486,
    "aws:ssm/document:Document": 128,
}
"""Longest physical name that AWS accepts, in characters, for every type that is named here."""

HASH_LENGTH = 6

UNTAGGED_BY_TRANSFORMATION = frozenset({"aws:autoscaling/group:Group"})
"""Types whose `tags` input is a list of another shape; their component tags them itself."""


@dataclass(frozen=True, kw_only=True)
class StackIdentity:
    """Identity and location of one stack, from which every name and tag follows."""

    project: str
    environment: str
    owner: str
    """E-mail address of the team that is responsible for the resources."""
    account_id: str
    region: str

    @property
    def prefix(self) -> str:
        """First part of every physical name, for instance `fixrx-production`."""
        return f"{self.project}-{self.environment}"

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


def options_for_account(identity: StackIdentity) -> pulumi.ResourceOptions:
    """Declare the AWS provider of the stack and return the options that select it for a component.

    Credentials of any other account are refused.
    """
    provider = aws.Provider("aws", region=identity.region, allowed_account_ids=[identity.account_id])
    return pulumi.ResourceOptions(providers=[provider])


def tag_every_resource(identity: StackIdentity) -> None:
    """Add the stack's tags to the `tags` input of every taggable resource declared after this call.

    They are inputs and not the provider's default tags, because the policy pack and the preview see inputs only. A
    tag that a component sets itself is kept.
    """

    def add_tags(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if not is_tagged_by_transformation(args.type_, type(args.resource)):
            return None
        props: dict[str, Any] = dict(args.props)
        own_tags = props.get("tags") or {}
        return pulumi.ResourceTransformationResult(
            props={**props, "tags": {**identity.tags(args.name), **own_tags}}, opts=args.opts
        )

    pulumi.runtime.register_stack_transformation(add_tags)


def is_tagged_by_transformation(type_token: str, resource_class: type) -> bool:
    """Tell whether a resource of this class gets its tags from `tag_every_resource`."""
    return (
        type_token.startswith("aws:")
        and type_token not in UNTAGGED_BY_TRANSFORMATION
        and hasattr(resource_class, "tags")
    )
