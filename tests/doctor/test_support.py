"""The end of support of what a stack runs: the dates, and what is said of them on which day."""

import sys
from collections.abc import Iterator
from datetime import date, timedelta
from typing import get_args

import pytest
from boto3.session import Session

from bootstrap.stack_file import read_stack_file
from components.sections.app_servers import AppServersSettings
from components.sections.cache import ENGINE_VERSIONS, Engine
from components.sections.database import CA_CERTIFICATE, MajorVersion
from components.sections.kubernetes import KubernetesSettings
from components.shared.backends import RuntimeKind
from doctor import __main__ as command
from doctor import support
from doctor.finding import Finding, Result, Stage, Status, ok
from settings import StackSettings
from tests.headings import anchors

SETTINGS = read_stack_file("production").settings
LAST_DAY = date(2027, 4, 30)
"""Of Node.js 22."""
NODE_22 = support.Used(product=support.NODE, version="22", decided_by="fixrx:app_servers.node_version")


def stack(**changes: object) -> StackSettings:
    """The production stack with other versions."""
    return SETTINGS.model_copy(
        update={section: getattr(SETTINGS, section).model_copy(update=values) for section, values in changes.items()}
    )


def test_the_dates_are_those_of_the_pages() -> None:
    """As read there on the day that WRITTEN names."""
    assert date(2026, 11, 26) == support.WRITTEN
    assert {(product.name, version): end for product in support.PRODUCTS for version, end in product.ends.items()} == {
        ("PostgreSQL", "15"): date(2028, 2, 29),
        ("PostgreSQL", "16"): date(2029, 2, 28),
        ("PostgreSQL", "17"): date(2030, 2, 28),
        ("PostgreSQL", "18"): date(2031, 2, 28),
        ("Redis", "7.1"): None,
        ("Valkey", "8.1"): None,
        ("Node.js", "22"): date(2027, 4, 30),
        ("Node.js", "24"): date(2028, 4, 30),
        ("Node.js", "26"): date(2029, 4, 30),
        ("Kubernetes on EKS", "1.35"): date(2027, 3, 27),
        ("Kubernetes on EKS", "1.36"): date(2027, 8, 2),
        ("CA", "rds-ca-rsa2048-g1"): date(2061, 5, 1),
    }


def test_the_table_has_what_settings_accept_and_nothing_else() -> None:
    nodes = get_args(AppServersSettings.model_fields["node_version"].annotation)

    assert list(support.POSTGRESQL.ends) == list(get_args(MajorVersion))
    clusters = get_args(KubernetesSettings.model_fields["version"].annotation)
    assert list(support.NODE.ends) == list(nodes)
    assert list(support.KUBERNETES.ends) == list(clusters)
    assert {engine: list(support.CACHES[engine].ends) for engine in get_args(Engine)} == {
        engine: [version] for engine, version in ENGINE_VERSIONS.items()
    }
    assert list(support.CERTIFICATE.ends) == [CA_CERTIFICATE]


def test_every_version_that_a_stack_runs_is_judged_with_the_setting_that_decides_it() -> None:
    found = [(used.title, used.decided_by) for used in support.used_by(SETTINGS)]

    assert found == [
        ("PostgreSQL 17", "fixrx:database.engine_version"),
        ("Redis 7.1", "fixrx:cache.engine"),
        ("Node.js 24", "fixrx:app_servers.node_version"),
        ("CA rds-ca-rsa2048-g1", "components/sections/database.py"),
    ]


def test_other_settings_are_other_versions_and_during_an_upgrade_there_are_two() -> None:
    other = stack(
        database={"engine_version": "18", "upgrade_from": "16"},
        cache={"engine": "valkey"},
        app_servers={"node_version": "26"},
    )

    assert [(used.title, used.decided_by) for used in support.used_by(other)] == [
        ("PostgreSQL 18", "fixrx:database.engine_version"),
        ("PostgreSQL 16", "fixrx:database.upgrade_from"),
        ("Valkey 8.1", "fixrx:cache.engine"),
        ("Node.js 26", "fixrx:app_servers.node_version"),
        ("CA rds-ca-rsa2048-g1", "components/sections/database.py"),
    ]


@pytest.mark.parametrize("runtime", [RuntimeKind.KUBERNETES, RuntimeKind.BOTH])
def test_the_version_of_the_stacks_own_cluster_is_judged(runtime: RuntimeKind) -> None:
    of_cluster = ("Kubernetes on EKS 1.36", "fixrx:kubernetes.version")
    with_pods = SETTINGS.model_copy(update={"runtime": runtime})
    described = {
        "name": "shop",
        "endpoint": "https://0123456789ABCDEF.gr7.us-east-1.eks.amazonaws.com",
        "certificate_authority": "LS0tLS1CRUdJTiAA",
        "security_group_id": "sg-0123456789abcdef0",
    }
    existing = KubernetesSettings.model_validate({"existing_cluster": described})

    assert of_cluster in [(used.title, used.decided_by) for used in support.used_by(with_pods)]
    elsewhere = with_pods.model_copy(update={"kubernetes": existing})
    assert of_cluster not in [(used.title, used.decided_by) for used in support.used_by(elsewhere)]


WHAT = "Node.js 22 (fixrx:app_servers.node_version)"
ADVICE = "upgrade it as docs/upgrades.md#nodejs says."


@pytest.mark.parametrize(
    ("days", "status", "sentence"),
    [
        (181, Status.OK, f"{WHAT} is supported until 2027-04-30, for 181 days."),
        (180, Status.NOTICE, f"Support of {WHAT} ends on 2027-04-30, in 180 days: {ADVICE}"),
        (61, Status.NOTICE, f"Support of {WHAT} ends on 2027-04-30, in 61 days: {ADVICE}"),
        (60, Status.WARNING, f"Support of {WHAT} ends on 2027-04-30, in 60 days: {ADVICE}"),
        (1, Status.WARNING, f"Support of {WHAT} ends on 2027-04-30, in 1 day: {ADVICE}"),
        (0, Status.WARNING, f"Support of {WHAT} ends on 2027-04-30, in 0 days: {ADVICE}"),
        (-1, Status.ERROR, f"Support of {WHAT} ended on 2027-04-30, 1 day ago: {ADVICE}"),
        (-400, Status.ERROR, f"Support of {WHAT} ended on 2027-04-30, 400 days ago: {ADVICE}"),
    ],
)
def test_a_version_is_told_of_in_time(days: int, status: Status, sentence: str) -> None:
    assert support.judge(NODE_22, LAST_DAY - timedelta(days)) == Finding(status=status, sentence=sentence)


def test_a_version_without_an_announced_end_is_supported() -> None:
    used = support.Used(product=support.CACHES["redis"], version="7.1", decided_by="fixrx:cache.engine")

    assert support.judge(used, date(2099, 1, 1)) == ok(
        "No end of support of Redis 7.1 (fixrx:cache.engine) is announced."
    )


@pytest.mark.parametrize(
    ("age", "finding"),
    [
        (365, ok("The dates of support were compared with their pages on 2026-11-26.")),
        (
            366,
            Finding(
                status=Status.WARNING,
                sentence="The dates of support are of 2026-11-26, 366 days old: compare doctor/support.py with the "
                "pages that it names.",
            ),
        ),
    ],
)
def test_a_table_older_than_a_year_is_a_warning(age: int, finding: Finding) -> None:
    assert support.judge_table(support.WRITTEN + timedelta(age)) == finding


def test_each_version_and_the_table_is_a_result_of_the_last_stage() -> None:
    results = support.results(SETTINGS, support.WRITTEN)

    assert [result.check.title for result in results] == [
        "PostgreSQL 17",
        "Redis 7.1",
        "Node.js 24",
        "CA rds-ca-rsa2048-g1",
        "Table of support",
    ]
    assert {result.check.stage for result in results} == {list(Stage)[-1]} == {Stage.BEFORE_SUPPORT_ENDS}


@pytest.fixture
def on_day(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """`python -m doctor support` for production, where nobody may connect to AWS."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("AWS is asked")

    monkeypatch.setattr(sys, "argv", ["doctor", "support", "--stack", "production"])
    monkeypatch.setattr(Session, "client", refuse)
    monkeypatch.setattr(command, "public_name_servers", refuse)
    yield monkeypatch


def test_the_command_prints_nothing_while_there_is_nothing_to_do(
    on_day: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on_day.setattr(command, "today", lambda: support.WRITTEN)

    assert command.main() == 0
    assert capsys.readouterr().out == ""


def test_the_command_prints_a_line_for_each_version_that_needs_something_done(
    on_day: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends with 0, so that the workflow opens its issue."""
    on_day.setattr(command, "today", lambda: date(2030, 2, 1))

    assert command.main() == 0
    assert capsys.readouterr().out.splitlines() == [
        "- production, warning: Support of PostgreSQL 17 (fixrx:database.engine_version) ends on 2030-02-28, in 27 "
        "days: upgrade it as docs/upgrades.md#postgresql says.",
        "- production, error: Support of Node.js 24 (fixrx:app_servers.node_version) ended on 2028-04-30, 642 days "
        "ago: upgrade it as docs/upgrades.md#nodejs says.",
        "- production, warning: The dates of support are of 2026-11-26, 1163 days old: compare doctor/support.py with "
        "the pages that it names.",
    ]


@pytest.mark.parametrize(
    ("status", "exit_status"), [(Status.ERROR, 1), (Status.WARNING, 0), (Status.NOTICE, 0), (Status.OK, 0)]
)
def test_doctor_fails_only_once_support_has_ended(status: Status, exit_status: int) -> None:
    [result, *_] = support.results(SETTINGS, support.WRITTEN)
    found = Result(check=result.check, finding=Finding(status=status, sentence=""))

    assert command.exit_status([found]) == exit_status


def test_every_runbook_that_is_named_has_its_section() -> None:
    assert {product.runbook for product in support.PRODUCTS} <= anchors("docs/upgrades.md")
