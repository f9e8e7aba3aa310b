"""Reads a file as systemd reads an `EnvironmentFile` (systemd.exec(5)), as far as our own files use that syntax.

Not a copy of systemd's parser: it knows double quotes, unquoted values and nothing else, and raises ValueError for
what it does not know, so that a file outside this subset fails a test.
"""

import re
from collections.abc import Mapping

_ASSIGNMENT = re.compile(
    r"""
    (?P<variable>[A-Z][A-Z0-9_]*)=
    (?:
        "(?P<quoted>(?:[^"\\]|\\.)*)"
        | (?P<bare>[A-Za-z0-9_/.:-]*)
    )
    \n
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_UNESCAPED_BY_BACKSLASH = '"\\`$'


def read_environment_file(text: str) -> Mapping[str, str]:
    """Return the variables that a service would see. Raises ValueError for what is not an assignment."""
    variables = {}
    position = 0
    while position < len(text):
        match = _ASSIGNMENT.match(text, position)
        if match is None:
            raise ValueError(f"not an assignment: {text[position:]!r}")
        quoted = match["quoted"]
        variables[match["variable"]] = match["bare"] if quoted is None else _ESCAPED.sub(_unescape, quoted)
        position = match.end()
    return variables


def _unescape(match: re.Match[str]) -> str:
    """A backslash stays before every character but four, and goes together with a line break."""
    character = match[1]
    if character == "\n":
        return ""
    return character if character in _UNESCAPED_BY_BACKSLASH else match[0]
