"""The life of an AWS resource: check, difference, create, read, update, delete, each driven by its type's table.

Values come and go as plain Python; secrets and the wire protocol are the servicer's business.
"""

from collections.abc import Iterable, Iterator, Mapping

from sandbox.provider import autonaming, diff, requests, schema
from sandbox.provider.emulated_resource import EmulatedResource
from sandbox.provider.emulator import Api, Emulator
from sandbox.provider.known_references import KnownReferences
from sandbox.provider.model import ResourceType
from sandbox.provider.resource_provider import Change, Diff, Identity, ProviderConfiguration, ProviderError, ReadResult
from sandbox.provider.schema import CheckFailure
from sandbox.provider.store import Record
from sandbox.provider.tables import find
from sandbox.provider.values import UNKNOWN, Properties, contains_unknown, top


class AwsProvider:
    """All AWS resource types over one emulator."""

    def __init__(self, emulator: Emulator, record: Record) -> None:
        self._emulator = emulator
        self._record = record
        self._references = KnownReferences(emulator, record)

    def check(
        self,
        identity: Identity,
        inputs: Properties,
        old: Properties,
        seed: bytes,
        proposal: autonaming.Proposal | None,
        configuration: ProviderConfiguration,
    ) -> tuple[Properties, list[CheckFailure]]:
        """The inputs with defaults and name filled in, and everything that is wrong with them."""
        kind = find(identity.token)
        coerced = schema.coerce(identity.token, inputs)
        failures = schema.check(identity.token, coerced)
        if kind is None:
            return inputs, [*failures, CheckFailure("", f"the sandbox does not support the type {identity.token}")]
        checked = _with_defaults(kind, coerced)
        if kind.autoname:
            failure = autonaming.name(kind.autoname, checked, old, identity.name, seed, proposal)
            failures += [failure] if failure else []
        # What already failed must not fail again in other words further down.
        wrong = {top(failure.property) for failure in failures}
        sound = {key: value for key, value in checked.items() if key not in wrong}
        tags = _tags(sound, configuration)
        further = requests.failures(kind, sound, {} if contains_unknown(tags) else tags)
        failures += [one for one in further if not wrong or (one.property and top(one.property) not in wrong)]
        region = _region(sound, configuration)
        failures += self._region_failures(kind, sound, region)
        failures += self._references.failures(kind, sound, region)
        self._references.declare(kind, checked)
        return checked, _without_repeats(failures)

    def difference(
        self,
        identity: Identity,
        old: Properties,
        state: Properties,
        new: Properties,
        ignored: Iterable[str],
        configuration: ProviderConfiguration,
    ) -> Diff:
        """Which inputs change, and which of them force a replacement; raises ProviderError for an impossible change."""
        kind = _kind(identity.token)
        skipped = {top(path) for path in ignored}
        changed = _changed(kind, old, new) - skipped
        if "tags" not in skipped and "tagsAll" in state and state["tagsAll"] != _tags(new, configuration):
            changed |= {"tagsAll"}
        replacing = changed & ({"region"} | set(kind.replace.split()))
        if "region" in replacing and _region(old, configuration) == _region(new, configuration):
            replacing -= {"region"}
        changes = {
            key: Change(key not in old and key != "tagsAll", key not in new and key != "tagsAll", key in replacing)
            for key in sorted(changed)
        }
        if not replacing:
            _require_possible(kind, old, {**new, **{key: old.get(key) for key in skipped}})
            _require_updatable(kind, new, changed)
        return Diff(changes, bool(replacing) and _has_fixed_name(kind, old, new))

    def preview_create(
        self, identity: Identity, inputs: Properties, configuration: ProviderConfiguration
    ) -> Properties:
        """What a preview can say of a resource that does not exist yet: inputs are known, the rest mostly is not."""
        known = _public(inputs)
        outputs = {
            key: UNKNOWN
            for key, declared in _schema(identity.token).outputs.items()
            if known.get(key) is None and (declared.required or key not in _schema(identity.token).inputs)
        }
        return {**known, **outputs, **self._settled(identity.token, inputs, configuration)}

    def preview_update(
        self, identity: Identity, state: Properties, inputs: Properties, configuration: ProviderConfiguration
    ) -> Properties:
        """What a preview can say of a changed resource: outputs stay as they are."""
        declared = _schema(identity.token).inputs
        kept = {key: value for key, value in state.items() if key not in declared or _computed(identity.token, key)}
        recomputed = dict.fromkeys(_kind(identity.token).recomputed.split(), UNKNOWN)
        return {**kept, **recomputed, **_public(inputs), **self._settled(identity.token, inputs, configuration)}

    def create(
        self, identity: Identity, inputs: Properties, configuration: ProviderConfiguration
    ) -> tuple[str, Properties]:
        """Create the resource; returns its id and properties. What fails halfway is deleted again."""
        kind = _kind(identity.token)
        resource = self._handle(identity, inputs, configuration)
        tags = _tags(inputs, configuration)
        identifier = resource.create(_public(inputs), tags, self._settled(identity.token, inputs, configuration))
        try:
            resource.complete(identifier)
            resource.apply(_public(inputs), kind.features, identifier)
            if tags and kind.tagging and not requests.tags_at_creation(kind, inputs) and not kind.stored_only:
                resource.tag(resource.state, {}, tags)
            found = self._properties(resource, identifier, inputs, configuration)
            if found is None:
                raise ProviderError(f"{identity.name} was created but cannot be found")
        except Exception:
            resource.delete(resource.state)
            raise
        return identifier, found

    def read(
        self,
        identity: Identity,
        identifier: str,
        inputs: Properties,
        state: Properties,
        configuration: ProviderConfiguration,
    ) -> ReadResult | None:
        """The resource as AWS has it now: inputs that have drifted are changed, None if it is gone."""
        kind = _kind(identity.token)
        resource = self._handle(identity, state or inputs, configuration)
        resource.state = {**state, **_public(inputs), "id": identifier}
        live = resource.describe(identifier)
        if live is None:
            return None
        values = resource.values(live)
        found = _drifted(kind, inputs, values) if inputs else _imported(kind, values)
        settled = self._settled(identity.token, found, configuration)
        tags = resource.tags(live, values) if "tagsAll" in settled else None
        if tags is not None:
            found = _with_tags(found, tags, configuration)
            settled["tagsAll"] = tags
        return ReadResult(found, resource.properties(live, values, found, settled))

    def update(
        self,
        identity: Identity,
        identifier: str,
        old: Properties,
        state: Properties,
        inputs: Properties,
        configuration: ProviderConfiguration,
    ) -> Properties:
        """Change the resource in place; returns its properties."""
        kind = _kind(identity.token)
        resource = self._handle(identity, inputs, configuration)
        # What the program has taken away must not be read from the old state as if it were still wanted.
        kept = {key: value for key, value in state.items() if key in inputs or key not in old}
        resource.state = {**kept, **_public(inputs), "id": identifier, "previous": state}
        changed = _changed(kind, old, inputs)
        tags = _tags(inputs, configuration)
        remaining = changed - set(kind.provider_only.split()) - kind.feature_inputs() - _common(kind)
        if remaining:
            resource.change(_public(inputs), frozenset(remaining))
        affected = tuple(feature for feature in kind.features if feature.names & changed)
        resource.apply(_public(inputs), affected, identifier)
        if "tagsAll" in state and state["tagsAll"] != tags:
            resource.tag(resource.state, state["tagsAll"] or {}, tags)
        if kind.stored_only:
            resource.keep(identifier, _public(inputs), tags)
        found = self._properties(resource, identifier, inputs, configuration)
        if found is None:
            raise ProviderError(f"{identity.name} ({identifier}) is gone: run a refresh, then update again")
        return found

    def delete(
        self, identity: Identity, identifier: str, state: Properties, configuration: ProviderConfiguration
    ) -> None:
        """Delete the resource; one that is already gone is no error."""
        self._references.forget()
        resource = self._handle(identity, state, configuration)
        resource.delete({**state, "id": identifier})

    def _properties(
        self, resource: EmulatedResource, identifier: str, inputs: Properties, configuration: ProviderConfiguration
    ) -> Properties | None:
        live = resource.describe(identifier)
        if live is None:
            return None
        settled = self._settled(resource.kind.token, inputs, configuration)
        return resource.properties(live, resource.values(live), inputs, settled)

    def _settled(self, token: str, inputs: Properties, configuration: ProviderConfiguration) -> Properties:
        """Outputs that follow from the inputs and the configuration alone."""
        outputs = _schema(token).outputs
        settled: Properties = {}
        if "region" in outputs:
            settled["region"] = _region(inputs, configuration)
        if "tagsAll" in outputs:
            settled["tagsAll"] = UNKNOWN if inputs.get("tags") == UNKNOWN else _tags(inputs, configuration)
        return settled

    def _handle(self, identity: Identity, inputs: Properties, configuration: ProviderConfiguration) -> EmulatedResource:
        kind = _kind(identity.token)
        api: Api = self._emulator.api(kind.service, _region(inputs, configuration))
        return EmulatedResource(kind, api, self._record, identity.name)

    def _region_failures(self, kind: ResourceType, inputs: Properties, region: str) -> Iterator[CheckFailure]:
        regions = self._emulator.regions("ec2")
        if inputs.get("region") is not None and region != UNKNOWN and region not in regions:
            yield CheckFailure("region", f"there is no AWS region {region}")


def _kind(token: str) -> ResourceType:
    kind = find(token)
    if kind is None:
        raise ProviderError(f"the sandbox does not support the type {token}")
    return kind


def _schema(token: str) -> schema.ResourceSchema:
    declared = schema.resource(token)
    if declared is None:
        raise ProviderError(f"unknown resource type {token}")
    return declared


def _with_defaults(kind: ResourceType, inputs: Properties) -> Properties:
    """The inputs with the provider's own defaults, which the bridge lists so that a program may later set them."""
    missing = {key: value for key, value in kind.defaults.items() if inputs.get(key) is None}
    return {**inputs, **missing, autonaming.DEFAULTS: sorted(missing)}


def _public(inputs: Properties) -> Properties:
    return {key: value for key, value in inputs.items() if not key.startswith("__")}


def _common(kind: ResourceType) -> set[str]:
    """Inputs that are handled alike for every type, apart from its own."""
    common = {"region", "tagsAll", autonaming.DEFAULTS}
    return common | {"tags"} if kind.tags_are_tags else common


def _region(inputs: Properties, configuration: ProviderConfiguration) -> str:
    return str(inputs.get("region") or configuration.region)


def _tags(inputs: Properties, configuration: ProviderConfiguration) -> dict[str, str]:
    own = inputs.get("tags")
    return {**configuration.default_tags, **(own if isinstance(own, dict) else {})}


def _without_repeats(failures: list[CheckFailure]) -> list[CheckFailure]:
    return list(dict.fromkeys(failures))


def _computed(token: str, key: str) -> bool:
    """Whether AWS chooses a value for an input that is not given."""
    output = _schema(token).outputs.get(key)
    return output is not None and output.required


def _changed(kind: ResourceType, old: Properties, new: Properties) -> set[str]:
    """Inputs whose meaning differs; those that begin with two underscores are bookkeeping."""
    inputs = _schema(kind.token).inputs
    ordered = kind.ordered.split()
    keys = {key for key in {**old, **new} if not key.startswith("__")}
    return {
        key
        for key in keys
        if not diff.same(
            inputs[key].type if key in inputs else schema.ANY, old.get(key), new.get(key), ordered=key in ordered
        )
    }


def _has_fixed_name(kind: ResourceType, old: Properties, new: Properties) -> bool:
    """Whether the replacement would bear the name of what it replaces: then the old one must go first."""
    if kind.autoname is None:
        return False
    key = kind.autoname.input
    return key not in (new.get(autonaming.DEFAULTS) or []) and old.get(key) == new.get(key)


def _require_possible(kind: ResourceType, old: Properties, new: Properties) -> None:
    """Refuse, already in a preview, a change that AWS refuses because of what there is."""
    reason = kind.impossible_change(old, new) if kind.impossible_change else None
    if reason:
        raise ProviderError(reason)


def _require_updatable(kind: ResourceType, new: Properties, changed: set[str]) -> None:
    """Refuse, already in a preview, to change what no call can change, or to take away what no call can reset."""
    plain = changed - set(kind.provider_only.split()) - _common(kind) - kind.feature_inputs()
    free = bool(kind.custom_update) or kind.stored_only or (kind.replaces_all and kind.update is None)
    if kind.custom_update:
        _refuse(
            kind,
            plain
            - set((kind.custom_update_inputs or kind.custom_create_inputs).split())
            - set(kind.update_stored_only.split()),
        )
    elif plain and not free:
        _require_parameters(kind, new, plain)
    whole = frozenset().union(
        *(feature.names for feature in kind.features if feature.replaces_all or feature.stored_only)
    )
    removable = whole | plain if free or kind.replaces_all else whole
    removed = {key for key in plain | (changed & kind.feature_inputs()) if new.get(key) is None} - removable
    if removed:
        names = ", ".join(sorted(removed))
        raise ProviderError(f"{names} cannot be taken away from {kind.token}: set the value that it shall have instead")


def _require_parameters(kind: ResourceType, new: Properties, changed: set[str]) -> None:
    try:
        _, mapped = requests.updating(kind, _public(new), frozenset(changed), {})
    except LookupError as error:
        raise ProviderError(f"{kind.token}: {error}") from error
    _refuse(kind, {top(failure.property) for failure in mapped.failures} & changed)


def _refuse(kind: ResourceType, stuck: set[str]) -> None:
    if stuck:
        raise ProviderError(f"{kind.token} has no way to change {', '.join(sorted(stuck))} in place")


def _drifted(kind: ResourceType, inputs: Properties, values: Properties) -> Properties:
    """The inputs, with those that differ from what AWS has changed to that."""
    declared = _schema(kind.token).inputs
    blind = set(kind.provider_only.split()) | set(kind.write_only.split()) | _common(kind)
    blind |= {kind.autoname.prefix} if kind.autoname else set()
    found = dict(inputs)
    for key, value in inputs.items():
        if key in blind or key not in declared or value is None:
            continue
        ordered = key in kind.ordered.split()
        if not diff.matches(declared[key].type, value, values.get(key), ordered=ordered):
            found[key] = values.get(key)
    return found


def _imported(kind: ResourceType, values: Properties) -> Properties:
    """Inputs for a resource that the program did not create: everything that AWS reports of it."""
    declared = _schema(kind.token).inputs
    return {key: value for key, value in values.items() if key in declared and key not in _common(kind)}


def _with_tags(inputs: Properties, tags: Mapping[str, str], configuration: ProviderConfiguration) -> Properties:
    """The inputs with the tags that the resource has beyond the provider's default tags."""
    if _tags(inputs, configuration) == tags:
        return inputs
    own = {key: value for key, value in tags.items() if configuration.default_tags.get(key) != value}
    return {**inputs, "tags": own}
