"""How what takes time in AWS goes in the emulator: instance refreshes and builds.

`courses.json` in the stack's folder of the sandbox orders another course, read when one begins:

    {"instance refresh": {"status": "Failed", "reason": "No healthy server", "seconds": 5, "times": 1},
     "build": {"status": "FAILED"}}

Each may have a `status` in which it ends, a `reason` for it, the `seconds` that it takes, and `times`, how often that
happens (without it: always). Without an order each succeeds, in a moment.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COURSES_FILE = "courses.json"


@dataclass(frozen=True, kw_only=True)
class Course:
    """How one goes."""

    seconds: float
    status: str
    """In which it ends."""
    reason: str = ""


class Courses:
    """What `courses.json` orders. The file may change at any time; the counts in it are written back."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def next(self, kind: str, usual: Course) -> Course:
        """The course of the one that begins now."""
        if self._path is None or not self._path.exists():
            return usual
        orders: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
        order: Mapping[str, Any] = orders.get(kind, {})
        if order.get("times", 1) <= 0:
            return usual
        if "times" in order:
            orders[kind] = {**order, "times": order["times"] - 1}
            replacement = self._path.with_suffix(".new")
            replacement.write_text(json.dumps(orders), encoding="utf-8")
            replacement.replace(self._path)
        return Course(
            seconds=float(order.get("seconds", usual.seconds)),
            status=order.get("status", usual.status),
            reason=order.get("reason", usual.reason),
        )
