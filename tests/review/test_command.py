"""`python -m review`: the gate of a deployment."""

import json
import runpy
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.review.changes import kubernetes_object, step, urn, with_outputs

DATABASE = "aws:rds/instance:Instance"
GROUP = "aws:autoscaling/group:Group"
WEB_ACL = "aws:wafv2/webAcl:WebAcl"


def review(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *events: object, log: str | None = None, more: Sequence[str] = ()
) -> int:
    """Runs the command on an event log; its exit status."""
    path = tmp_path / "events.json"
    path.write_text(log if log is not None else "\n".join(json.dumps(event) for event in events))
    monkeypatch.setattr("sys.argv", ["review", str(path), "--approvals", str(tmp_path / "approvals.yaml"), *more])
    try:
        runpy.run_module("review", run_name="__main__")
    except SystemExit as ended:
        return int(str(ended.code))
    return 0


def test_harmless_plan_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    update = step("update", DATABASE, "primary", old={"backupWindow": "a"}, new={"backupWindow": "b"})
    assert review(tmp_path, monkeypatch, update) == 0
    assert capsys.readouterr().out.splitlines() == [
        "UPDATED (1)",
        "  ~ Instance primary; no interruption",
        '      backupWindow: "a" -> "b"',
        "Plan: 1 updated.",
    ]


def test_loss_is_refused_until_it_is_approved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    deletion = step("delete", DATABASE, "primary", old={})
    assert review(tmp_path, monkeypatch, deletion) == 1
    assert "nobody has approved this:" in capsys.readouterr().err
    approval = {"urn": urn(DATABASE, "primary"), "action": "delete", "owner": "ops", "reason": "moved"}
    entry = json.dumps([approval])[:-2] + f', "until": {datetime.now(UTC).date()}}}]'
    (tmp_path / "approvals.yaml").write_text(entry)
    assert review(tmp_path, monkeypatch, deletion) == 0


@pytest.mark.parametrize("log", ["", "Previewing update", '{"no": "event"}', "[1]"])
def test_other_file_is_refused(
    log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert review(tmp_path, monkeypatch, log=log) == 2
    assert "is not the event log of a plan" in capsys.readouterr().err


def test_drift_is_what_differs_from_the_declared_what_is_gone_and_what_was_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    edited = {"manager": "kubectl-edit", "fieldsV1": {"f:spec": {"f:paused": {}}}}
    found = [
        step("refresh", DATABASE, "primary", old={"backupRetentionPeriod": 35}, new={"backupRetentionPeriod": 35}),
        step("update", DATABASE, "primary", old={"backupRetentionPeriod": 35}, new={"backupRetentionPeriod": 1}),
        # Nothing that the program declares differs.
        with_outputs(step("update", GROUP, "outputs", old={"maxSize": 10}, new={"maxSize": 10}), {"arn": "a"}),
        # AWS changes it, so the program gives it once.
        step("update", GROUP, "app-servers", old={"desiredCapacity": 3}, new={"desiredCapacity": 5}),
        step("update", WEB_ACL, "web-acl", old={}, new={"rules": [{"name": "by-another-resource"}]}),
        step("delete", GROUP, "other", old={}),
        step("same", GROUP, "same", old={}, new={}),
        kubernetes_object(edited),
    ]
    assert review(tmp_path, monkeypatch, *found, more=["--drift"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Group other is gone.",
        "Instance primary, deployed -> found:",
        "      backupRetentionPeriod: 35 -> 1",
        "Deployment api: kubectl-edit, not Pulumi, has set spec.paused.",
    ]


def test_no_drift_is_no_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert review(tmp_path, monkeypatch, step("same", GROUP, "same", old={}, new={}), more=["--drift"]) == 0
    assert capsys.readouterr().out == ""
