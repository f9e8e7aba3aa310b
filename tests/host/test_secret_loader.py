"""The program that writes the secrets into a server's memory, run by Python with a stand-in for the AWS CLI.

It is run as a server runs it, with paths replaced in one place, and by Python 3.9 too where that is installed.
"""

import ast
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.shared.host.files import TEMPLATES
from tests.host.configuration import ARN
from tests.host.environment_file import read_environment_file

LOADER = TEMPLATES / "fixrx_load_secrets.py"
FIREBASE = json.dumps(
    {"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"},
    indent=2,
)
AWKWARD_VALUES = [
    "plain",
    "with spaces  and\ttab",
    'double " quote',
    "single ' quote",
    "back\\slash and \\n that is no line break",
    "dollar $HOME ${PATH} $(id)",
    "back`tick`",
    "# no comment ; either",
    "equals=sign=",
    "percent %n %%",
    "first line\nsecond line\n\nfourth line",
    "ends in backslash\\",
    "\\",
    '"',
    "  spaces around  ",
    "ünïcode ✓ 🔑",
    "postgresql://fixrx_admin:a@host:5432/db?sslmode=verify-full&options=-c%20statement_timeout%3D30000",
    json.dumps({"private_key": "-----BEGIN\n$x\\y\n"}),
    FIREBASE,
]
SECRET = "Zk8qLw2vXr9TnB4mPd7s"
"""Must be in no message."""
NO_VALUE = {
    "ErrorCode": "ResourceNotFoundException",
    "Message": "Secrets Manager can't find the specified secret value",
}
DENIED = {"ErrorCode": "AccessDeniedException", "Message": "User is not authorized to perform"}
PUT = "aws secretsmanager put-secret-value --secret-id"


@dataclass(frozen=True, kw_only=True)
class Memory:
    """A directory that stands for a server's root, with a list of secrets and an AWS CLI that answers from a file."""

    root: Path
    python: str

    @property
    def environment_file(self) -> Path:
        return self.root / "run/fixrx/secrets.env"

    @property
    def written(self) -> Mapping[str, str]:
        return read_environment_file(self.environment_file.read_text())

    def calls(self) -> list[list[str]]:
        return [line.split() for line in (self.root / "calls").read_text().splitlines()]

    def cli(self, body: str) -> None:
        path = self.root / "bin/aws"
        path.write_text(f'#!/bin/bash\necho "$*" >>"{self.root}/calls"\n{body}\n')
        path.chmod(0o755)

    def load(self, answers: Mapping[str, Mapping[str, Any]], *options: str) -> subprocess.CompletedProcess[str]:
        """Run the loader for these secrets; an answer with an ErrorCode is an error, an empty one is left out."""
        (self.root / "secrets.list").write_text(
            "".join(f"{variable} {ARN}{variable} version-1\n" for variable in answers)
        )
        (self.root / "answers.json").write_text(
            json.dumps({f"{ARN}{variable}": answer for variable, answer in answers.items()})
        )
        return self.run(*options)

    def run(self, *options: str) -> subprocess.CompletedProcess[str]:
        text = LOADER.read_text()
        for path, here in (
            ("/etc/fixrx/secrets.list", "secrets.list"),
            ("/run/fixrx/secrets.env", "run/fixrx/secrets.env"),
            ("/run/fixrx/secrets.confirmed", "run/fixrx/secrets.confirmed"),
            ("/var/lib/cloud/data/instance-id", "instance-id"),
        ):
            assert text.count(path) == 1
            text = text.replace(path, f"{self.root}/{here}")
        return subprocess.run(
            [self.python, "-I", "-c", text, *options],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={"PATH": f"{self.root}/bin:{os.environ['PATH']}"},
        )


ANSWER = """
import json, sys
answers = json.load(open("{root}/answers.json"))
wanted = sys.argv[sys.argv.index("--secret-id-list") + 1:]
assert len(wanted) <= 20, "InvalidParameterException"
found = [(arn, answers[arn]) for arn in wanted if answers[arn]]
print(json.dumps({{
    "SecretValues": [{{"ARN": arn, **answer}} for arn, answer in found if "ErrorCode" not in answer],
    "Errors": [{{"SecretId": arn, **answer}} for arn, answer in found if "ErrorCode" in answer],
}}))
"""


def is_python(path: str) -> bool:
    return subprocess.run([path, "-V"], capture_output=True, check=False).returncode == 0


def pythons() -> list[str]:
    """This Python, and the servers' where it works: a version manager has commands that lead to nothing."""
    found = [shutil.which("python3.9"), *map(str, Path.home().glob(".pyenv/versions/3.9.*/bin/python3.9"))]
    works = (path for path in found if path and is_python(path))
    return [sys.executable, *list(works)[:1]]


def memory_in(tmp_path: Path, python: str) -> Memory:
    """Make one whose AWS CLI answers as Secrets Manager does."""
    memory = Memory(root=tmp_path, python=python)
    (tmp_path / "bin").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "answer.py").write_text(ANSWER.format(root=tmp_path))
    memory.cli(f'exec {sys.executable} "{tmp_path}/answer.py" "$@"')
    return memory


@pytest.fixture(params=pythons(), ids=lambda path: Path(path).name)
def memory(request: pytest.FixtureRequest, tmp_path: Path) -> Memory:
    return memory_in(tmp_path, request.param)


def strings(values: Sequence[str]) -> dict[str, dict[str, str]]:
    return {f"SECRET_{number}": {"SecretString": value} for number, value in enumerate(values)}


def test_service_sees_secrets_exactly_as_they_are_kept(memory: Memory) -> None:
    finished = memory.load(strings(AWKWARD_VALUES))

    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")
    assert memory.written == {f"SECRET_{number}": value for number, value in enumerate(AWKWARD_VALUES)}


def test_line_breaks_of_an_editor_are_no_part_of_a_secret(memory: Memory) -> None:
    memory.load({"FIREBASE": {"SecretString": f"{FIREBASE}\n"}, "WINDOWS": {"SecretString": "value\r\n"}})

    assert json.loads(memory.written["FIREBASE"]) == json.loads(FIREBASE)
    assert memory.written["WINDOWS"] == "value"


@pytest.mark.parametrize(("secrets", "calls"), [(1, [1]), (20, [20]), (21, [20, 1]), (45, [20, 20, 5])])
def test_cli_starts_once_for_twenty_secrets(memory: Memory, secrets: int, calls: list[int]) -> None:
    finished = memory.load(strings([f"value {number}" for number in range(secrets)]))

    assert finished.returncode == 0
    assert len(memory.written) == secrets
    head = ["secretsmanager", "batch-get-secret-value", "--region", "us-east-1", "--output", "json", "--secret-id-list"]
    assert [call[: len(head)] for call in memory.calls()] == [head] * len(calls)
    assert [len(call) - len(head) for call in memory.calls()] == calls


def test_secrets_can_be_read_by_root_alone(memory: Memory) -> None:
    memory.load(strings(["x"]))

    assert stat.S_IMODE(memory.environment_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(memory.environment_file.parent.stat().st_mode) == 0o700
    assert [path.name for path in memory.environment_file.parent.iterdir()] == ["secrets.env"]


def test_whatever_is_wrong_is_named_at_once_without_a_value(memory: Memory) -> None:
    memory.load({"GOOD": {"SecretString": "before"}})
    answers: dict[str, Mapping[str, Any]] = {
        "GOOD": {"SecretString": SECRET},
        "MISSING": NO_VALUE,
        "FORBIDDEN": DENIED,
        "LOST": {},
        "BINARY": {"SecretBinary": "Wms4cUx3"},
        "BLANK": {"SecretString": " \n\t\n"},
        "LINE_BREAK": {"SecretString": "\n"},
        "WINDOWS": {"SecretString": f"{SECRET}\r\nsecond line"},
        "NUL": {"SecretString": f"{SECRET}\0"},
        "HALF": {"SecretString": f"{SECRET}\ud83d"},
        **{f"FILLER_{number}": {"SecretString": SECRET} for number in range(20)},
        "LAST": NO_VALUE,
    }

    finished = memory.load(answers)

    assert (finished.returncode, finished.stdout) == (1, "")
    control = "has a control character, such as the line breaks of Windows"
    assert finished.stderr.splitlines() == [
        f"the secret MISSING has no value: {PUT} {ARN}MISSING",
        "the secret FORBIDDEN cannot be read: AccessDeniedException: User is not authorized to perform",
        "the secret LOST cannot be read: it is not in the answer of Secrets Manager",
        f"the secret BINARY is binary; write it as text: {PUT} {ARN}BINARY",
        f"the secret BLANK is empty: {PUT} {ARN}BLANK",
        f"the secret LINE_BREAK is empty: {PUT} {ARN}LINE_BREAK",
        f"the secret WINDOWS {control}",
        f"the secret NUL {control}",
        f"the secret HALF {control}",
        f"the secret LAST has no value: {PUT} {ARN}LAST",
    ]
    assert SECRET not in finished.stderr
    # The service that runs keeps what it has.
    assert memory.written == {"GOOD": "before"}


def test_call_that_fails_is_told_in_one_line(memory: Memory) -> None:
    memory.cli("printf '\\nUnable to locate credentials.\\n You can configure them\\n' >&2; exit 253")

    finished = memory.load(strings(["x", "y"]))

    assert finished.returncode == 1
    assert finished.stderr == (
        "the secrets SECRET_0, SECRET_1 cannot be read: Unable to locate credentials. You can configure them\n"
    )
    assert not memory.environment_file.exists()


def test_missing_cli_is_told(memory: Memory) -> None:
    (memory.root / "bin/aws").unlink()
    (memory.root / "secrets.list").write_text(f"X {ARN}X\n")

    finished = subprocess.run(
        [
            memory.python,
            "-I",
            "-c",
            LOADER.read_text().replace("/etc/fixrx/secrets.list", f"{memory.root}/secrets.list"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": str(memory.root / "bin")},
    )

    assert (finished.returncode, finished.stderr) == (
        1,
        "the secrets X cannot be read: the AWS CLI does not start: No such file or directory\n",
    )


@pytest.mark.parametrize("indent", [None, 2])
def test_json_object_of_variables_is_one_variable_a_key(memory: Memory, indent: int | None) -> None:
    keys = {f"JWT_SECRET{suffix}": value for suffix, value in zip(("", "_NEXT", "S_OLD"), AWKWARD_VALUES, strict=False)}
    finished = memory.load(
        {
            "BEFORE": {"SecretString": "b"},
            "JWT_SECRET": {"SecretString": json.dumps(keys, indent=indent) + "\r\n"},
            "AFTER": {"SecretString": "a"},
        }
    )

    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")
    assert list(memory.written.items()) == [("BEFORE", "b"), *keys.items(), ("AFTER", "a")]


def test_each_value_of_a_json_object_is_written_as_any_other(memory: Memory) -> None:
    keys = {f"KEY_{number}" if number else "KEY": f"{value}\n" for number, value in enumerate(AWKWARD_VALUES)}

    memory.load({"KEY": {"SecretString": json.dumps(keys)}})

    assert list(memory.written.values()) == AWKWARD_VALUES


@pytest.mark.parametrize(
    "value",
    [
        FIREBASE,
        '{"JWT_SECRET": "x", "kid": "y"}',
        '{"kid": "y", "JWT_SECRET": "x"}',
        '{"jwt_secret": "x"}',
        "{}",
        '["JWT_SECRET"]',
        '"JWT_SECRET"',
        "12",
        "null",
        '{"JWT_SECRET": "x"',
    ],
)
def test_any_other_json_is_one_value(memory: Memory, value: str) -> None:
    assert memory.load({"JWT_SECRET": {"SecretString": value}}).returncode == 0

    assert memory.written == {"JWT_SECRET": value}


def test_whatever_is_wrong_with_a_key_is_named_without_a_value(memory: Memory) -> None:
    parts = {
        "JWT": SECRET,
        "JWT_EMPTY": " \n",
        "JWT_NUMBER": 17,
        "JWT_NOTHING": None,
        "JWT_NESTED": {"x": SECRET},
        "JWT_NUL": f"{SECRET}\0",
        "JWT NAME": SECRET,
        "JWT_EQUALS=1\nX": SECRET,
        "JWT_OWN": SECRET,
    }
    finished = memory.load(
        {
            "JWT": {"SecretString": json.dumps(parts)},
            "JWT_OWN": {"SecretString": SECRET},
            "NAMELESS": {"SecretString": json.dumps({"NAMELESS_NEXT": SECRET})},
            "BLANK": {"SecretString": json.dumps({"BLANK": "", "BLANK_NEXT": SECRET})},
            "A_": {"SecretString": json.dumps({"A_": SECRET, "A_B_C": SECRET})},
            "A_B": {"SecretString": json.dumps({"A_B": SECRET, "A_B_C": SECRET})},
        }
    )

    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr.splitlines() == [
        f"the secret JWT has the key JWT_EMPTY, which is empty: {PUT} {ARN}JWT",
        f"the secret JWT has the key JWT_NUMBER, which is no text: {PUT} {ARN}JWT",
        f"the secret JWT has the key JWT_NOTHING, which is no text: {PUT} {ARN}JWT",
        f"the secret JWT has the key JWT_NESTED, which is no text: {PUT} {ARN}JWT",
        "the secret JWT has the key JWT_NUL, which has a control character, such as the line breaks of Windows",
        "the secret JWT has the key 'JWT NAME', which is no name of a variable",
        "the secret JWT has the key 'JWT_EQUALS=1\\nX', which is no name of a variable",
        "the secret JWT has the key JWT_OWN, which is another secret's variable as well",
        f"the secret NAMELESS is a JSON object of variables without NAMELESS itself: {PUT} {ARN}NAMELESS",
        f"the secret BLANK is empty: {PUT} {ARN}BLANK",
        "the secret A_B has the key A_B_C, which is another secret's variable as well",
    ]
    assert not memory.environment_file.exists()


def test_changed_tells_by_its_status_and_writes_nothing(memory: Memory) -> None:
    """systemd goes on with a unit at 0, and skips it at 1."""
    jwt = {"JWT": "now", "JWT_NEXT": "then"}
    answers = {**strings(AWKWARD_VALUES), "JWT": {"SecretString": json.dumps(jwt)}}
    assert memory.load(answers, "--changed").returncode == 0
    assert not memory.environment_file.parent.exists()
    memory.load(answers)
    before = (memory.environment_file.read_bytes(), memory.environment_file.stat().st_mtime_ns)
    calls = len(memory.calls())

    others = [
        (answers, 1),
        # Neither the order of keys nor spaces: the variables are the same.
        ({**answers, "JWT": {"SecretString": json.dumps(jwt, indent=1)}}, 1),
        ({**answers, "SECRET_0": {"SecretString": f"{AWKWARD_VALUES[0]}\n"}}, 1),
        ({**answers, "SECRET_0": {"SecretString": "another"}}, 0),
        ({**answers, "JWT": {"SecretString": json.dumps({**jwt, "JWT_NEXT": "later"})}}, 0),
        ({**answers, "JWT": {"SecretString": json.dumps({**jwt, "JWT_PREVIOUS": "once"})}}, 0),
        ({**answers, "JWT": {"SecretString": "now"}}, 0),
    ]
    for changed, status in others:
        finished = memory.load(changed, "--changed")
        assert (finished.returncode, finished.stdout, finished.stderr) == (status, "", "")
    assert (memory.environment_file.read_bytes(), memory.environment_file.stat().st_mtime_ns) == before
    assert [path.name for path in memory.environment_file.parent.iterdir()] == ["secrets.env"]
    assert len(memory.calls()) == calls + len(others)


@pytest.mark.parametrize(
    ("cli", "said"),
    [
        ("echo 'Could not connect' >&2; exit 255", "the secrets JWT cannot be read: Could not connect\n"),
        (f"echo '{SECRET}'", "the secrets JWT cannot be read: the AWS CLI's answer is no JSON\n"),
        ("kill -KILL $$", "the secrets JWT cannot be read: the AWS CLI ended with -9\n"),
    ],
)
def test_look_that_fails_is_no_look_without_a_change(memory: Memory, cli: str, said: str) -> None:
    memory.load({"JWT": {"SecretString": "before"}})
    memory.cli(cli)

    finished = memory.load({"JWT": {"SecretString": "after"}}, "--changed")

    assert (finished.returncode, finished.stdout, finished.stderr) == (255, "", said)
    assert memory.written == {"JWT": "before"}


def test_error_that_nobody_thought_of_fails_a_look_too(memory: Memory) -> None:
    """Python's own status for it is 1, at which systemd skips the unit in silence."""
    memory.cli("echo '[]'")

    finished = memory.load({"JWT": {"SecretString": SECRET}}, "--changed")

    assert finished.returncode == 255
    assert "AttributeError" in finished.stderr


def test_server_without_secrets_has_an_empty_file(memory: Memory) -> None:
    finished = memory.load({})

    assert finished.returncode == 0
    assert memory.environment_file.read_text() == ""


def test_loader_is_written_for_the_python_of_the_servers() -> None:
    """Amazon Linux 2023 has 3.9, where no library of ours is installed."""
    tree = ast.parse(LOADER.read_text(), feature_version=(3, 9))

    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
    }
    assert imported <= sys.stdlib_module_names
    assert LOADER.read_text().startswith("#!/usr/bin/python3 -I\n")
