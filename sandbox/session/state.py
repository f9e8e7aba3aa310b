"""A stack's state as the engine keeps it in a file, read without starting the engine."""

import json
from pathlib import Path
from typing import Any

from review import STACK_TYPE
from sandbox.provider.values import masked


class State:
    """The engine's latest checkpoint of one stack; empty if there is none yet."""

    def __init__(self, deployment: dict[str, Any]) -> None:
        self.deployment = deployment

    @classmethod
    def of(cls, directory: Path, stack: str) -> "State":
        """Reads it from the directory of the file backend."""
        for file in directory.rglob(f"stacks/**/{stack}.json"):
            return cls(json.loads(file.read_text())["checkpoint"].get("latest") or {})
        return cls({})

    @property
    def resources(self) -> list[dict[str, Any]]:
        """Every resource, those included that a replacement has yet to delete."""
        found: list[dict[str, Any]] = self.deployment.get("resources") or []
        return found

    @property
    def known(self) -> set[tuple[str, str]]:
        """Type and id of every resource that exists outside of the program."""
        return {(resource["type"], resource["id"]) for resource in self.resources if resource.get("id")}

    @property
    def in_kubernetes(self) -> bool:
        """Whether something of it is in a Kubernetes cluster."""
        return any(resource["type"].startswith("kubernetes:") for resource in self.resources)

    @property
    def interrupted(self) -> bool:
        """Whether the engine was killed during a step."""
        return bool(self.deployment.get("pending_operations"))

    def export(self) -> dict[str, Any]:
        """The same as `pulumi stack export` prints, secrets encrypted."""
        return {"version": 3, "deployment": self.deployment}

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, without the values that Pulumi treats as secret."""
        for resource in self.resources:
            if resource["type"] == STACK_TYPE:
                return {name: masked(value) for name, value in sorted(resource.get("outputs", {}).items())}
        return {}
