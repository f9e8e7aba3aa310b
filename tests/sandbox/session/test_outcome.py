"""What the sandbox makes of the engine's events: failures in a user's words."""

import sys
from typing import Any

from pulumi.automation import EngineEvent

from sandbox.session.outcome import Outcome, Violation
from sandbox.session.processes import ROOT
from sandbox.session.state import State

STACK = "urn:pulumi:production::fixrx::pulumi:pulumi:Stack::fixrx-production"
CHILD = "urn:pulumi:production::fixrx::fixrx:components:Database$aws:rds/instance:Instance::database-primary"


def step(
    urn: str, op: str, inputs: dict[str, Any], old: dict[str, Any] | None = None, keys: list[str] | None = None
) -> dict[str, Any]:
    state = {"urn": urn, "type": urn.split("::")[2].rpartition("$")[2]}
    before = {**state, "inputs": old} if old else None
    metadata = {"op": op, **state, "old": before, "new": {**state, "inputs": inputs}, "keys": keys}
    return {"resourcePreEvent": {"metadata": metadata}}


def error(message: str, urn: str = "") -> dict[str, Any]:
    return {
        "diagnosticEvent": {"severity": "error", "message": f"<{{%reset%}}>error: {message}<{{%reset%}}>\n", "urn": urn}
    }


def violation(
    policy: str, level: str = "mandatory", message: str = "It is wrong.\nFix it.", urn: str = CHILD
) -> dict[str, Any]:
    return {
        "policyEvent": {
            "policyName": policy,
            "enforcementLevel": level,
            "message": message,
            "resourceUrn": urn,
        }
    }


def explained(outcome: Outcome, operation: str, output: str = "") -> str:
    return str(outcome.explain(operation, output, State({})))


def outcome_of(*events: dict[str, Any]) -> Outcome:
    outcome = Outcome()
    for number, event in enumerate(events):
        outcome.on_event(EngineEvent.from_json({"sequence": number, "timestamp": 0, **event}))
    return outcome


def test_only_mandatory_violations_refuse_a_plan() -> None:
    outcome = outcome_of(violation("advice", "advisory"), violation("b-rule"), violation("a-rule"), violation("a-rule"))
    assert [each.policy for each in outcome.violations] == ["a-rule", "b-rule"]
    assert outcome.violations[0] == Violation(
        policy="a-rule", resource="Instance database-primary", message="It is wrong.\nFix it."
    )
    assert explained(outcome, "preview") == (
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
    assert explained(outcome, "update") == (
        "The update stopped, because 1 resource could not be handled:\n"
        "  Instance database-primary: no such subnet\n"
        "Correct the program or the stack's settings and run it again; what succeeded is kept."
    )


def test_several_errors_of_one_resource_are_one_line() -> None:
    """As the Kubernetes provider lists what it has seen while it waited in vain."""
    urn = CHILD.replace("aws:rds/instance:Instance::database-primary", "kubernetes:batch/v1:Job::migration")
    outcome = outcome_of(
        error(
            f'3 errors occurred:\n\t* resource "{urn}" was successfully created, but the Kubernetes API server '
            "reported that it failed to fully initialize or become live: Resource 'migration-1' was created but failed "
            'to initialize\n\t* [Pod fixrx/migration-1-x]: Container "api" completed with exit code 1\n\t* '
            "[BackoffLimitExceeded] Job has reached the specified backoff limit.\n\n",
            urn,
        )
    )
    assert explained(outcome, "update").splitlines()[1] == (
        "  Job migration: Resource 'migration-1' was created but failed to initialize; [Pod fixrx/migration-1-x]: "
        'Container "api" completed with exit code 1; [BackoffLimitExceeded] Job has reached the specified backoff limit'
    )


def test_failed_program_is_quoted_once() -> None:
    outcome = outcome_of(
        error("2 problems", STACK), error("an unhandled error occurred: 2 problems", STACK), error("update failed")
    )
    assert explained(outcome, "preview") == "The preview stopped: 2 problems"


def test_traceback_is_quoted_once_and_without_the_frames_of_libraries() -> None:
    traceback = (
        "python inline source runtime error: 'zone'\nTraceback (most recent call last):\n"
        f'  File "{sys.prefix}/lib/python3.11/site-packages/pulumi/runtime/stack.py", line 237, in run\n'
        "    result = func()\n             ^^^^^^\n"
        f'  File "{ROOT}/sandbox/session/source.py", line 75, in run\n    runpy.run_path(str(self.program))\n'
        '  File "<frozen runpy>", line 88, in _run_code\n'
        f'  File "{ROOT}/layers/edge.py", line 33, in build_edge\n    zone["zone"]\n    ~~~~^^^^^^^^\n'
        "KeyError: 'zone'\n\n"
    )
    outcome = outcome_of(error(traceback), error(f"an unhandled error occurred: {traceback}"))
    assert explained(outcome, "preview") == (
        "The preview stopped: an error in the program.\n"
        "  KeyError: 'zone'\n"
        f'  File "{ROOT}/layers/edge.py", line 33, in build_edge\n    zone["zone"]\n'
        "Correct it and run the command again; nothing was changed."
    )


def test_words_about_a_full_disk_in_a_finding_do_not_hide_it() -> None:
    outcome = outcome_of(violation("storage", message="When the disk is full, writes fail: no space left on device."))
    assert explained(outcome, "preview").splitlines()[1:3] == [
        "  storage: Instance database-primary",
        "      When the disk is full, writes fail: no space left on device.",
    ]


def test_one_rule_that_many_resources_break_is_explained_once() -> None:
    broken = [violation("tags", message="Add the tag Owner.", urn=f"{CHILD}-{number}") for number in (1, 2)]
    assert explained(outcome_of(*broken), "preview").splitlines()[:3] == [
        "The policy pack refuses the plan, because 1 mandatory rule is broken:",
        "  tags: Instance database-primary-1, Instance database-primary-2",
        "      Add the tag Owner.",
    ]


DELETED = (
    f'resource "{CHILD}" cannot be deleted\nbecause it is protected. To unprotect the resource, either remove the '
    "`protect` flag from the resource in your Pulumi program and run `pulumi up`, or use the command:\n"
    f"`pulumi state unprotect '{CHILD}'`"
)
REPLACED = (
    f'unable to replace resource "{CHILD}"\nas it is currently marked for protection. To unprotect the resource, '
    "remove the `protect` flag from the resource in your Pulumi program and run `pulumi up`"
)
INPUTS = {"engine": "postgres", "instanceClass": "db.m7g.large", "identifier": "fixrx-primary"}


def test_protected_resource_that_was_renamed_is_recognised() -> None:
    state = State({"resources": [{"urn": CHILD, "type": "aws:rds/instance:Instance", "inputs": INPUTS}]})
    new = f"{CHILD.rpartition('::')[0]}::database-main"
    outcome = outcome_of(step(new, "create", inputs={**INPUTS, "identifier": "fixrx-main"}), error(DELETED, CHILD))
    assert str(outcome.explain("preview", "", state)) == (
        "The preview stopped, because the program gives up what is protected against that:\n"
        "  Instance database-primary would be deleted\n"
        "  Instance database-main looks like a rename of database-primary: to keep what is deployed, give the new one "
        f'aliases=["{CHILD}"]\n'
        "Change the program or the settings so that it is kept; nothing was changed. If it has to go, see "
        "docs/runbooks.md#deleting-a-protected-resource."
    )


def test_protected_resource_that_would_be_replaced_is_told_with_the_cause() -> None:
    replaced = step(CHILD, "replace", inputs=INPUTS | {"engine": "mysql"}, old=INPUTS, keys=["engine"])
    assert explained(outcome_of(replaced, error(REPLACED, CHILD)), "update").splitlines()[1] == (
        '  Instance database-primary would be replaced: engine: "postgres" -> "mysql"'
    )


def test_engine_without_events_is_quoted() -> None:
    output = "\n code: 255\n stdout: Loading policy packs\nNameError: x\n stderr: error: the pack failed to start\n"
    assert explained(outcome_of(), "preview", output) == (
        "The preview stopped: the pack failed to start\n"
        "The engine's last lines were:\n"
        "   code: 255\n   stdout: Loading policy packs\n  NameError: x\n  error: the pack failed to start"
    )


def test_what_the_program_says_is_passed_on_without_empty_lines() -> None:
    said: list[str] = []
    outcome = Outcome(on_line=said.append)
    for message in ("Waiting for one pod", "", "\n"):
        diagnostic = {"message": message, "severity": "info", "color": "never", "prefix": ""}
        outcome.on_event(EngineEvent.from_json({"sequence": 0, "timestamp": 0, "diagnosticEvent": diagnostic}))
    assert said == ["Waiting for one pod"]
