"""Whether the things that inputs refer to exist: asked of the emulator before anything is created.

A name that a resource of the same program will bear counts as existing, because in a preview the resource itself does
not exist yet. What was found is believed for a minute: a program of hundreds of resources refers to the same few.
"""

import threading
import time
from collections.abc import Iterator

from sandbox.provider import requests
from sandbox.provider.emulator import Api, Emulator
from sandbox.provider.model import Reference, ResourceType
from sandbox.provider.schema import CheckFailure
from sandbox.provider.store import Record
from sandbox.provider.values import UNKNOWN, Properties

_BELIEVED_SECONDS = 60.0


class KnownReferences:
    """The memory of what exists or is about to, shared by all resources of the process."""

    def __init__(self, emulator: Emulator, record: Record) -> None:
        self._emulator = emulator
        self._record = record
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str, str], float] = {}
        self._declared: set[str] = set()

    def declare(self, kind: ResourceType, inputs: Properties) -> None:
        """Remember the name that a resource of the program bears."""
        name = inputs.get(kind.autoname.input) if kind.autoname else None
        if name is not None:
            with self._lock:
                self._declared.add(str(name))

    def forget(self) -> None:
        """Ask the emulator again: something has been deleted."""
        with self._lock:
            self._found.clear()

    def failures(self, kind: ResourceType, inputs: Properties, region: str) -> Iterator[CheckFailure]:
        """The references of a resource's inputs that lead nowhere."""
        if region == UNKNOWN:
            return
        api = self._emulator.api(kind.service, region)
        for path, reference in kind.references.items():
            for exact, value in requests.values_at(inputs, path):
                text = str(value)
                if self._remembers(reference.resource_kind, region, text):
                    continue
                if not self._exists(reference, api, text):
                    yield CheckFailure(exact, f"there is no {reference.resource_kind} {text}")
                    continue
                with self._lock:
                    self._found[reference.resource_kind, region, text] = time.monotonic()

    def _exists(self, reference: Reference, api: Api, value: str) -> bool:
        recorded = bool(reference.recorded_token) and self._record.get(reference.recorded_token, value) is not None
        return recorded or reference.exists(api, value)

    def _remembers(self, noun: str, region: str, value: str) -> bool:
        with self._lock:
            found = self._found.get((noun, region, value))
            return value in self._declared or (found is not None and time.monotonic() - found < _BELIEVED_SECONDS)
