"""Plans for the tests, made of the engine's own events."""

from collections.abc import Mapping
from typing import Any

from pulumi.automation import EngineEvent

from review import Plan

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
STACK = "urn:pulumi:production::fixrx::pulumi:pulumi:Stack::fixrx-production"


def urn(token: str, name: str, parent: str = "") -> str:
    """A resource's URN; a component directly below the stack may be its parent."""
    return f"urn:pulumi:production::fixrx::{f'{parent}$' if parent else ''}{token}::{name}"


def step(
    op: str,
    token: str,
    name: str,
    *,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
    keys: list[str] | None = None,
    parent: str = STACK,
    retained: bool = False,
) -> dict[str, Any]:
    """One event about one resource, as the engine writes it in its log."""
    parent_type = "" if parent in ("", STACK) else parent.split("::")[2]
    state = {"urn": urn(token, name, parent_type), "type": token, "parent": parent, "retainOnDelete": retained}
    metadata = {
        "op": op,
        **state,
        "old": {**state, "inputs": dict(old)} if old is not None else None,
        "new": {**state, "inputs": dict(new)} if new is not None else None,
        "keys": keys,
    }
    return {"sequence": 0, "timestamp": 0, "resourcePreEvent": {"metadata": metadata}}


def plan_of(*events: dict[str, Any]) -> Plan:
    """The plan that the engine has reported with these events."""
    plan = Plan()
    for event in events:
        plan.add(EngineEvent.from_json(event))
    return plan


def with_outputs(event: dict[str, Any], outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The same event with what the provider says of the resource."""
    event["resourcePreEvent"]["metadata"]["new"]["outputs"] = outputs
    return event


def kubernetes_object(*managed_fields: Mapping[str, Any]) -> dict[str, Any]:
    """A Deployment that a refresh has read, with what Kubernetes notes of its fields."""
    metadata = {"name": "fixrx-api-1a2b", "managedFields": list(managed_fields)}
    return with_outputs(step("same", DEPLOYMENT, "api", old={}, new={}), {"metadata": metadata})
