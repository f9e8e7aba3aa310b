"""What the tables of EC2 share."""

from collections.abc import Callable, Iterable
from typing import Any

from botocore import xform_name

from sandbox.provider.model import Inputs, ResourceType, arn
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables.helpers import given, regular_type, tagging

TAGGING = tagging("create_tags delete_tags", Resources="id")


def ec2_type(name: str, plural: str = "", noun: str = "", *, has_arn: bool = True, **fields: Any) -> ResourceType:
    """A type that EC2 creates, describes (as `plural`), tags and deletes by calls that are named after it.

    `noun`: its name in ARNs and tag specifications, if it is not the type's in lower case with hyphens.
    """
    noun = noun or xform_name(name).replace("_", "-")
    attributes = {"arn": arn("ec2", f"{noun}/{{id}}")} if has_arn else {}
    return regular_type(
        f"aws:ec2/{name[0].lower()}{name[1:]}:{name}",
        "ec2",
        name,
        f"{name}Id",
        plural=plural,
        listed=f"{name}Ids",
        tagging=TAGGING,
        attributes={**attributes, **fields.pop("attributes", {})},
        **{"tag_specification": noun, **fields},
    )


def exactly_one(*keys: str) -> Callable[[Inputs], Iterable[CheckFailure]]:
    """A rule that one of these inputs is given, and no other."""

    def validate(inputs: Inputs) -> Iterable[CheckFailure]:
        number = len(given(inputs, *keys))
        if number != 1:
            yield CheckFailure("", f"exactly one of {', '.join(keys)} must be given, not {number}")

    return validate


def filter_by(name: str, *values: str) -> dict[str, Any]:
    """One of EC2's filters."""
    return {"Name": name, "Values": list(values)}
