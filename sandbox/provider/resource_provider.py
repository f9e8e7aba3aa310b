"""What the servicer needs of a package of resource types, whichever provider it stands for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sandbox.provider.autonaming import Proposal
from sandbox.provider.schema import CheckFailure
from sandbox.provider.values import Properties


class ProviderError(Exception):
    """Something that cannot be done, in one sentence for the user."""


@dataclass(frozen=True)
class Identity:
    """A resource in the program: its type's token and its logical name."""

    token: str
    name: str


@dataclass(frozen=True)
class ProviderConfiguration:
    """What a provider resource of the program sets for all its resources."""

    region: str
    default_tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """How one input changes."""

    added: bool
    removed: bool
    replaces: bool


@dataclass(frozen=True)
class Diff:
    """The changed inputs, and whether a replacement must delete before it creates."""

    changes: Mapping[str, Change]
    delete_first: bool = False


@dataclass(frozen=True)
class ReadResult:
    """A resource that was read: its inputs as they would have to be now, and its properties."""

    inputs: Properties
    properties: Properties


class ResourceProvider(Protocol):
    """The life of a package's resources, in plain values: secrets and the wire protocol are the servicer's business."""

    def check(
        self,
        identity: Identity,
        inputs: Properties,
        old: Properties,
        seed: bytes,
        proposal: Proposal | None,
        configuration: ProviderConfiguration,
    ) -> tuple[Properties, list[CheckFailure]]:
        """The inputs with defaults and name filled in, and everything that is wrong with them."""

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

    def preview_create(
        self, identity: Identity, inputs: Properties, configuration: ProviderConfiguration
    ) -> Properties:
        """What a preview can say of a resource that does not exist yet: inputs are known, the rest mostly is not."""

    def preview_update(
        self, identity: Identity, state: Properties, inputs: Properties, configuration: ProviderConfiguration
    ) -> Properties:
        """What a preview can say of a resource that will change in place."""

    def create(
        self, identity: Identity, inputs: Properties, configuration: ProviderConfiguration
    ) -> tuple[str, Properties]:
        """Create the resource; returns its id and properties."""

    def read(
        self,
        identity: Identity,
        identifier: str,
        inputs: Properties,
        state: Properties,
        configuration: ProviderConfiguration,
    ) -> ReadResult | None:
        """The resource as it is now: inputs that have drifted are changed, None if it is gone."""

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

    def delete(
        self, identity: Identity, identifier: str, state: Properties, configuration: ProviderConfiguration
    ) -> None:
        """Delete the resource; one that is already gone is no error."""
