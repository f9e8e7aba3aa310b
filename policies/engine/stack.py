"""All resources of a stack, and which of them refer to which.

References are followed by value (an id, ARN or name that another resource answers to) and, where a value is not known
yet, by the property dependencies that Pulumi records. Logical names are never compared: they are the author's own.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from policies.engine.resource import StackResource, Unknown, UnknownValue

T = TypeVar("T")

IDENTIFYING_PROPERTIES: Final = (
    "id",
    "arn",
    "name",
    "alarmName",
    "bucket",
    "identifier",
    "replicationGroupId",
    "keyId",
    "zoneId",
    "arnSuffix",
    "dnsName",
    "domainName",
    "certificateArn",
    "secretId",
    "address",
    "endpoint",
    "defaultSecurityGroupId",
)
"""Outputs by which other resources refer to a resource."""


class StackGraph:
    """The resources of one stack."""

    def __init__(self, resources: Iterable[StackResource]) -> None:
        self.resources: Sequence[StackResource] = tuple(resources)
        self._by_urn = {resource.urn: resource for resource in self.resources}
        self._by_type: dict[str, list[StackResource]] = defaultdict(list)
        for resource in self.resources:
            self._by_type[resource.type].append(resource)
        self._by_identifier: dict[str, Mapping[str, Sequence[StackResource]]] = {}
        self._referrers: dict[tuple[str, str, str], _Referrers] = {}
        self._derived: dict[Callable[[StackGraph], Any], Any] = {}

    def derived(self, derive: Callable[["StackGraph"], T]) -> T:
        """Return what a function makes of the whole stack. It is computed once, not for each resource."""
        if derive not in self._derived:
            self._derived[derive] = derive(self)
        result: T = self._derived[derive]
        return result

    def of_type(self, *resource_types: str) -> Sequence[StackResource]:
        """Return the resources of these types."""
        return [resource for resource_type in resource_types for resource in self._by_type.get(resource_type, ())]

    def find(self, urn: str) -> StackResource | None:
        """Return the resource with this URN, if it is in the stack."""
        return self._by_urn.get(urn)

    def named(self, resource_type: str, identifier: str) -> Sequence[StackResource]:
        """Return the resources of a type that answer to an id, ARN or name."""
        return self._identifiers(resource_type).get(identifier, ())

    def targets(self, resource: StackResource, path: str, resource_type: str) -> Sequence[StackResource]:
        """Return the resources of a type that the value at a path refers to.

        While the value is not known, its dependencies are returned. Raises UnknownValue where there are none.
        """
        dependencies = self.sources(resource, path)
        candidates = [dependency for dependency in dependencies if dependency.type == resource_type]
        try:
            values = resource.texts(path)
        except UnknownValue:
            if dependencies:
                return candidates
            raise
        by_identifier = self._identifiers(resource_type)
        found = [target for value in values for target in by_identifier.get(value, ())]
        # A dependency counts beside a known value only while its own id is not known: afterwards the value decides.
        found += [target for target in candidates if values and not _is_known(target, "id")]
        return _unique(found)

    def referrers(self, resource: StackResource, resource_type: str, path: str) -> Sequence[StackResource]:
        """Return the resources of a type whose value at a path refers to this resource.

        Raises UnknownValue where none does for certain and one exists whose reference cannot be known.
        """
        found = self._all_referrers(resource, resource_type, path)[0].get(resource.urn, ())
        if not found:
            self.require_known_referrers(resource, resource_type, path)
        return found

    def has_referrer(
        self,
        resource: StackResource,
        resource_type: str,
        path: str,
        where: Callable[[StackResource], bool] | None = None,
    ) -> bool:
        """Tell whether a resource of a type refers to this one by the value at a path, and satisfies the condition.

        Raises UnknownValue where that depends on a value that cannot be known.
        """
        unknown: UnknownValue | None = None
        for referrer in self.referrers(resource, resource_type, path):
            try:
                if where is None or where(referrer):
                    return True
            except UnknownValue as error:
                unknown = error
        if unknown is not None:
            raise unknown
        self.require_known_referrers(resource, resource_type, path)
        return False

    def require_known_referrers(self, resource: StackResource, resource_type: str, path: str) -> None:
        """Raise UnknownValue if there may be more referrers than are known: before reporting that one is missing."""
        for unknown in self._all_referrers(resource, resource_type, path)[1]:
            raise unknown

    def _all_referrers(self, resource: StackResource, resource_type: str, path: str) -> "_Referrers":
        key = (resource.type, resource_type, path)
        if key not in self._referrers:
            self._referrers[key] = self._collect_referrers(*key)
        return self._referrers[key]

    def _collect_referrers(self, target_type: str, resource_type: str, path: str) -> "_Referrers":
        found: dict[str, list[StackResource]] = defaultdict(list)
        unknown_references: list[UnknownValue] = []
        for referrer in self.of_type(resource_type):
            try:
                for target in self.targets(referrer, path, target_type):
                    found[target.urn].append(referrer)
            except UnknownValue as unknown:
                unknown_references.append(unknown)
        return found, unknown_references

    def sources(self, resource: StackResource, path: str) -> Sequence[StackResource]:
        """Return the resources of whose values the value at a path, or one beside it, is made."""
        urns = resource.property_dependencies.get(path.partition(".")[0], ())
        return [self._by_urn[urn] for urn in urns if urn in self._by_urn]

    def _identifiers(self, resource_type: str) -> Mapping[str, Sequence[StackResource]]:
        if resource_type not in self._by_identifier:
            found: dict[str, list[StackResource]] = defaultdict(list)
            for resource in self.of_type(resource_type):
                for name in IDENTIFYING_PROPERTIES:
                    value = resource.properties.get(name)
                    if isinstance(value, str) and resource not in found[value]:
                        found[value].append(resource)
            self._by_identifier[resource_type] = found
        return self._by_identifier[resource_type]


_Referrers = tuple[Mapping[str, Sequence[StackResource]], Sequence[UnknownValue]]


def _is_known(resource: StackResource, path: str) -> bool:
    value = resource.properties.get(path)
    return value is not None and not isinstance(value, Unknown)


def _unique(resources: Iterable[StackResource]) -> Sequence[StackResource]:
    return list({resource.urn: resource for resource in resources}.values())
