"""Writes `docs/settings.md` from the models in `settings.py`: `python -m tools.settings_reference`."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from settings import PROJECT, StackSettings

TARGET = Path(__file__).parents[1] / "docs" / "settings.md"
SIZE_KEYWORDS = {
    "minimum": "from {}",
    "maximum": "to {}",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "pattern": "matches `{}`",
}

INTRODUCTION = """\
# Settings

Made by `python -m tools.settings_reference` from the models that check them; do not edit. A stack's file is
`Pulumi.<stack>.yaml`; every section is a key under `config`. What is left out has its default, and the defaults are
production's posture. A stack with `fixrx:environment: production` refuses every value that would weaken it.
"""


def render() -> str:
    """Return the whole page."""
    schema = StackSettings.model_json_schema()
    return INTRODUCTION + "".join(_sections(schema))


def _sections(schema: Mapping[str, Any]) -> Iterator[str]:
    for key, described in schema["properties"].items():
        resolved = _resolve(described, schema)
        yield f"\n## `{PROJECT}:{key}`\n"
        if "properties" not in resolved:
            yield f"\n{_kind(described, schema)}; {_default(key, described, schema)}.\n"
            continue
        yield "\n| setting | value | default | |\n|---|---|---|---|\n"
        yield from _rows("", resolved, schema)


def _rows(prefix: str, section: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    for name, described in section["properties"].items():
        resolved = _resolve(described, schema)
        if "properties" in resolved:
            yield from _rows(f"{prefix}{name}.", resolved, schema)
            continue
        text = " ".join(described.get("description", "").split()).replace("|", "\\|")
        value = _kind(described, schema).replace("|", "\\|")
        yield f"| `{prefix}{name}` | {value} | {_default(name, described, section)} | {text} |\n"


def _resolve(described: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in described:
        name = described["$ref"].rpartition("/")[2]
        resolved: Mapping[str, Any] = schema["$defs"][name]
        return resolved
    return described


def _kind(described: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    resolved = _resolve(described, schema)
    if "anyOf" in resolved:
        return " or ".join(_kind(each, schema) for each in resolved["anyOf"] if each.get("type") != "null")
    if "enum" in resolved:
        return ", ".join(f"`{each}`" for each in resolved["enum"])
    sizes = [form.format(resolved[keyword]) for keyword, form in SIZE_KEYWORDS.items() if keyword in resolved]
    if "items" in resolved:
        return ", ".join([f"list of ({_kind(resolved['items'], schema)})", *sizes])
    return ", ".join([resolved.get("format") or resolved.get("type", "any"), *sizes])


def _default(name: str, described: Mapping[str, Any], owner: Mapping[str, Any]) -> str:
    if name in owner.get("required", []):
        return "required"
    default = described.get("default")
    return "none" if default is None else f"`{json.dumps(default)}`"


if __name__ == "__main__":
    TARGET.write_text(render())
