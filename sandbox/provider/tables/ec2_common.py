"""What the tables of EC2 share."""

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.provider.model import Inputs, Tagging, call
from sandbox.provider.schema import CheckFailure

TAGGING = Tagging(call("create_tags", Resources="id"), call("delete_tags", Resources="id"))
MANAGED = "Managed by Pulumi"


def exactly_one(*keys: str) -> Callable[[Inputs], Iterable[CheckFailure]]:
    """A rule that one of these inputs is given, and no other."""

    def validate(inputs: Inputs) -> Iterable[CheckFailure]:
        given = [key for key in keys if inputs.get(key) is not None]
        if len(given) != 1:
            yield CheckFailure("", f"exactly one of {', '.join(keys)} must be given, not {len(given)}")

    return validate


def filter_by(name: str, *values: str) -> dict[str, Any]:
    """One of EC2's filters."""
    return {"Name": name, "Values": list(values)}
