"""One AWS resource in the emulator or in the record: the calls that its type's table describes.

Recorded types and features make no calls: their inputs are kept, and read back, as if AWS had taken them.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import jmespath

from sandbox.provider import mapping, requests, schema
from sandbox.provider.emulator import Api, ApiError
from sandbox.provider.model import Call, Feature, Inputs, Live, Request, ResourceType, Source
from sandbox.provider.resource_provider import ProviderError
from sandbox.provider.store import Record
from sandbox.provider.values import Properties


class EmulatedResource:
    """A resource of one type; `state` holds its properties and id as far as they are known."""

    def __init__(self, kind: ResourceType, api: Api, record: Record, name: str) -> None:
        self.kind = kind
        self.state: Properties = {}
        self._api = api
        self._record = record
        self._name = name

    def create(self, inputs: Inputs, tags: Mapping[str, str], settled: Inputs) -> str:
        """Create the resource without its features; returns the id."""
        request, _ = requests.creation(self.kind, inputs, tags)
        self.state = {**inputs, **settled}
        if self.kind.before_create:
            self.kind.before_create(self._api, self._live("", {}))
        answer = self._perform(request)
        identifier = str(self._evaluate(self.kind.id, self._live("", answer)))
        self.state["id"] = identifier
        if self.kind.stored_only:
            if self._record.get(self.kind.token, identifier) is not None:
                raise ProviderError(f"{self._name} cannot be created: {identifier} already exists")
            self.keep(identifier, inputs, tags)
        return identifier

    def _perform(self, request: Request) -> Any:
        if self.kind.custom_create:
            return self.kind.custom_create(self._api, self._live("", {}))
        if self.kind.stored_only:
            return {}
        regional = self.kind.regional(self._api.region) if self.kind.regional else {}
        return self._api(request.operation, **request.parameters, **regional)

    def keep(self, identifier: str, inputs: Inputs, tags: Mapping[str, str]) -> None:
        """Record the inputs of a resource whose type the emulator lacks, without those that AWS does not report."""
        hidden = self.kind.write_only.split()
        told = {key: value for key, value in inputs.items() if key not in hidden}
        self._record.put(self.kind.token, identifier, {"inputs": told, "tags": dict(tags)})

    def complete(self, identifier: str) -> None:
        """Make the calls that the create operation leaves open."""
        if self.kind.after_create:
            self.kind.after_create(self._api, self._live(identifier, {}))

    def apply(self, inputs: Inputs, features: Iterable[Feature], identifier: str) -> None:
        """Make the calls of those features that have an input."""
        for feature in features:
            given = {key: inputs[key] for key in feature.names if inputs.get(key) is not None}
            if feature.stored_only:
                self._record.put(_feature_kind(self.kind, feature), identifier, given)
            elif feature.apply and (given or feature.replaces_all):
                self.state |= given
                feature.apply(self._api, self._live(identifier, {}))
            elif given or feature.replaces_all:
                if feature.clear:
                    self.state |= given
                    feature.clear(self._api, self._live(identifier, {}))
                for request in feature.requests({**self.state, **inputs}, identifier):
                    self._api(request.operation, **request.parameters)

    def change(self, inputs: Inputs, changed: frozenset[str]) -> None:
        """Change inputs in place, as the type's table describes."""
        if self.kind.stored_only:
            return
        request = self._update_request(inputs, changed)
        recorded = changed & set(self.kind.update_stored_only.split())
        if recorded:
            kept = self._record.get(*self._overlay()) or {}
            self._record.put(*self._overlay(), kept | {key: inputs.get(key) for key in recorded})
        live = self._live(str(self.state["id"]), {})
        if self.kind.custom_update and changed - recorded:
            self.kind.custom_update(self._api, live)
        elif request and changed - recorded:
            self._api(request.operation, **request.parameters)
        if self.kind.after_update:
            self.kind.after_update(self._api, live)

    def _update_request(self, inputs: Inputs, changed: frozenset[str]) -> Request | None:
        if self.kind.custom_update:
            return None
        try:
            request, mapped = requests.updating(self.kind, inputs, changed, self.state)
        except LookupError as error:
            raise ProviderError(f"{self._name}: {error}") from error
        if mapped.failures:
            paths = ", ".join(failure.property for failure in mapped.failures)
            raise ProviderError(f"{self._name}: {request.operation} has no parameter for {paths}")
        return request

    def tag(self, state: Inputs, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Make the tags of an existing resource the new ones."""
        tagging, service = self.kind.tagging, self.kind.service
        if self.kind.stored_only:
            return
        if tagging is None:
            raise ProviderError(f"{self._name}: tags of this type cannot be changed in place")
        if tagging.replace_all:
            tagging.replace_all(self._api, str(state["id"]), new)
            return
        gone = {key: value for key, value in old.items() if key not in new}
        if gone:
            parameters = requests.arguments(service, tagging.remove, state)
            parameters |= requests.untag_parameters(service, tagging.remove.operation, gone)
            self._api(tagging.remove.operation, **parameters)
        if new:
            parameters = requests.arguments(service, tagging.add, state)
            parameters |= requests.tag_parameters(service, tagging.add.operation, new)
            self._api(tagging.add.operation, **parameters)

    def describe(self, identifier: str) -> Live | None:
        """The resource as it is now, None if it does not exist."""
        self.state["id"] = identifier
        if self.kind.stored_only:
            kept = self._record.get(self.kind.token, identifier)
            return self._live(identifier, kept["inputs"]) if kept else None
        try:
            description = self._description(identifier)
        except ApiError as error:
            if error.missing:
                return None
            raise
        return self._live(identifier, description) if description else None

    def values(self, live: Live) -> Properties:
        """Every property that the description contains, by name."""
        declared = schema.resource(self.kind.token)
        if declared is None:
            return {}
        values: Properties = {}
        # The record holds properties, to which the API's own names mean nothing.
        renames = {} if self.kind.stored_only else self.kind.renames
        for key, output in {**declared.outputs, **declared.inputs}.items():
            if key in ("tags", "tagsAll") and self.kind.tags_are_tags:
                continue
            source = self.kind.attributes.get(key)
            if callable(source):
                values[key] = output.type.coerce(source(live))
                continue
            if source is not None:
                value = self._evaluate(source, live)
            elif self.kind.stored_only:
                value = live.description.get(key)
            else:
                value = mapping.find_member(live.description, key, key, self.kind.renames, self.kind.parameter_prefix)
            values[key] = mapping.to_property(output.type, value, renames, key)
        for feature in self.kind.features:
            for key, value in self._feature_values(feature, live).items():
                values[key] = declared.inputs[key].type.coerce(value)
        if self.kind.update_stored_only:
            values |= self._record.get(*self._overlay()) or {}
        return {key: value for key, value in values.items() if value is not None}

    def _overlay(self) -> tuple[str, str]:
        """Kind and key under which changes are recorded that the emulator drops."""
        return f"{self.kind.token} changes", str(self.state["id"])

    def tags(self, live: Live, values: Inputs) -> dict[str, str] | None:
        """The tags that the resource with these properties has, None for a type without tags."""
        tagging = self.kind.tagging
        if self.kind.stored_only:
            kept = self._record.get(self.kind.token, live.id) or {}
            found = kept.get("tags", {})
        elif tagging is None:
            return None
        elif tagging.read is None:
            found = jmespath.search(tagging.path, live.description)
        else:
            parameters = requests.arguments(self.kind.service, tagging.read, {**self.state, **values, "id": live.id})
            try:
                found = jmespath.search(tagging.path, self._api(tagging.read.operation, **parameters))
            except ApiError as error:
                if not error.missing:
                    raise
                found = []
        return mapping.to_property(schema.MapOf(schema.Scalar("string")), found or {}, {}, "tags") or {}

    def properties(self, live: Live, values: Properties, inputs: Properties, settled: Properties) -> Properties:
        """Inputs and outputs as the program reads them; raises ProviderError if a promised output has no value."""
        declared = schema.resource(self.kind.token)
        properties = {key: value for key, value in inputs.items() if not key.startswith("__")} | settled
        empty = {*self.kind.absent_outputs.split(), "namePrefix"}
        for key, output in declared.outputs.items() if declared else ():
            if properties.get(key) is not None:
                continue
            value = values.get(key)
            if value is None and key in empty:
                value = output.type.empty()
            if value is None and output.required:
                raise ProviderError(f"the sandbox has no value for output {key} of {self._name} ({self.kind.token})")
            properties[key] = value
        return {key: value for key, value in properties.items() if value is not None}

    def delete(self, state: Inputs) -> None:
        """Delete the resource; one that is already gone is no error."""
        identifier = str(state["id"])
        try:
            self._delete(state, identifier)
        except ApiError as error:
            if not error.missing:
                raise
        for feature in self.kind.features:
            if feature.stored_only:
                self._record.delete(_feature_kind(self.kind, feature), identifier)
        if self.kind.update_stored_only:
            self._record.delete(f"{self.kind.token} changes", identifier)

    def _delete(self, state: Inputs, identifier: str) -> None:
        if state.get(self.kind.delete_unless):
            return
        self.state = dict(state)
        if self.kind.before_delete:
            self.kind.before_delete(self._api, self._live(identifier, {}))
        if self.kind.tagging and self.kind.tagging.survive:
            live = self.describe(identifier)
            if live:
                self.tag(state, self.tags(live, self.values(live)) or {}, {})
        if self.kind.stored_only:
            self._record.delete(self.kind.token, identifier)
        elif isinstance(self.kind.delete, Call):
            parameters = requests.arguments(self.kind.service, self.kind.delete, state)
            self._api(self.kind.delete.operation, **parameters)
        elif self.kind.delete:
            self.kind.delete(self._api, self._live(identifier, {}))

    def _description(self, identifier: str) -> Any:
        read = self.kind.read
        if isinstance(read, Call):
            answer = self._api(read.operation, **requests.arguments(self.kind.service, read, self.state))
            return jmespath.search(self.kind.description, answer)
        return read(self._api, self._live(identifier, {})) if read else None

    def _feature_values(self, feature: Feature, live: Live) -> Mapping[str, Any]:
        if feature.stored_only:
            return self._record.get(_feature_kind(self.kind, feature), live.id) or {}
        return feature.read(self._api, live) if feature.read else {}

    def _live(self, identifier: str, description: Any) -> Live:
        return Live(identifier, description, self.state, self._api.region, self._api.emulator.account_id)

    def _evaluate(self, source: Source, live: Live) -> Any:
        return jmespath.search(source, live.description) if isinstance(source, str) else source(live)


def _feature_kind(kind: ResourceType, feature: Feature) -> str:
    return f"{kind.token} {feature.inputs}"
