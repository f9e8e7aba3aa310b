"""Exit statuses and sentences of the commands that a workflow asks."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from delivery import other_commands
from delivery.__main__ import main

OPEN = datetime(2026, 11, 26, 9, tzinfo=UTC)
CLOSED = datetime(2026, 11, 28, 9, tzinfo=UTC)
FROZEN = datetime(2026, 12, 21, 9, tzinfo=UTC)
REASON = "Patients cannot log in"


def ask(monkeypatch: pytest.MonkeyPatch, now: datetime, stack: str, emergency: str) -> int:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> "Clock":
            return cls.fromisoformat(now.isoformat())

    monkeypatch.setattr(other_commands, "datetime", Clock)
    return main(["window", "--stack", stack, "--emergency", emergency])


@pytest.mark.parametrize(
    ("now", "stack", "emergency", "status"),
    [
        (OPEN, "production", "", 0),
        (CLOSED, "production", "", 1),
        (FROZEN, "production", "", 1),
        (CLOSED, "production", REASON, 0),
        (FROZEN, "production", REASON, 0),
        (CLOSED, "production", "urgent", 1),
        (FROZEN, "staging", "", 0),
    ],
)
def test_the_exit_status_says_whether_a_deployment_may_begin(
    monkeypatch: pytest.MonkeyPatch, now: datetime, stack: str, emergency: str, status: int
) -> None:
    assert ask(monkeypatch, now, stack, emergency) == status


@pytest.mark.parametrize(("now", "recorded"), [(CLOSED, True), (OPEN, False)])
def test_an_emergency_is_printed_and_kept_where_it_was_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, now: datetime, recorded: bool
) -> None:
    summary = tmp_path / "summary"
    summary.touch()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    ask(monkeypatch, now, "production", REASON)

    sentence = f"Deployed all the same, as an emergency: {REASON}"
    assert (sentence in capsys.readouterr().out, sentence in summary.read_text()) == (recorded, recorded)


def test_a_refusal_says_how_an_emergency_is_declared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(monkeypatch, CLOSED, "production", "")

    assert capsys.readouterr().err == (
        "error: Sat 2026-11-28 09:00 UTC is in no deployment window. The next deployment may begin at Mon 2026-11-30 "
        "08:00 UTC. In an emergency, give the reason with --emergency.\n"
    )
