"""The keys of the sessions: the one that signs, the one that will, and the one that did.

All three are accepted. A key signs only after it has been accepted everywhere for a whole rotation, so servers may load
the new keys in any order.
"""

import json
from dataclasses import dataclass

from .random_values import new_key


@dataclass(frozen=True)
class SigningKeys:
    """A secret of several variables, whose names begin with this one."""

    variable: str

    def first(self) -> str:
        return self._of(new_key(), new_key())

    def keep(self, value: str) -> str | None:
        """A key alone, as it was before keys rotated, goes on signing: nobody has to sign in anew."""
        keys = _read(value)
        if keys is None:
            return self._of(value, new_key()) if len(value) >= SHORTEST else None
        return value if self.variable in keys and f"{self.variable}_NEXT" in keys else None

    def successor(self, value: str) -> str:
        keys = _read(value) or {}
        return self._of(keys[f"{self.variable}_NEXT"], new_key(), keys[self.variable])

    def introduce(self, pending: str, value: str) -> None:
        """Nobody has to be told."""

    def test(self, pending: str) -> None:
        """Raises ValueError if a key that is needed is missing, or one is too short.

        Secrets Manager also tests the first value, before it has rotated anything; that has no previous key.
        """
        keys = _read(pending) or {}
        if not {self.variable, f"{self.variable}_NEXT"} <= keys.keys() or min(map(len, keys.values())) < SHORTEST:
            raise ValueError(f"{self.variable} lacks a key, or has one of less than {SHORTEST} characters")

    def _of(self, current: str, following: str, previous: str | None = None) -> str:
        keys = {self.variable: current, f"{self.variable}_NEXT": following}
        return json.dumps(keys if previous is None else {**keys, f"{self.variable}_PREVIOUS": previous})


SHORTEST = 32
"""Characters; a key of HS256 has at least 256 bits."""


def _read(value: str) -> dict[str, str] | None:
    try:
        found = json.loads(value)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
