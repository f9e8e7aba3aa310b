"""Arguments that a command of the sandbox refuses before it starts anything."""

import pytest

from sandbox.session.command import main


@pytest.mark.parametrize("arguments", [["tool"], ["up", "pulumi"], ["status", "actionlint"]], ids=" ".join)
def test_only_tool_accepts_the_name_of_a_program(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["python -m sandbox", *arguments])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "python -m sandbox: error: the command `tool` needs the name of a program, and no other command accepts one"
    )
