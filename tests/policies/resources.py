"""Resources as rules see them, for tests of the engine."""

from typing import Any

from policies.engine.resource import StackResource


def resource(resource_type: str, name: str, properties: dict[str, Any], **references: list[str]) -> StackResource:
    """Return a resource; references name, for each property, the resources that it depends on as `type::name`."""
    urns = {key: [f"urn:pulumi:s::p::{urn}" for urn in value] for key, value in references.items()}
    return StackResource(
        urn=f"urn:pulumi:s::p::{resource_type}::{name}",
        type_token=f"{resource_type}:X",
        properties=properties,
        property_dependencies=urns,
    )
