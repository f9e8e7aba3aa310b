"""Exported states, written down resource by resource. Ids and ARNs are made up from logical names."""

import base64
import copy
import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ACCOUNT = "111122223333"
STACK_URN = "urn:pulumi:production::fixrx::"
UNKNOWN_SENTINEL = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
PASSPHRASE_SALT = "v1:dGVzdC1zYWx0:v1:bm9uY2Utbm9uY2U:Y2lwaGVydGV4dA=="
"""Of the passphrase that would decrypt the secrets, which no test knows."""
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "c2VjcmV0"}
"""A secret as an exported state holds it."""


@dataclass(frozen=True)
class Reference:
    """An output of another resource, used as an input."""

    name: str
    output: str


class State:
    """An exported state that grows by `add`."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def add(
        self,
        resource_type: str,
        name: str,
        inputs: Mapping[str, Any] | None = None,
        *,
        protect: bool = False,
        **outputs: Any,
    ) -> "Added":
        """Add a resource. Inputs may hold references; further outputs are given by keyword."""
        given = dict(inputs or {})
        known = {"id": f"{name}-id", "arn": arn(name), "name": name, **self.resolve(given), **outputs}
        self.entries.append(
            {
                "urn": urn(resource_type, name),
                "type": type_token(resource_type),
                "custom": True,
                "id": known["id"],
                "inputs": self.resolve(given),
                "outputs": known,
                "protect": protect,
                "propertyDependencies": {key: self._urns(value) for key, value in given.items()},
            }
        )
        return Added(name)

    def resolve(self, value: Any) -> Any:
        """Replace references by what they refer to."""
        match value:
            case Reference():
                return self.find(value.name)["outputs"][value.output]
            case Mapping():
                return {key: self.resolve(item) for key, item in value.items()}
            case list():
                return [self.resolve(item) for item in value]
            case _:
                return value

    def find(self, name: str) -> dict[str, Any]:
        """Return the entry with this logical name."""
        return next(entry for entry in self.entries if entry["urn"].endswith(f"::{name}"))

    def _urns(self, value: Any) -> list[str]:
        return sorted({self.find(reference.name)["urn"] for reference in _references(value)})

    def exported(self) -> dict[str, Any]:
        """Return the state as `pulumi stack export` writes it."""
        deployment = {
            "manifest": {"time": "2026-11-24T00:00:00Z", "magic": "", "version": "v3.259.0"},
            "secrets_providers": {"type": "passphrase", "state": {"salt": PASSPHRASE_SALT}},
            "resources": copy.deepcopy(self.entries),
        }
        return {"version": 3, "deployment": deployment}


@dataclass(frozen=True)
class Added:
    """A resource of the state, to be referred to."""

    name: str

    def __getattr__(self, output: str) -> Reference:
        return Reference(self.name, output)


def urn(resource_type: str, name: str) -> str:
    """Return the URN of a resource."""
    return f"{STACK_URN}{type_token(resource_type)}::{name}"


def arn(name: str) -> str:
    """Return the ARN of a resource."""
    return f"arn:aws:test:us-east-1:{ACCOUNT}:{name}"


def type_token(resource_type: str) -> str:
    """Return the token of a type: `aws:ec2/vpc` is `aws:ec2/vpc:Vpc`. Kubernetes' own are given in full."""
    if resource_type.startswith("kubernetes:"):
        return resource_type
    resource = resource_type.rpartition("/")[2]
    return f"{resource_type}:{resource[0].upper()}{resource[1:]}"


def _references(value: Any) -> Iterator[Reference]:
    match value:
        case Reference():
            yield value
        case Mapping():
            for item in value.values():
                yield from _references(item)
        case list():
            for item in value:
                yield from _references(item)


def document(*statements: Mapping[str, Any]) -> str:
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def tags(name: str) -> dict[str, str]:
    """Return the tags that every resource carries."""
    return {
        "Name": f"fixrx-production-{name}",
        "Project": "fixrx",
        "Environment": "production",
        "Owner": "ops@fixrx.com",
        "ManagedBy": "pulumi",
    }


def encoded(script: str) -> str:
    """Return a start-up script as a launch template carries it."""
    return base64.b64encode(script.encode()).decode()


def compressed(script: str) -> str:
    """Return a start-up script as a launch template carries a long one."""
    return base64.b64encode(gzip.compress(script.encode(), mtime=0)).decode()


def data_protection(*identifiers: str, operation: str = "Deidentify") -> str:
    """Return a policy that masks data in logs."""
    data = [
        f"arn:aws:dataprotection::aws:data-identifier/{each}"
        for each in identifiers or ("EmailAddress", "PhoneNumber-US")
    ]
    mask: dict[str, Any] = {"Deidentify": {"MaskConfig": {}}}
    audit: dict[str, Any] = {"Audit": {"FindingsDestination": {}}}
    return json.dumps(
        {
            "Name": "personal-data",
            "Version": "2021-06-01",
            "Statement": [
                {"Sid": "audit", "DataIdentifier": data, "Operation": audit},
                {"Sid": "mask", "DataIdentifier": data, "Operation": mask if operation == "Deidentify" else audit},
            ],
        }
    )
