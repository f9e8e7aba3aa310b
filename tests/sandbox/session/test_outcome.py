"""What the sandbox makes of the engine's events: totals by component, and failures in a user's words."""

from typing import Any

import pytest
from pulumi.automation import EngineEvent

from sandbox.session.outcome import Outcome, Violation

STACK = "urn:pulumi:production::fixrx::pulumi:pulumi:Stack::fixrx-production"
COMPONENT = "urn:pulumi:production::fixrx::fixrx:components:Database::database"
CHILD = "urn:pulumi:production::fixrx::fixrx:components:Database$aws:rds/instance:Instance::database-primary"


def step(urn: str, op: str, parent: str = "") -> dict[str, Any]:
    state = {"urn": urn, "type": urn.split("::")[2].rpartition("$")[2], "parent": parent}
    return {"resourcePreEvent": {"metadata": {"op": op, "urn": urn, "type": state["type"], "new": state}}}


def error(message: str, urn: str = "") -> dict[str, Any]:
    return {
        "diagnosticEvent": {"severity": "error", "message": f"<{{%reset%}}>error: {message}<{{%reset%}}>\n", "urn": urn}
    }


def violation(policy: str, level: str = "mandatory") -> dict[str, Any]:
    return {
        "policyEvent": {
            "policyName": policy,
            "enforcementLevel": level,
            "message": "It is wrong.\nFix it.",
            "resourceUrn": CHILD,
        }
    }


def outcome_of(*events: dict[str, Any]) -> Outcome:
    outcome = Outcome()
    for number, event in enumerate(events):
        outcome.on_event(EngineEvent.from_json({"sequence": number, "timestamp": 0, **event}))
    return outcome


def test_resources_count_for_the_component_they_descend_from() -> None:
    outcome = outcome_of(
        step(STACK, "create"),
        step(COMPONENT, "create", STACK),
        step(CHILD, "update", COMPONENT),
        step(f"{CHILD}-2", "same", COMPONENT),
    )
    assert outcome.components() == {"database": {"created": 1, "updated": 1, "same": 1}}
    assert outcome.changes() == {"created": 1, "updated": 1, "same": 1}


def test_replacement_counts_once() -> None:
    outcome = outcome_of(*(step(CHILD, op, STACK) for op in ("create-replacement", "replace", "delete-replaced")))
    assert outcome.changes() == {"replaced": 1}


def test_only_mandatory_violations_refuse_a_plan() -> None:
    outcome = outcome_of(violation("advice", "advisory"), violation("b-rule"), violation("a-rule"), violation("a-rule"))
    assert [each.policy for each in outcome.violations] == ["a-rule", "b-rule"]
    assert outcome.violations[0] == Violation(
        policy="a-rule", resource="Instance database-primary", message="It is wrong.\nFix it."
    )
    assert str(outcome.explain("preview", "")) == (
        "The policy pack refuses the plan, because 2 mandatory rules are broken:\n"
        "  a-rule: Instance database-primary\n"
        "      It is wrong.\n      Fix it.\n"
        "  b-rule: Instance database-primary\n"
        "      It is wrong.\n      Fix it.\n"
        "Correct the settings or the component that declares the resource, and run it again."
    )


def test_failed_resources_are_named() -> None:
    cancelled = error("failed to run policy: context canceled", f"{CHILD}-2")
    outcome = outcome_of(error("no such subnet", CHILD), cancelled, error("update failed", STACK))
    assert str(outcome.explain("update", "")) == (
        "The update stopped, because 1 resource could not be handled:\n"
        "  Instance database-primary: no such subnet\n"
        "Correct the program or the stack's settings and run it again; what succeeded is kept."
    )


def test_failed_program_is_quoted_once() -> None:
    outcome = outcome_of(
        error("2 problems", STACK), error("an unhandled error occurred: 2 problems", STACK), error("update failed")
    )
    assert str(outcome.explain("preview", "")) == "The preview stopped: 2 problems"


@pytest.mark.parametrize(
    "message", ["write /x/state.json: no space left on device", "[Errno 27] File too large: 'x'", "disk I/O error"]
)
def test_full_disk_is_recognised_wherever_it_is_reported(message: str) -> None:
    expected = "Nothing more can be written, because the disk is full: free some space (see `df -h`) and try again."
    assert str(outcome_of(error(message, CHILD)).explain("update", "")) == expected
    assert str(outcome_of().explain("update", f"stderr: error: {message}")) == expected


def test_engine_without_events_is_quoted() -> None:
    output = "\n code: 255\n stdout: Loading policy packs\nNameError: x\n stderr: error: the pack failed to start\n"
    assert str(outcome_of().explain("preview", output)) == (
        "The preview stopped: the pack failed to start\n"
        "The engine's last lines were:\n"
        "   code: 255\n   stdout: Loading policy packs\n  NameError: x\n  error: the pack failed to start"
    )
