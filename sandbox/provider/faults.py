"""Faults and delays to order, read from `faults.json` in the provider's data directory before every operation.

    {"create": {"database": {"error": "insufficient capacity", "times": 1}},
     "update": {"aws:rds/instance:Instance": {"delay": 600}},
     "delete": {"*": {"kill": "after", "times": 1}},
     "speed-up": 100}

Operations are create, read, update and delete. A fault is looked up by the resource's logical name, then by its type
token, then under "*". It may have an `error` (the message), a `kill` of the provider's process ("before" the work or
"after" it, when the emulator has done the work but the engine is never told), a `delay` in seconds, which is divided by
the file's "speed-up", and `times`, how often it strikes (without it: always).
"""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

KILLED = 9
"""Exit status of a provider that a fault has killed."""


class InjectedError(Exception):
    """An error that was asked for."""


class Faults:
    """The faults of one data directory. The file may change at any time; the counts in it are written back."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    @contextmanager
    def around(self, operation: str, name: str, token: str) -> Iterator[None]:
        """Let the fault for this operation on this resource strike, before or after the work in the block."""
        fault, speed_up = self._take(operation, name, token)
        if "delay" in fault:
            time.sleep(fault["delay"] / speed_up)
        if fault.get("kill") == "before":
            os._exit(KILLED)
        if "error" in fault:
            raise InjectedError(f"injected fault on {operation} of {name}: {fault['error']}")
        yield
        if fault.get("kill") == "after":
            os._exit(KILLED)

    def _take(self, operation: str, name: str, token: str) -> tuple[dict[str, Any], float]:
        """The fault that strikes now, counted, and the speed-up of delays."""
        if not self._path.exists():
            return {}, 1.0
        with self._lock:
            faults = json.loads(self._path.read_text(encoding="utf-8"))
            ordered = faults.get(operation, {})
            key = next((key for key in (name, token, "*") if key in ordered and ordered[key].get("times", 1) > 0), None)
            fault: dict[str, Any] = ordered.get(key, {}) if key else {}
            if "times" in fault:
                fault["times"] -= 1
                replacement = self._path.with_suffix(".new")
                replacement.write_text(json.dumps(faults), encoding="utf-8")
                replacement.replace(self._path)
            return fault, float(faults.get("speed-up", 1))
