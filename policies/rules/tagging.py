"""Every resource tells whose it is: project, environment, owner, and that Pulumi manages it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource, UnknownValue
from policies.engine.rule import Context, Problem, Rule, RuleSeverity, Scope
from policies.engine.stack import StackGraph
from policies.environment import ENVIRONMENT_TAG, tags_of
from policies.rules.admin_access import LAUNCH_TEMPLATE

REQUIRED_TAGS: Final = ("Project", ENVIRONMENT_TAG, "Owner", "ManagedBy")
TAGGING_GUIDE: Final = (
    "https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html"
)

_TAGGABLE: Final[Mapping[str, str]] = {
    "acm": "certificate",
    "apigatewayv2": "api",
    "autoscaling": "group",
    "backup": "plan vault",
    "cloudfront": "distribution",
    "chatbot": "slackChannelConfiguration teamsChannelConfiguration",
    "cloudwatch": "alarmMuteRule compositeAlarm eventRule logGroup metricAlarm",
    "cognito": "userPool",
    "docdb": "cluster",
    "dynamodb": "table",
    "ebs": "volume",
    "ec2": "defaultNetworkAcl defaultSecurityGroup eip flowLog instance internetGateway keyPair launchTemplate "
    "natGateway networkAcl routeTable securityGroup subnet vpc vpcEndpoint vpcPeeringConnection",
    "ec2clientvpn": "endpoint",
    "ecr": "repository",
    "ecs": "cluster service",
    "efs": "fileSystem",
    "eks": "cluster",
    "elasticache": "cluster parameterGroup replicationGroup subnetGroup",
    "iam": "instanceProfile openIdConnectProvider policy role user",
    "kinesis": "stream",
    "kms": "key",
    "lambda": "function",
    "lb": "listener listenerRule loadBalancer targetGroup",
    "opensearch": "domain",
    "rds": "cluster eventSubscription instance parameterGroup subnetGroup",
    "route53": "zone",
    "s3": "bucket",
    "secretsmanager": "secret",
    "sfn": "stateMachine",
    "sns": "topic",
    "sqs": "queue",
    "ssm": "document maintenanceWindow parameter",
    "synthetics": "canary",
    "vpc": "securityGroupEgressRule securityGroupIngressRule",
    "wafv2": "webAcl",
}
TAGGABLE_KINDS: Final = frozenset(
    f"aws:{module}/{resource}" for module, resources in _TAGGABLE.items() for resource in resources.split()
)
"""Kinds that take tags. Tags from the provider's defaults do not count: neither a preview nor a policy sees them."""


def _has_required_tags(resource: StackResource, _: Context) -> Iterator[Problem]:
    tags = tags_of(resource)
    missing = [tag for tag in REQUIRED_TAGS if not tags.get(tag)]
    if missing:
        yield f"has no {', '.join(missing)} among its tags: nobody knows whom to ask, or who pays"


def _tags_what_it_starts(template: StackResource, _: Context) -> Iterator[Problem]:
    tagged = {
        specification.get("resourceType"): specification.get("tags") or {}
        for specification in template.items("tagSpecifications")
    }
    for kind in ("instance", "volume"):
        if any(not tagged.get(kind, {}).get(tag) for tag in REQUIRED_TAGS):
            yield f"starts a server whose {kind} has no tags: nobody knows whom to ask, or who pays"


def _is_in_the_stacks_environment(resource: StackResource, context: Context) -> Iterator[Problem]:
    """A resource that pretends to be of a lesser environment would escape what production promises."""
    own = tags_of(resource).get(ENVIRONMENT_TAG)
    of_the_stack = context.stack.derived(_most_common_environment)
    if own and own != of_the_stack:
        yield f"says that it is in {own}, and its stack is {of_the_stack}"


def _most_common_environment(stack: StackGraph) -> str | None:
    environments = [_environment_if_known(other) for other in stack.resources if other.type in TAGGABLE_KINDS]
    counted = Counter(environment for environment in environments if environment)
    return max(counted, key=counted.__getitem__, default=None)


def _environment_if_known(resource: StackResource) -> str | None:
    try:
        return tags_of(resource).get(ENVIRONMENT_TAG)
    except UnknownValue:
        return None


RULES = (
    Rule(
        name="tagging-required-tags-are-set",
        description="Every resource has the tags Project, Environment, Owner and ManagedBy.",
        item=ChecklistItem.TAGGING,
        severity=RuleSeverity.LOW,
        documentation=TAGGING_GUIDE,
        resource_types=TAGGABLE_KINDS,
        check=_has_required_tags,
        remediation="Create the resource after tag_every_resource (components/naming.py), or set its tags.",
    ),
    Rule(
        name="tagging-launch-template-tags-are-set",
        description="Servers and their disks are tagged as the rest of the stack is.",
        item=ChecklistItem.TAGGING,
        severity=RuleSeverity.LOW,
        documentation=TAGGING_GUIDE,
        resource_types=frozenset({LAUNCH_TEMPLATE}),
        check=_tags_what_it_starts,
        remediation="Give the launch template tag_specifications for instance and volume.",
    ),
    Rule(
        name="tagging-environment-is-consistent",
        description="All resources of a stack are in the same environment.",
        item=ChecklistItem.TAGGING,
        severity=RuleSeverity.MEDIUM,
        documentation=TAGGING_GUIDE,
        scope=Scope.STACK,
        resource_types=TAGGABLE_KINDS,
        check=_is_in_the_stacks_environment,
        remediation="Remove the Environment tag from the resource; the stack's label sets it.",
    ),
)
