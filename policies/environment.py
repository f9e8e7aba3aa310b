"""Which promises a resource has to keep: production's, unless it says that it belongs to something less."""

from collections.abc import Mapping
from typing import Any, Final

from policies.engine.resource import StackResource

ENVIRONMENT_TAG: Final = "Environment"
LESSER_ENVIRONMENTS: Final = frozenset({"staging", "development", "test"})


def tags_of(resource: StackResource) -> Mapping[str, Any]:
    """Return a resource's tags. Auto Scaling groups carry theirs as a list of keys and values."""
    tags = resource.get("tags")
    if isinstance(tags, list):
        return {str(tag.get("key")): tag.get("value") for tag in tags if isinstance(tag, Mapping)}
    return tags or {}


def in_production(resource: StackResource) -> bool:
    """Tell whether production depends on the resource. One without a tag counts: nothing escapes by omission."""
    return tags_of(resource).get(ENVIRONMENT_TAG) not in LESSER_ENVIRONMENTS
