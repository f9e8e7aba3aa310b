"""`make fire` over an emulated account, and `make acknowledge` with a function that answers: what people read."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from bootstrap.access import NoAccess
from drill.jobs import REGION, Account, running_account
from incidents import __main__ as command

ALARM, COMPOSITE = "aws:cloudwatch/metricAlarm:MetricAlarm", "aws:cloudwatch/compositeAlarm:CompositeAlarm"
FUNCTION = "aws:lambda/function:Function"
ALARMS = "alarms are ApiDown, DatabaseCpuHigh, HighErrorRate, HighErrorRate-unless-down, Lost, NoHealthyServer"


def resource(kind: str, name: str, inputs: Mapping[str, Any], **outputs: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:s::fixrx::{kind}::{name}", "type": kind, "inputs": inputs, "outputs": outputs}


def metric_alarm(name: str, *topics: str) -> dict[str, Any]:
    description = f"P1 (Critical, respond within 15 minutes). {name} is wrong. Runbook: docs/runbooks.md#x"
    actions = {"alarmActions": list(topics), "okActions": list(topics)} if topics else {}
    return resource(ALARM, f"alarms-{name}", {"name": f"fixrx-s-{name}", "alarmDescription": description, **actions})


def composite_alarm(name: str, child: str, *topics: str) -> dict[str, Any]:
    inputs = {
        "alarmName": f"fixrx-s-{name}",
        "alarmRule": f'ALARM("fixrx-s-{child}")',
        "alarmDescription": f"P1 (Critical, respond within 15 minutes). {name} tells. Runbook: docs/runbooks.md#y",
        "alarmActions": list(topics),
        "okActions": list(topics),
    }
    return resource(COMPOSITE, f"alarms-{name}", inputs)


def written(path: Path, resources: Sequence[Mapping[str, Any]]) -> str:
    path.write_text(json.dumps({"version": 3, "deployment": {"resources": resources}}))
    return str(path)


def alarms_of(topic: str) -> list[dict[str, Any]]:
    return [
        metric_alarm("DatabaseCpuHigh", topic),
        metric_alarm("HighErrorRate"),
        metric_alarm("NoHealthyServer"),
        metric_alarm("Lost"),
        composite_alarm("ApiDown", "NoHealthyServer", topic),
        composite_alarm("HighErrorRate-unless-down", "HighErrorRate", topic),
    ]


def deployed(account: Account, folder: Path) -> str:
    """What the program would have deployed: topics, queue, table, secret and alarms. Returns the file of the state."""
    sqs, sns = account.client("sqs"), account.client("sns")
    queue = sqs.create_queue(QueueName="fixrx-s-incidents")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic, mail = (sns.create_topic(Name=name)["TopicArn"] for name in ("p1", "mail"))
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    keys = ("subject", "detail")
    account.client("dynamodb").create_table(
        TableName="incidents",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=True)],
    )
    account.client("scheduler").create_schedule_group(Name="incidents")
    variables = {
        "TABLE": "incidents",
        "QUEUE_URL": queue,
        "QUEUE_ARN": queue_arn,
        "DEAD_LETTERS_ARN": f"{queue_arn}-dead-letters",
        "MAIL_TOPIC_ARN": mail,
        "SLACK_SECRET_ARN": account.client("secretsmanager").create_secret(Name="slack")["ARN"],
        "SEVERITIES": json.dumps({topic: "P1"}),
        "SCHEDULE_GROUP": "incidents",
        "SCHEDULE_ROLE_ARN": f"arn:aws:iam::{queue_arn.split(':')[4]}:role/incidents",
        "METRIC_NAMESPACE": "fixrx-s",
        "BUSINESS_DAYS": "[0, 1, 2, 3, 4]",
        "BUSINESS_DAY_END_HOUR": "17",
        "HOLIDAYS": "[]",
    }
    function = resource(
        FUNCTION,
        "incidents-function",
        {"handler": "notifier.handler.handle"},
        environment={"variables": variables},
    )
    account.client("cloudwatch").put_metric_alarm(
        AlarmName="fixrx-s-DatabaseCpuHigh",
        Namespace="AWS/RDS",
        MetricName="CPUUtilization",
        Statistic="Average",
        Period=300,
        EvaluationPeriods=1,
        Threshold=80,
        ComparisonOperator="GreaterThanThreshold",
    )
    return written(folder / "stack.json", [*alarms_of(topic), function])


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_account() as account, pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        yield deployed(account, tmp_path_factory.mktemp("state"))


def fire(state: str, alarm: str) -> int:
    return command.main(["fire", "--state", state, "--alarm", alarm])


@pytest.mark.emulator
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("ApiDown", "ApiDown"),
        ("NoHealthyServer", "ApiDown"),
        ("HighErrorRate", "HighErrorRate-unless-down"),
        ("fixrx-s-HighErrorRate", "HighErrorRate-unless-down"),
        ("DatabaseCpuHigh", "DatabaseCpuHigh"),
    ],
)
def test_alarm_is_followed_to_slack_and_the_mail(
    state: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, asked: str, told: str
) -> None:
    """Of an alarm that has no actions, by the alarm that tells of it."""
    monkeypatch.setattr(command.console, "width", 200)

    assert fire(state, asked) == 0

    lines = capsys.readouterr().out.splitlines()
    seen = [line.split("│")[1].strip() for line in lines if "│" in line and "step" not in line]
    steps = [[f"{alarm_state} published", "in the queue", "in Slack", "in the mail"] for alarm_state in ("ALARM", "OK")]
    assert seen == [each for steps_of_state in steps for each in steps_of_state]
    mails = [line for line in lines if "in the mail" in line]
    assert f"P1 INVESTIGATING fixrx-s-{told} " in mails[0]
    assert f"P1 RESOLVED fixrx-s-{told} " in mails[1]


@pytest.mark.parametrize(
    ("alarm", "sentence"),
    [
        ("Nothing", f"There is no alarm Nothing; the {ALARMS}."),
        ("down", f"There is no alarm down; the {ALARMS}."),
        ("higherrorrate", f"There is no alarm higherrorrate; the {ALARMS}."),
        ("", f"Name an alarm: make fire ALARM=ApiDown; the {ALARMS}."),
        ("Lost", "The alarm Lost has no actions, and no other alarm tells of it."),
        ("ApiDown", "The function that tells of incidents is not deployed; run `make up`."),
    ],
)
def test_name_that_cannot_be_followed_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], alarm: str, sentence: str
) -> None:
    assert fire(written(tmp_path / "stack.json", alarms_of("arn:aws:sns:us-east-1:1:p1")), alarm) == 1

    assert capsys.readouterr() == ("", f"error: {sentence}\n")


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}", '{"deployment": null}', '{"deployment": {}}'])
def test_state_that_is_none_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    path = tmp_path / "stack.json"
    if content is not None:
        path.write_text(content)

    assert fire(str(path), "ApiDown") == 1

    assert capsys.readouterr() == ("", f"error: {path} cannot be read; run `make up` first.\n")


def test_empty_stack_has_no_alarms(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fire(written(tmp_path / "stack.json", []), "ApiDown") == 1

    assert capsys.readouterr().err == "error: There is no alarm ApiDown; the alarms are not deployed.\n"


class Lambda:
    """The function behind its client."""

    def __init__(self, answer: Any, failed: bool = False, error: Exception | None = None) -> None:
        self.asked: list[dict[str, Any]] = []
        self._answer = json.dumps(answer).encode()
        self._failed = failed
        self._error = error

    def invoke(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        if self._error:
            raise self._error
        payload = SimpleNamespace(read=lambda: self._answer)
        return {"Payload": payload, **({"FunctionError": "Unhandled"} if self._failed else {})}


def acknowledge(
    monkeypatch: pytest.MonkeyPatch, function: Lambda, stack: str = "production", by: str = "Ada", **access: Any
) -> int:
    def identify() -> str:
        if "refusal" in access:
            raise access["refusal"]
        return "arn:aws:sts::111122223333:assumed-role/Operator/ada"

    monkeypatch.setattr(
        command,
        "access_to",
        lambda _: SimpleNamespace(identify=identify, client=lambda service: {"lambda": function}[service]),
    )
    return command.main(["acknowledge", "--stack", stack, "--incident", "fixrx-production-ApiDown@2026", "--by", by])


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("acknowledged", 0),
        ("already acknowledged", 0),
        ("already resolved", 1),
        ("unknown", 1),
        ("refused", 1),
    ],
)
def test_what_the_function_answers_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], outcome: str, status: int
) -> None:
    answer = {"outcome": outcome, "incident": "fixrx-production-ApiDown@2026", "by": "Zoë [red]"}
    function = Lambda(answer)

    assert acknowledge(monkeypatch, function, by="Zoë [red]") == status

    assert capsys.readouterr() == (json.dumps(answer, indent=2, ensure_ascii=False) + "\n", "")
    (request,) = function.asked
    assert request["FunctionName"] == "fixrx-production-notifier"
    assert json.loads(request["Payload"]) == {"acknowledge": "fixrx-production-ApiDown@2026", "by": "Zoë [red]"}


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "Invoke"),
            "Invoke was refused (ResourceNotFoundException)",
        ),
        (
            ClientError({"Error": {"Code": "AccessDeniedException"}}, "Invoke"),
            "the credentials do not allow Invoke",
        ),
        (
            EndpointConnectionError(endpoint_url=f"https://lambda.{REGION}.amazonaws.com"),
            f"there is no connection to https://lambda.{REGION}.amazonaws.com",
        ),
    ],
)
def test_call_that_fails_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, sentence: str
) -> None:
    assert acknowledge(monkeypatch, Lambda({}, error=error)) == 1

    assert capsys.readouterr() == ("", f"error: {sentence}\n")


def test_function_that_fails_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert acknowledge(monkeypatch, Lambda({"errorType": "KeyError"}, failed=True)) == 1

    assert capsys.readouterr() == (
        "",
        "error: The function fixrx-production-notifier failed; its log says why: "
        "aws logs tail /fixrx/production/notifier.\n",
    )


def test_stack_that_does_not_exist_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    function = Lambda({})

    assert acknowledge(monkeypatch, function, stack="live") == 1

    assert capsys.readouterr().err == "error: There is no stack of that name; the stacks are production, staging.\n"
    assert function.asked == []


def test_without_access_nothing_is_asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    function = Lambda({})

    assert (
        acknowledge(monkeypatch, function, refusal=NoAccess("The AWS credentials have expired; sign in again.", ""))
        == 1
    )

    assert capsys.readouterr().err.startswith("error: The AWS credentials have expired; sign in again.")
    assert function.asked == []
