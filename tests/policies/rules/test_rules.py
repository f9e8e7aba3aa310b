"""Every rule against the good platform: silent on it, and finding exactly what a change breaks."""

import re
from typing import Any

import pytest

from policies.engine.evaluation import RuleIndex, Verdicts, evaluate_all
from policies.engine.resource import StackResource
from policies.engine.rule import ANY_TYPE, Rule, Scope
from policies.engine.stack import StackGraph
from policies.engine.state import state_of
from policies.rules import ALL_RULES
from settings import StackSettings
from tests.policies.changes import WHOLE, Case, changed_fields, hide
from tests.policies.exported import State
from tests.policies.platform import good_platform
from tests.policies.rules.cases import CASES

INDEX = RuleIndex(ALL_RULES)
RULES_THAT_FORBID_A_TYPE = {"iam-users-are-not-used"}
"""A platform without a finding has no such resource, and no value of it matters."""
RULES_THAT_SKIP_THE_UNKNOWN = {"secrets-are-not-in-plain-text"}
"""What is not known yet is no text of the program's."""
UNKNOWN_CASES = [case for case in CASES if case.unknown is not None]


def verdicts_on(state: State) -> Verdicts:
    read = state_of(state.exported())
    return evaluate_all(INDEX, read.inputs, read.outputs)


def found(verdicts: Verdicts) -> list[tuple[str, str]]:
    return sorted((finding.rule.name, finding.resource.name) for finding in verdicts.findings)


def case_id(case: Case) -> str:
    return f"{case.rule}-{case.subject}"


def test_good_platform_breaks_no_rule_and_leaves_none_undetermined() -> None:
    verdicts = verdicts_on(good_platform())

    assert (found(verdicts), verdicts.undetermined) == ([], [])


def test_good_platform_has_a_subject_for_every_rule() -> None:
    evaluated = {rule.name for rule, _ in verdicts_on(good_platform()).evaluated}

    assert INDEX.rules.keys() - evaluated == RULES_THAT_FORBID_A_TYPE


def test_every_rule_has_a_case_that_breaks_it_and_one_that_leaves_it_undetermined() -> None:
    assert sorted({case.rule for case in CASES}) == sorted(INDEX.rules)
    always_decided = RULES_THAT_FORBID_A_TYPE | RULES_THAT_SKIP_THE_UNKNOWN
    assert sorted({case.rule for case in UNKNOWN_CASES} | always_decided) == sorted(INDEX.rules)


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_change_is_found_by_its_rule_and_no_other(case: Case) -> None:
    state = good_platform()

    case.change(state)

    verdicts = verdicts_on(state)
    assert found(verdicts) == sorted([(case.rule, case.subject), *case.also])
    for finding in verdicts.findings:
        problem, remediation = finding.message.split("\n")
        assert problem.startswith(f"{finding.resource.name} ") and problem.endswith(".")
        assert remediation == finding.rule.remediation


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_case_changes_the_fields_that_it_names_and_no_other(case: Case) -> None:
    state = good_platform()

    case.change(state)

    differing = changed_fields(good_platform(), state)
    assert {field for field in differing if not any(covers(named, field) for named in case.change.fields)} == set()
    assert {named for named in case.change.fields if not any(covers(named, field) for field in differing)} == set()


def covers(named: tuple[str, str], field: tuple[str, str]) -> bool:
    """Tell whether a named path is the field, above it, or a reference of the same property."""
    (name, path), (resource, differing) = named, field
    return name == resource and (path == WHOLE or f"{differing}.".startswith(f"{path}."))


@pytest.mark.parametrize("case", UNKNOWN_CASES, ids=case_id)
def test_unknown_value_leaves_the_verdict_undetermined(case: Case) -> None:
    state = good_platform()
    assert case.unknown is not None

    hide(*case.unknown)(state)

    verdicts = verdicts_on(state)
    assert case.rule in {verdict.rule.name for verdict in verdicts.undetermined}
    assert found(verdicts) == []


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.name)
def test_rule_ignores_other_types(rule: Rule) -> None:
    stranger = StackResource(urn="urn:pulumi:s::p::aws:glue/job:Job::j", type_token="aws:glue/job:Job", properties={})
    evaluated = [
        (scope, question)
        for scope in Scope
        for question in RuleIndex([rule]).evaluate(scope, [stranger], StackGraph([stranger]), {}).evaluated
    ]

    expected = [(Scope.RESOURCE, (rule, stranger))] if ANY_TYPE in rule.resource_types else []
    assert evaluated == expected


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.name)
def test_rule_explains_itself(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.name)
    assert rule.description.endswith(".")
    assert rule.remediation.endswith(".")
    assert rule.url.startswith("https://")
    assert all(re.fullmatch(r"[A-Za-z0-9]+\.\d+", control) for control in rule.security_hub)


def test_rule_names_are_unique() -> None:
    assert len({rule.name for rule in ALL_RULES}) == len(ALL_RULES)


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.name)
def test_setting_that_a_rule_tells_to_change_exists(rule: Rule) -> None:
    sections = re.findall(r"`fixrx:(\w+)`", rule.remediation)
    settings = {name for name in re.findall(r"`(\w+)(?:: [^`]*)?`", rule.remediation) if sections}

    known = {
        name for section in sections for name in StackSettings.model_fields[section].rebuild_annotation().model_fields
    }
    assert settings <= known


@pytest.mark.parametrize(("environment", "findings"), [("production", 1), ("staging", 0), ("development", 0)])
def test_force_destroy_is_reported_in_production_only(environment: str, findings: int) -> None:
    bucket = StackResource(
        urn="urn:pulumi:s::p::aws:s3/bucket:Bucket::logs",
        type_token="aws:s3/bucket:Bucket",
        properties={"forceDestroy": True, "tags": {"Environment": environment}},
    )
    rule = INDEX.rules["storage-force-destroy-disabled"]

    verdicts = RuleIndex([rule]).evaluate(Scope.RESOURCE, [bucket], StackGraph([bucket]), {})

    assert len(verdicts.findings) == findings


def as_texts(value: Any) -> Any:
    """Return a value with its numbers and booleans written as text, which Pulumi accepts for both."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case dict():
            return {key: as_texts(item) for key, item in value.items()}
        case list():
            return [as_texts(item) for item in value]
        case _:
            return value


def written_as_texts(state: State) -> State:
    for entry in state.entries:
        # Kubernetes' own API does not accept them.
        if not entry["type"].startswith("kubernetes:"):
            entry.update({side: as_texts(entry[side]) for side in ("inputs", "outputs")})
    return state


def test_good_platform_is_good_with_numbers_and_booleans_as_texts() -> None:
    verdicts = verdicts_on(written_as_texts(good_platform()))

    assert (found(verdicts), verdicts.undetermined) == ([], [])


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_change_is_found_with_numbers_and_booleans_as_texts(case: Case) -> None:
    state = good_platform()

    case.change(state)

    assert found(verdicts_on(written_as_texts(state))) == sorted([(case.rule, case.subject), *case.also])
