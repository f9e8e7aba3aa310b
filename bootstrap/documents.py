"""Policy documents that this program keeps some statements of, and leaves the others alone."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

Statement = Mapping[str, Any]


def with_statements(document: str | None, wanted: Sequence[Statement]) -> str:
    """The document with the wanted statements in it; those of other Sids stay."""
    sids = {statement["Sid"] for statement in wanted}
    others = [statement for statement in _statements(document) if statement.get("Sid") not in sids]
    return json.dumps({"Version": "2012-10-17", "Statement": [*wanted, *others]})


def has_statements(document: str | None, wanted: Sequence[Statement]) -> bool:
    """Whether the document has every wanted statement. AWS may write a list of one element as that element."""
    present = [_normal(statement) for statement in _statements(document)]
    return all(_normal(statement) in present for statement in wanted)


def _statements(document: str | None) -> list[dict[str, Any]]:
    if document is None:
        return []
    statements = json.loads(document)["Statement"]
    return statements if isinstance(statements, list) else [statements]


def _normal(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _normal(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        members = sorted((_normal(each) for each in value), key=json.dumps)
        return members[0] if len(members) == 1 else members
    return value
