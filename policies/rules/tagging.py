"""Every resource says whose it is: project, environment, owner, and that Pulumi manages it."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource, UnknownValue
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, rule
from policies.engine.stack import StackGraph

REQUIRED_TAGS: Final = ("Project", aws.ENVIRONMENT_TAG, "Owner", "ManagedBy")
TAGGING_GUIDE: Final = (
    "https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html"
)


@rule(
    "tagging-required-tags-are-set",
    item=ChecklistItem.TAGGING,
    severity=RuleSeverity.LOW,
    resource_types=aws.TAGGABLE_TYPES,
    documentation=TAGGING_GUIDE,
    remediation="Create the resource after tag_every_resource (components/shared/stack_options.py), or set its tags.",
)
def required_tags_are_set(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Resources have the tags Project, Environment, Owner and ManagedBy."""
    tags = aws.tags_of(resource)
    missing = [tag for tag in REQUIRED_TAGS if not tags.get(tag)]
    if missing:
        yield f"lacks the tags {', '.join(missing)}: its owner is unknown, and its cost is not assigned"


@rule(
    "tagging-launch-template-tags-are-set",
    item=ChecklistItem.TAGGING,
    severity=RuleSeverity.LOW,
    resource_types=[aws.LAUNCH_TEMPLATE],
    documentation=TAGGING_GUIDE,
    remediation="Give the launch template tag_specifications for instance and volume.",
)
def launch_template_tags_are_set(template: StackResource, _: Context) -> Iterator[Problem]:
    """Launch templates tag the instances and volumes that they start."""
    tagged = {
        specification.get("resourceType"): specification.get("tags") or {}
        for specification in template.items("tagSpecifications")
    }
    for resource_type in ("instance", "volume"):
        if any(not tagged.get(resource_type, {}).get(tag) for tag in REQUIRED_TAGS):
            yield f"does not tag its {resource_type}s: their owner is unknown, and their cost is not assigned"


@rule(
    "tagging-environment-is-consistent",
    item=ChecklistItem.TAGGING,
    severity=RuleSeverity.MEDIUM,
    resource_types=aws.TAGGABLE_TYPES,
    scope=Scope.STACK,
    documentation=TAGGING_GUIDE,
    remediation="Remove the Environment tag from the resource; the stack's identity sets it.",
)
def environment_is_consistent(resource: StackResource, context: Context) -> Iterator[Problem]:
    """All resources of a stack have the same environment."""
    # A wrong environment would exempt the resource from the rules about production.
    own = aws.tags_of(resource).get(aws.ENVIRONMENT_TAG)
    of_the_stack = context.stack.derived(_most_common_environment)
    if own and own != of_the_stack:
        yield f"has the environment {own}, and its stack {of_the_stack}"


def _most_common_environment(stack: StackGraph) -> str | None:
    environments = [_environment_if_known(other) for other in stack.of_type(*sorted(aws.TAGGABLE_TYPES))]
    counted = Counter(environment for environment in environments if environment)
    return max(counted, key=counted.__getitem__, default=None)


def _environment_if_known(resource: StackResource) -> str | None:
    try:
        return aws.tags_of(resource).get(aws.ENVIRONMENT_TAG)
    except UnknownValue:
        return None
