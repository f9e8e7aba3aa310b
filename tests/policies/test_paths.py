"""Every property that a rule reads, a case changes or a mutation operator sets exists in Pulumi's SDK."""

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.evaluation import RuleIndex, evaluate_all
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, RuleSeverity, rule
from policies.engine.state import state_of
from policies.mutation.operators import WEAK_ADDITIONS, mutants_of
from policies.rules import ALL_RULES
from tests.policies.exported import State
from tests.policies.platform import good_platform
from tests.policies.rules.cases import CASES
from tests.policies.rules.foreign_programs import PROGRAMS, Program
from tests.policies.sdk import UnknownProperty, check_path, check_properties, is_known_type

pytestmark = pytest.mark.xdist_group("paths")
"""In one process: what the rules read is recorded once."""

INDEX = RuleIndex(ALL_RULES)
POLICIES = Path(__file__).parents[2] / "policies"
READERS = {"get", "has_referrer", "is_secret", "is_set", "items", "referrers", "targets", "texts"}
"""Methods that take the path of a property."""

KEYS_OF_DOCUMENTS = {
    *("AWS", "Federated", "Service"),
    *("cloudWatchEncryptionEnabled", "cloudWatchLogGroupName", "idleSessionTimeout", "inputs", "s3BucketName"),
    *("key", "value"),
    *("deadLetterTargetArn", "maxReceiveCount"),
    *("DataIdentifier", "Deidentify", "Operation", "Statement"),
}
"""Keys of policies, session documents and tags: rules read them of plain dictionaries."""

Reads = set[tuple[str, str]]
"""Types and the paths that were read of them."""


@contextmanager
def recorded_reads() -> Iterator[Reads]:
    """Record every path that a rule reads."""
    reads: Reads = set()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("get", "is_secret"):
            read = getattr(StackResource, name)

            def recording(resource: StackResource, path: str, read: object = read) -> object:
                reads.add((resource.type_token, f"{resource.place}.{path}" if resource.place else path))
                return read(resource, path)  # type: ignore[operator]

            patch.setattr(StackResource, name, recording)
        yield reads


def evaluate(state: State, index: RuleIndex = INDEX) -> None:
    read = state_of(state.exported())
    evaluate_all(index, read.inputs, read.outputs)


def unknown_paths(reads: Reads) -> list[str]:
    found = []
    for type_token, path in sorted(reads):
        try:
            if is_known_type(type_token):
                check_path(type_token, path)
        except UnknownProperty as error:
            found.append(str(error))
    return found


@pytest.fixture(scope="module")
def reads() -> Reads:
    """What all rules read of the good platform and other teams' programs, and each of what breaks it."""
    with recorded_reads() as recorded:
        evaluate(good_platform())
        for program in PROGRAMS.values():
            state = State()
            program.build(state)
            evaluate(state)
        for case in CASES:
            state = good_platform()
            case.change(state)
            evaluate(state, RuleIndex([INDEX.rules[case.rule]]))
    return recorded


def test_every_path_that_a_rule_reads_exists(reads: Reads) -> None:
    assert unknown_paths(reads) == []


def named_paths(path: Path) -> set[str]:
    """Return the paths that a module writes down as arguments of the methods that read them."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return {
        argument.value
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in READERS
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


@pytest.mark.parametrize(
    "path", [POLICIES / "aws.py", *sorted((POLICIES / "rules").glob("*.py"))], ids=lambda p: p.stem
)
def test_every_path_that_a_rule_names_is_read_by_a_test(path: Path, reads: Reads) -> None:
    """Otherwise nothing checks it: a path may be misspelt in a branch that no case enters."""
    read = {f".{each}" for _, each in reads}
    named = named_paths(path) - KEYS_OF_DOCUMENTS

    assert {name for name in named if not any(each.endswith(f".{name}") for each in read)} == set()


def test_every_property_of_the_good_platform_exists() -> None:
    for entry in good_platform().entries:
        check_properties(entry["type"], entry["inputs"])


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_every_property_of_another_teams_program_exists(program: Program) -> None:
    state = State()
    program.build(state)

    for entry in state.entries:
        check_properties(entry["type"], entry["inputs"])


def test_every_property_that_a_case_changes_exists() -> None:
    good = {entry["urn"]: entry["inputs"] for entry in good_platform().entries}
    for case in CASES:
        state = good_platform()
        case.change(state)
        for entry in state.entries:
            if entry["inputs"] != good.get(entry["urn"]):
                check_properties(entry["type"], entry["inputs"])


@pytest.mark.parametrize("type_token", WEAK_ADDITIONS)
def test_every_property_that_a_mutation_operator_sets_exists(type_token: str) -> None:
    check_properties(type_token, WEAK_ADDITIONS[type_token])


def test_every_property_of_a_resource_that_a_mutation_operator_adds_exists() -> None:
    mutants = [mutant for entry in good_platform().entries for mutant in mutants_of(entry, guards_others=False)]
    added = {each["type"]: each["inputs"] for mutant in mutants if (each := mutant.companion) is not None}

    assert added.keys() == {
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "aws:lb/listener:Listener",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    }
    for type_token, inputs in added.items():
        check_properties(type_token, inputs)


@rule(
    "rds-public-access-disabled",
    item=ChecklistItem.DATABASE_ACCESS,
    severity=RuleSeverity.CRITICAL,
    resource_types=[aws.DB_INSTANCE],
    remediation="Set publicly_accessible=False.",
)
def misspelt(database: StackResource, _: Context) -> Iterator[Problem]:
    """Databases are not publicly accessible."""
    if database.get("publicyAccessible") is True:
        yield "is publicly accessible"


def test_misspelt_path_of_a_rule_is_reported() -> None:
    with recorded_reads() as reads:
        evaluate(good_platform(), RuleIndex([misspelt]))

    assert unknown_paths(reads) == ["aws:rds/instance:Instance has no property publicyAccessible"]


@pytest.mark.parametrize(
    ("type_token", "path", "missing"),
    [
        (
            "aws:lb/listener:Listener",
            "defaultActions.0.redirect.statusCod",
            "property defaultActions.0.redirect.statusCod",
        ),
        ("aws:rds/instance:Instance", "engine.version", "property engine.version"),
        ("aws:ssm/document:Document", "permissions.accountIds", "key accountIds in the map permissions"),
        ("kubernetes:apps/v1:Deployment", "spec.template.spec.hostNetwrk", "property spec.template.spec.hostNetwrk"),
        ("random:index/randomPassword:RandomPassword", "lenght", "property lenght"),
    ],
)
def test_misspelt_path_is_unknown_at_every_depth(type_token: str, path: str, missing: str) -> None:
    with pytest.raises(UnknownProperty) as error:
        check_path(type_token, path)

    assert str(error.value).endswith(f"has no {missing}")
