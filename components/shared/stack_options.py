"""What every resource of a stack has: the provider that accepts only its account, and its tags."""

from typing import Any

import pulumi
import pulumi_aws as aws

from components.shared.identity import StackIdentity

UNTAGGED_BY_TRANSFORMATION = frozenset({"aws:autoscaling/group:Group"})
"""Types whose `tags` input is a list of another shape; their component tags them itself."""


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
