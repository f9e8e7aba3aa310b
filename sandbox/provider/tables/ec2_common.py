"""What the tables of EC2 share."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from sandbox.provider.model import Inputs, ResourceType, arn, call
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables.helpers import given, tagging

TAGGING = tagging("create_tags delete_tags", Resources="id")


def ec2_type(name: str, plural: str = "", noun: str = "", *, has_arn: bool = True, **fields: Any) -> ResourceType:
    """A type that EC2 creates, describes (as `plural`), tags and deletes by calls that are named after it.

    `noun`: its name in ARNs and tag specifications, if it is not the type's in lower case with hyphens.
    """
    plural, words = plural or f"{name}s", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    described = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", plural).lower()
    noun = noun or words.replace("_", "-")
    own = {"arn": arn("ec2", f"{noun}/{{id}}")} if has_arn else {}
    attributes = {**own, **fields.pop("attributes", {})}
    usual: dict[str, Any] = {
        "token": f"aws:ec2/{name[0].lower()}{name[1:]}:{name}",
        "create": f"create_{words}",
        "id": f"{name}.{name}Id",
        "tag_specification": noun,
        "read": call(f"describe_{described}", **{f"{name}Ids": "id"}),
        "description": f"{plural}[0]",
        "delete": call(f"delete_{words}", **{f"{name}Id": "id"}),
    }
    return ResourceType(service="ec2", tagging=TAGGING, attributes=attributes, **{**usual, **fields})


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
