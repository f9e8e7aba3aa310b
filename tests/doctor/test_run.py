"""How the findings come together: every check runs whatever the others find, and the command says what it means."""

import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import dns.exception
import dns.message
import dns.resolver
import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)
from moto import mock_aws

from bootstrap.access import Access
from bootstrap.stack_file import StackFile, read_stack_file
from doctor import __main__ as command
from doctor import domain, run, support
from doctor.context import Context
from doctor.finding import Check, Finding, Result, Stage, Status, later, missing, ok

FILE = read_stack_file("production")
NO_RECORDS = dns.message.make_response(dns.message.make_query("fixrx.com", "NS"))
SIGN_IN = "aws configure sso --profile PROFILE && export AWS_PROFILE=PROFILE"


def access_whose_identity_fails(error: Exception) -> Access:
    """Credentials that AWS refuses in some way."""
    access = Access(account_id="111122223333", region="us-east-1")

    class Sts:
        def get_caller_identity(self) -> None:
            raise error

    access._clients["sts"] = Sts()
    return access


def refused(code: str, operation: str = "GetCallerIdentity") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "AKIASECRET"}}, operation)


@pytest.mark.parametrize(
    ("error", "sentence", "what_to_type"),
    [
        (
            NoCredentialsError(),
            "There are no AWS credentials for account 111122223333; sign in to it first.",
            SIGN_IN,
        ),
        (
            ProfileNotFound(profile="x"),
            "There are no AWS credentials for account 111122223333; sign in to it first.",
            SIGN_IN,
        ),
        (
            TokenRetrievalError(provider="sso", error_msg="x"),
            "The sign-in of the AWS credentials has expired; sign in again.",
            "aws sso login",
        ),
        (refused("ExpiredToken"), "The AWS credentials have expired; sign in again.", "aws sso login"),
        (refused("InvalidClientTokenId"), "AWS does not know the credentials; sign in again.", SIGN_IN),
        (
            refused("Throttling"),
            "AWS could not be asked whose the credentials are: GetCallerIdentity was refused (Throttling).",
            "",
        ),
        (
            EndpointConnectionError(endpoint_url="https://sts.us-east-1.amazonaws.com/"),
            "AWS could not be asked whose the credentials are: there is no connection to "
            "https://sts.us-east-1.amazonaws.com/.",
            "",
        ),
    ],
)
def test_without_credentials_there_is_one_sentence_and_nothing_else_is_checked(
    error: Exception, sentence: str, what_to_type: str
) -> None:
    results = run.examine(FILE, access_whose_identity_fails(error), lambda _: None)

    assert results[0].finding == missing(sentence, what_to_type)
    assert {result.finding for result in results[1:]} == {
        Finding(status=Status.NOT_CHECKED, sentence="Needs the credentials of the account.")
    }
    assert [result.check.title for result in results[1:]] == [
        "Region",
        "State bucket",
        "State key",
        "Secrets provider",
        "Identity provider",
        "DNS zone",
        "Image",
        "Instance type",
        "Quota of VPCs",
        "Quota of Elastic IP addresses",
        "Quota of NAT gateways in a zone",
        "Quota of vCPUs of servers",
        "Quota of database instances",
        "Zone delegation",
        "Release",
        "Vendors' secrets",
        "Alarm e-mails",
    ]


@pytest.fixture
def few_checks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Check]]:
    """A list of checks in place of the real ones, with credentials that are right."""
    checks: list[Check] = []
    monkeypatch.setattr(run, "CHECKS", checks)
    monkeypatch.setattr(run, "CREDENTIALS", replace(run.CREDENTIALS, run=lambda _: ok("fine")))
    yield checks


def check_that(outcome: Finding | Exception, title: str = "One", stage: Stage = Stage.BEFORE_UP) -> Check:
    def answer(_: Context) -> Finding:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return Check(title=title, stage=stage, run=answer)


def examine(waiting: run.Waiting = lambda _: None) -> list[Finding]:
    access = Access(account_id="111122223333", region="us-east-1")
    return [result.finding for result in run.examine(FILE, access, lambda _: None, waiting)][1:]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (refused("AccessDenied", "ListBuckets"), "the credentials do not allow ListBuckets"),
        (refused("UnauthorizedOperation", "DescribeVpcs"), "the credentials do not allow DescribeVpcs"),
        (refused("InternalError", "ListBuckets"), "ListBuckets was refused (InternalError)"),
        (EndpointConnectionError(endpoint_url="https://x/"), "there is no connection to https://x/"),
        (KeyError("AKIASECRET"), "the call failed (KeyError)"),
    ],
)
def test_a_check_that_fails_says_why_and_the_others_run(few_checks: list[Check], error: Exception, reason: str) -> None:
    few_checks += [check_that(error), check_that(ok("Right."))]

    assert examine() == [
        Finding(status=Status.CANNOT_TELL, sentence=f"The check was not finished: {reason}."),
        ok("Right."),
    ]


def test_findings_come_in_the_order_in_which_they_matter(few_checks: list[Check]) -> None:
    few_checks += [
        check_that(ok("last"), stage=Stage.BEFORE_ALARMS),
        check_that(ok("second"), stage=Stage.BEFORE_SERVERS),
        check_that(ok("first")),
    ]

    assert [finding.sentence for finding in examine()] == ["first", "second", "last"]


def test_what_takes_long_is_named(few_checks: list[Check], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "SILENT_SECONDS", 0.02)
    reported: list[list[str]] = []

    def slow(_: Context) -> Finding:
        while not reported:
            time.sleep(0.01)
        return ok("Right.")

    few_checks += [Check(title="Slow", stage=Stage.BEFORE_UP, run=slow)]
    examine(lambda titles: reported.append(list(titles)))

    assert reported[0] == ["Slow"]


def test_what_is_quick_is_not_reported(few_checks: list[Check]) -> None:
    few_checks += [check_that(ok("Right."))]
    reported: list[list[str]] = []

    examine(lambda titles: reported.append(list(titles)))

    assert reported == []


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ([Status.OK, Status.LATER, Status.CANNOT_TELL], 0),
        ([Status.OK, Status.MISSING], 1),
        ([Status.MISSING, Status.NOT_CHECKED], 1),
    ],
)
def test_exit_status_is_0_only_if_nothing_is_missing(statuses: list[Status], status: int) -> None:
    results = [Result(check=check_that(ok("")), finding=Finding(status=each, sentence="")) for each in statuses]

    assert command.exit_status(results) == status


def test_the_report_groups_by_stage_and_prints_each_command_once(capsys: pytest.CaptureFixture[str]) -> None:
    long = f"aws secretsmanager put-secret-value --secret-id {'x' * 200}"
    results = [
        Result(
            check=check_that(missing("No [bucket].", "make bootstrap"), "Bucket"),
            finding=missing("No [bucket].", "make bootstrap"),
        ),
        Result(check=check_that(ok("")), finding=missing("No key.", "make bootstrap")),
        Result(check=check_that(ok(""), "Secrets", Stage.BEFORE_SERVERS), finding=later("Not yet.", long)),
    ]

    command.show(results, "production", "111122223333")

    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "production, account 111122223333",
        "",
        "Before the first up",
        "missing      Bucket   No [bucket].",
        "missing      One      No key.",
        "",
        "Before servers can start",
        "later        Secrets  Not yet.",
        "",
        "Before alarms reach anybody",
        "",
        "Before support ends",
        "",
        "# Bucket, One",
        "make bootstrap",
        "",
        "# Secrets",
        long,
        "",
        "2 missing, 1 later.",
    ]


def test_settings_that_are_wrong_are_reported_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["doctor", "--stack", "nowhere"])

    assert command.main() == 1
    assert capsys.readouterr().err == "error: There is no stack of that name; the stacks are production, staging.\n"


def test_the_command_ends_with_1_for_a_new_account(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (
        ("MOTO_ACCOUNT_ID", "111122223333"),
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(sys, "argv", ["doctor", "--stack", "production"])
    monkeypatch.setattr(command, "public_name_servers", lambda _: None)
    monkeypatch.setattr(command, "today", lambda: support.WRITTEN)

    with mock_aws():
        status = command.main()

    last = capsys.readouterr().out.splitlines()[-1]
    # The quotas of three services are not in moto.
    assert (status, last) == (1, "13 ok, 3 missing, 4 later, 3 cannot tell.")


class Answer(list[str]):
    """What dnspython returns: one member for each record."""


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (Answer(["NS-1.awsdns-01.org.", "ns-2.awsdns-02.com."]), {"ns-1.awsdns-01.org", "ns-2.awsdns-02.com"}),
        (dns.resolver.NXDOMAIN(), set()),  # type: ignore[no-untyped-call]
        (dns.resolver.NoAnswer(response=NO_RECORDS), set()),  # type: ignore[no-untyped-call]
        (dns.exception.Timeout(), None),  # type: ignore[no-untyped-call]
        (dns.resolver.NoResolverConfiguration(), None),  # type: ignore[no-untyped-call]
        (OSError("no network"), None),
    ],
)
def test_name_servers_of_the_public_dns(
    monkeypatch: pytest.MonkeyPatch, answer: Answer | Exception, found: set[str] | None
) -> None:
    asked: list[tuple[str, str]] = []

    def resolve(name: str, kind: str, lifetime: float) -> Answer:
        asked.append((name, kind))
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(dns.resolver, "resolve", resolve)

    assert domain.public_name_servers("fixrx.com") == found
    assert asked == [("fixrx.com", "NS")]


def test_the_file_of_each_stack_is_read() -> None:
    files: dict[str, StackFile] = {stack: read_stack_file(stack) for stack in ("production", "staging")}

    assert {stack: file.settings.account.id for stack, file in files.items()} == {
        "production": "111122223333",
        "staging": "444455556666",
    }
