"""The check of a stack's file without the engine: the same as in the program, and what the engine hides from it."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from settings import InvalidSettings, check_file, parse_settings, read_file
from settings.__main__ import main
from settings.stack_file import check_text
from settings.wording import HOW_SECRETS_ARE_SET
from settings.yaml_text import read
from tests.settings.configuration import REPOSITORY, as_pulumi_hands_it_over, stack_file
from tests.settings.test_settings import VALIDATORS_WORDS, configurations

PLAIN_SECRET = (
    "looks like a secret, and it is in plain text: remove it here and replace it where it was issued; "
    f"{HOW_SECRETS_ARE_SET}"
)
SMALL = """\
config:
  fixrx:environment: development
  fixrx:account:
    id: 111122223333
  fixrx:app_servers:
    image_id: ami-0123456789abcdef0
    release: 1.0.0
    release_sha256: "0000000000000000000000000000000000000000000000000000000000000000"
"""


def problems_of(directory: Path, text: str, name: str = "Pulumi.development.yaml") -> list[str]:
    file = directory / name
    file.write_text(text)
    return [str(problem) for problem in check_file(file)]


@pytest.mark.parametrize("stack", ["production", "staging"])
def test_stack_of_the_project_is_valid(stack: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_file(REPOSITORY / f"Pulumi.{stack}.yaml") == []
    assert main(["--stack", stack]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("stack", ["production", "staging"])
def test_settings_of_a_file_are_those_of_the_program(stack: str) -> None:
    file = REPOSITORY / f"Pulumi.{stack}.yaml"

    assert read_file(file) == parse_settings(as_pulumi_hands_it_over(stack_file(stack)), stack)


def test_file_with_a_problem_or_an_encrypted_setting_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.development.yaml"
    file.write_text(f"{SMALL}  fixrx:cache: {{nodes: {{secure: v1:abc}}}}\n  fixrx:owner: {{secure: v1:abc}}\n")
    with pytest.raises(InvalidSettings) as encrypted:
        read_file(file)
    file.write_text(f"{SMALL}  fixrx:cache: {{nodes: 7}}\n")
    with pytest.raises(InvalidSettings) as wrong:
        read_file(file)

    assert check_file(file) == wrong.value.problems
    assert [str(problem) for problem in (*wrong.value.problems, *encrypted.value.problems)] == [
        "fixrx:cache.nodes: 7 is not a whole number from 1 to 6; write `nodes: 2`",
        "fixrx:owner: is encrypted, or has a value that is: only Pulumi can read it",
        "fixrx:cache: is encrypted, or has a value that is: only Pulumi can read it",
    ]


def test_problems_are_printed_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "Pulumi.development.yaml"
    file.write_text(f"{SMALL}  fixrx:cache: 5\n")

    assert main([str(file)]) == 1
    assert capsys.readouterr() == (
        "",
        "The stack's configuration has 1 problem; nothing was changed:\n"
        "  fixrx:cache: 5 is not a section; write its settings below it, indented, one a line, such as "
        "`engine: redis`\n",
    )


def test_stack_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--stack", "stagng"]) == 1
    assert capsys.readouterr().err.splitlines()[1:] == [
        "  Pulumi.stagng.yaml: does not exist; the stacks here are production, staging; did you mean staging"
    ]


def test_without_stack_and_file_the_command_says_what_to_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([])
    assert "name a stack, such as --stack production, or a file" in capsys.readouterr().err


def test_file_called_production_is_production(tmp_path: Path) -> None:
    assert problems_of(tmp_path, SMALL, "Pulumi.production.yaml") == [
        "fixrx:environment: is development, but the stack is called production; set it to production"
    ]


def test_check_needs_neither_engine_nor_sdk() -> None:
    """Importing them takes most of a second and several seconds."""
    script = "import sys, settings.__main__; print([each for each in ('pulumi', 'pulumi_aws') if each in sys.modules])"

    result = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)

    assert result.stdout == "[]\n"


@pytest.mark.parametrize(
    ("lines", "problems"),
    [
        (
            "  fixrx:cache: {nodes: 2}\n  fixrx:dns: {}\n  fixrx:cache: {nodes: 3}\n",
            ["fixrx:cache: is in the file twice, in lines 9 and 11; keep one"],
        ),
        (
            "  fixrx:cache:\n    nodes: 2\n    nodes: 2\n",
            ["fixrx:cache.nodes: is in the file twice, in lines 10 and 11; keep one"],
        ),
        (
            "  fixrx:maintenance_windows:\n    daily: {minutes: 30, start: 02:00, minutes: 31}\n",
            ["fixrx:maintenance_windows.daily.minutes: is in the file twice, in lines 10 and 10; keep one"],
        ),
        (
            "  cache: {nodes: 2}\n  fixrx:cache: {}\n",
            ["fixrx:cache: is in the file twice, as cache and as fixrx:cache; keep one"],
        ),
        ("config: {}\n", ["config: is in the file twice, in lines 1 and 9; keep one"]),
        ("  cache: {nodes: 2}\n", []),
        ("  pulumi:tags: {team: platform}\n", []),
        ("encryptionsalt: v1:abc\nsecretsprovider: passphrase\n", []),
        ("confg: {}\n", ["confg: is not a key of a stack's file; did you mean config"]),
        ("fixrx:cache: {}\n", ["fixrx:cache: is not below `config:`; indent it below that line"]),
        (
            "  aws:region: eu-central-1\n",
            ["aws:region: is not used; remove it: the region is the setting fixrx:account.region"],
        ),
        ("  fixrxx:cache: {}\n", ["fixrxx:cache: is not used; did you mean fixrx:cache"]),
        (
            "  vpn:cidr: 10.9.0.0/16\n",
            ["vpn:cidr: is not used; remove it: every setting of this program begins with fixrx:"],
        ),
        ("  fixrx:twilio_auth_token: swordfish\n", [f"fixrx:twilio_auth_token: {PLAIN_SECRET}"]),
        ("  fixrx:database: {masterPassword: swordfish}\n", [f"fixrx:database.masterPassword: {PLAIN_SECRET}"]),
        ("  fixrx:jwtSecret: swordfish\n", [f"fixrx:jwtSecret: {PLAIN_SECRET}"]),
        ("  fixrx:api_key: 12345\n", [f"fixrx:api_key: {PLAIN_SECRET}"]),
        ("  fixrx:alerts: https://hooks.slack.com/services/T0/B0/abc\n", [f"fixrx:alerts: {PLAIN_SECRET}"]),
        (
            "  fixrx:continuous_integration: {state_key_arm: arn:aws:kms:us-east-1:111122223333:key/1}\n",
            ["fixrx:continuous_integration.state_key_arm: is not a setting; did you mean state_key_arn"],
        ),
        (
            "  fixrx:database.multi_az: true\n",
            ["fixrx:database.multi_az: is not a setting here; did you mean multi_az below fixrx:database"],
        ),
        ("  fixrx:sendgrid: SG.abcdefghijklmnop.qrstuv\n", [f"fixrx:sendgrid: {PLAIN_SECRET}"]),
        (
            "  fixrx:twilio_auth_token:\n    secure: v1:abc\n",
            [f"fixrx:twilio_auth_token: is not a setting; {HOW_SECRETS_ARE_SET}"],
        ),
        (
            "  fixrx:secrets:\n    twilio:\n      secure: v1:abc\n",
            [f"fixrx:secrets.twilio: is not a setting; {HOW_SECRETS_ARE_SET}"],
        ),
        ("  fixrx:owner:\n    secure: v1:abc\n", []),
        ("  fixrx:notifications:\n    email: [secure: v1:abc]\n", []),
        ("  fixrx:database:\n    backup_retention_days:\n      secure: v1:abc\n    engine_version: 18\n", []),
        ("  fixrx:maintenance_windows: {daily: {start: 12:30}, weekly: {start: 23:59}}\n", []),
        (
            "  fixrx:maintenance_windows: {daily: {start: 2:00}}\n",
            ['fixrx:maintenance_windows.daily.start: "2:00" is not a time of day in UTC; did you mean "02:00"'],
        ),
        (
            "  fixrx:network: {nat: no}\n",
            [
                'fixrx:network.nat: "no" is not a value of this setting; did you mean none; choose single, per_zone, '
                "regional or none"
            ],
        ),
        (
            "  fixrx:defaults: &shared {nodes: 3}\n",
            ["fixrx:defaults: is not a setting; remove it, or see docs/settings.md for the settings"],
        ),
        ("  fixrx:encryption: &kept {protect: false}\n  fixrx:cache: {<<: *kept, nodes: 3}\n", []),
        (
            "  fixrx:encryption: &kept {protect: 1x}\n  fixrx:cache: *kept\n",
            [
                f'fixrx:{section}.protect: "1x" is neither true nor false; write `protect: true` or `protect: false`'
                for section in ("encryption", "cache")
            ],
        ),
    ],
    ids=str,
)
def test_what_is_wrong_in_a_file_is_said(tmp_path: Path, lines: str, problems: list[str]) -> None:
    assert problems_of(tmp_path, SMALL + lines) == problems


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty; begin with `config:` and, below it, `fixrx:environment: ...`"),
        ("- 1\n", "is not a stack's file; begin with `config:` and, below it, `fixrx:environment: ...`"),
        ("config: 5\n", "config is not a section; write the settings below `config:`, indented"),
        ("config:\n\tfixrx:cache: {}\n", "is not valid YAML in line 2, column 1: there is a tab; indent with spaces"),
        ("config: [\n", "is not valid YAML in line 2, column 1: expected the node content, but found '<stream end>'"),
        (
            "config:\n  fixrx:owner: *Zk8qLw2vXr9TnB4mPd7s\n",
            "is not valid YAML in line 2, column 16: text that begins with * or & must be in quotes",
        ),
        (
            "config:\n  fixrx:owner: !Zk8q!Lw2v x\n",
            "is not valid YAML in line 2, column 16: found undefined tag handle other text",
        ),
        ("config: &a [*a]\n", "refers to itself or repeats too much; write the values out"),
        (
            "a: &a [1,1,1,1,1,1,1,1]\n"
            + "".join(
                f"{name}: &{name} [{','.join([f'*{before}'] * 8)}]\n"
                for before, name in zip("abcde", "bcdef", strict=True)
            ),
            "refers to itself or repeats too much; write the values out",
        ),
    ],
)
def test_file_that_is_no_stacks_file(tmp_path: Path, text: str, problem: str) -> None:
    assert problems_of(tmp_path, text) == [f"Pulumi.development.yaml: {problem}"]


def test_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.development.yaml"
    file.write_bytes(b"config: \xff\xfe")

    assert [str(problem) for problem in check_file(file)] == [
        "Pulumi.development.yaml: is not text in UTF-8; save it as UTF-8"
    ]
    assert [problem.what for problem in check_file(tmp_path)] == ["cannot be read: Is a directory"]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("2:00", '"2:00"'),
        ("no", '"no"'),
        ("True", "true"),
        ("017", "15"),
        ("0o17", "15"),
        ("0189", "189"),
        ("0x1F", "31"),
        ("1_000", "1000"),
        ("+5", "5"),
        ("12.0", "12"),
        ("1.10", "1.1"),
        ("1e3", "1000"),
        ("~", "null"),
        ("2026-01-01", '"2026-01-01 00:00:00 +0000 UTC"'),
        ('"18"', '"18"'),
        ("!!str 5", '"5"'),
    ],
)
def test_values_are_read_as_the_engine_reads_them(written: str, text: str) -> None:
    """Expected values from `pulumi config --json` of Pulumi 3.259.0."""
    assert json.dumps(read(f"key: {written}")) == f'[{{"key": {text}}}, []]'


def with_the_engines_numbers(value: Any) -> Any:
    """Go writes 12.0 as 12."""
    if isinstance(value, dict):
        return {key: with_the_engines_numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [with_the_engines_numbers(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@given(configurations)
def test_file_and_program_say_the_same(configuration: dict[str, Any]) -> None:
    keyed = {f"fixrx:{key}": value for key, value in configuration.items()}

    said = [str(problem) for problem in check_text("Pulumi.any.yaml", yaml.safe_dump({"config": keyed}), "any")]

    assert not re.search(VALIDATORS_WORDS, "\n".join(said))
    try:
        parse_settings(as_pulumi_hands_it_over(with_the_engines_numbers(configuration)), "any")
    except InvalidSettings as refusal:
        assert sorted(said) == sorted(str(problem) for problem in refusal.problems)
    else:
        assert said == []


@given(st.text(max_size=200))
def test_any_text_gives_problems(text: str) -> None:
    problems = check_text("Pulumi.any.yaml", text, "any")

    assert problems
    assert not re.search(VALIDATORS_WORDS, "\n".join(str(problem) for problem in problems))


@given(st.text(alphabet="fixrx:cache: {}[]&*<!-\n\t'\"#|>", max_size=60))
def test_any_text_below_config_gives_problems(text: str) -> None:
    assert check_text("Pulumi.any.yaml", f"config:\n  fixrx:cache: {text}", "any")
