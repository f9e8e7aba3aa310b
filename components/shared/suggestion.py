""" "Did you mean ...": the accepted word that a mistyped one resembles."""

import difflib
from collections.abc import Iterable

SIMILARITY = 0.6
"""Of difflib: 1 is equal, 0 has nothing in common."""
SHORTEST_PREFIX = 3
"""Shorter beginnings resemble too much."""


def closest(word: str, accepted: Iterable[str]) -> str | None:
    """Return the accepted word that resembles the given one most, or None. Case is ignored."""
    by_folded = {each.casefold(): each for each in accepted}
    folded = word.strip().casefold()
    similar = difflib.get_close_matches(folded, by_folded, n=1, cutoff=SIMILARITY)
    if similar:
        return by_folded[similar[0]]
    extended = [each for each in by_folded if len(folded) >= SHORTEST_PREFIX and each.startswith(folded)]
    return by_folded[extended[0]] if extended else None


def did_you_mean(word: str, accepted: Iterable[str]) -> str | None:
    """Return the question of an error message, or None if nothing resembles the word."""
    found = closest(word, accepted)
    return None if found is None else f"did you mean {found}"
