"""What the emulator holds and the state does not: found after a process was killed, and deleted.

The provider notes every creation before its first call, and again with its id. A creation whose provider was killed has
no id yet: it is repeated, and the emulator answers its calls as it did the first time, so that the id becomes known.
AWS has no such memory: there, a command that was killed leaves resources that a person has to find and delete.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.provider.aws_provider import AwsProvider
from sandbox.provider.emulator import ApiError, Emulator
from sandbox.provider.resource_provider import Identity, ProviderConfiguration, ProviderError
from sandbox.provider.store import Record
from sandbox.provider.tables import find
from sandbox.provider.values import Properties

_STARTED = "creation started"
_FINISHED = "creation finished"

Finish = Callable[[str, Properties], None]
"""Takes the id and the properties of what was created."""


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """A resource, or the beginning of one, that the state does not know."""

    number: str
    """Sorts by time."""
    identity: Identity
    configuration: ProviderConfiguration
    inputs: Properties
    id: str = ""
    """Empty if the creation did not finish."""
    state: Properties

    def __str__(self) -> str:
        return f"{self.identity.token} {self.identity.name}" + (f" ({self.id})" if self.id else "")


class Creations:
    """The creations since the state was last known to be complete."""

    def __init__(self, record: Record) -> None:
        self.record = record

    @contextmanager
    def noted(
        self, emulator: Emulator, identity: Identity, inputs: Properties, configuration: ProviderConfiguration
    ) -> Iterator[Finish]:
        """Notes a creation while it runs; call what it yields at the end. No property may contain a secret."""
        number = f"{time.time_ns():020}-{secrets.token_hex(4)}"
        document = {"identity": asdict(identity), "inputs": inputs, "configuration": asdict(configuration)}
        self.record.put(_STARTED, number, document)

        def finish(identifier: str, state: Properties) -> None:
            finished = {**document, "number": number, "id": identifier, "state": state}
            self.record.put(_FINISHED, f"{identity.token} {identifier}", finished)

        try:
            with emulator.creation(number), self.record.creation(number):
                yield finish
        except Exception:
            # What fails has been deleted again; what is cut off by the end of the process has not.
            self.record.delete(_STARTED, number)
            raise
        self.record.delete(_STARTED, number)

    def deleted(self, token: str, identifier: str) -> None:
        """Forgets a resource that the engine has deleted."""
        self.record.delete(_FINISHED, f"{token} {identifier}")

    def leftovers(self, known: Set[tuple[str, str]]) -> list[Leftover]:
        """What was created and is not among the known resources, given by type and id; the latest first."""
        found = [
            _leftover(document)
            for document in self.record.all(_FINISHED).values()
            if (document["identity"]["token"], document["id"]) not in known
        ]
        found += [_leftover({"number": key, **document}) for key, document in self.record.all(_STARTED).items()]
        # Types of other providers, as the random one's, exist in the state only.
        found = [leftover for leftover in found if find(leftover.identity.token)]
        return sorted(found, key=lambda leftover: leftover.number, reverse=True)

    def forget(self) -> None:
        """Forgets everything: the state is complete."""
        for kind in (_STARTED, _FINISHED):
            for key in self.record.all(kind):
                self.record.delete(kind, key)


def delete(leftovers: list[Leftover], emulator: Emulator, record: Record) -> None:
    """Deletes leftovers, while no provider runs. Raises ProviderError or ApiError if one cannot be deleted."""
    emulator.wait_until_idle()
    provider = AwsProvider(emulator, record)
    remaining = leftovers
    while remaining:
        refused: list[tuple[Leftover, Exception]] = []
        for leftover in remaining:
            try:
                _delete(leftover, provider, emulator, record)
            except (ApiError, ProviderError) as error:
                refused.append((leftover, error))
        if len(refused) == len(remaining):
            # Nothing depends on anything that is still to be deleted: the error is not about the order.
            raise refused[0][1]
        remaining = [leftover for leftover, _ in refused]


def _delete(leftover: Leftover, provider: AwsProvider, emulator: Emulator, record: Record) -> None:
    identity, configuration = leftover.identity, leftover.configuration
    if leftover.id:
        provider.delete(identity, leftover.id, leftover.state, configuration)
        return
    record.undo(leftover.number)
    kind = find(identity.token)
    if kind is None or kind.stored_only or not emulator.has_begun(leftover.number):
        return
    try:
        with emulator.creation(leftover.number, replay=True):
            identifier, state = provider.create(identity, leftover.inputs, configuration)
    except (ApiError, ProviderError):
        # A call was refused before the end: what fails halfway is deleted again.
        return
    provider.delete(identity, identifier, state, configuration)


def _leftover(document: dict[str, Any]) -> Leftover:
    return Leftover(
        number=document["number"],
        identity=Identity(**document["identity"]),
        configuration=ProviderConfiguration(**document["configuration"]),
        inputs=document["inputs"],
        id=document.get("id", ""),
        state=document.get("state", {}),
    )
