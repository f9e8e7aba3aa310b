"""What the provider keeps or orders outside the emulator: values on the wire, the record, faults."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.provider import values
from sandbox.provider.faults import KILLED, Faults, InjectedError
from sandbox.provider.store import Record

SECRET = values.secret("hunter2-hunter2")

json_values = st.recursive(
    st.booleans() | st.integers(-(2**50), 2**50) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_values_survive_the_wire(properties: dict[str, object]) -> None:
    assert values.from_struct(values.to_struct(properties)) == properties


def test_whole_numbers_come_back_as_integers() -> None:
    assert repr(values.from_struct(values.to_struct({"a": 80.0, "b": [0.5]}))) == "{'a': 80, 'b': [0.5]}"


def test_secrets_are_removed_and_marked_again() -> None:
    given_inputs = {"a": SECRET, "b": [SECRET, "x"], "c": "x"}
    secrets = values.SecretValues()
    plain = secrets.decode(values.to_struct(given_inputs))
    assert plain == {"a": "hunter2-hunter2", "b": ["hunter2-hunter2", "x"], "c": "x"}
    assert secrets.mark({**plain, "url": "postgres://x:hunter2-hunter2@y", "other": "z"}) == {
        "a": SECRET,
        "b": values.secret(["hunter2-hunter2", "x"]),
        "c": "x",
        "url": values.secret("postgres://x:hunter2-hunter2@y"),
        "other": "z",
    }


def test_a_value_that_was_decoded_without_marks_does_not_make_others_secret() -> None:
    secrets = values.SecretValues()
    plain = values.decode(values.to_struct({"a": SECRET}))
    assert (secrets.found, secrets.mark(plain)) == (False, {"a": "hunter2-hunter2"})


def test_messages_contain_no_secret() -> None:
    secrets = values.SecretValues()
    secrets.decode(values.to_struct({"a": {"b": values.secret({"c": "top", "d": "top-most"})}}))
    assert secrets.redact("invalid: top-most, top") == "invalid: [secret], [secret]"


def test_a_record_outlives_its_process(tmp_path: Path) -> None:
    record = Record(tmp_path / "record.sqlite")
    record.put("kind", "key", {"a": [1, "b"]})
    record.put("kind", "other", {})
    record.delete("kind", "other")
    record.close()
    again = Record(tmp_path / "record.sqlite")
    found = (again.get("kind", "key"), again.get("kind", "other"))
    again.close()
    assert found == ({"a": [1, "b"]}, None)


def order(path: Path, **faults: object) -> Faults:
    path.write_text(json.dumps(faults), encoding="utf-8")
    return Faults(path)


def strikes(faults: Faults, operation: str, name: str, token: str = "aws:x:X") -> bool:
    try:
        with faults.around(operation, name, token):
            return False
    except InjectedError:
        return True


def test_faults_strike_by_name_type_or_everything(tmp_path: Path) -> None:
    faults = order(
        tmp_path / "faults.json", create={"a": {"error": "x"}, "aws:y:Y": {"error": "x"}}, delete={"*": {"error": "x"}}
    )
    assert [
        strikes(faults, "create", "a"),
        strikes(faults, "create", "b"),
        strikes(faults, "create", "b", "aws:y:Y"),
        strikes(faults, "update", "a"),
        strikes(faults, "delete", "anything"),
    ] == [True, False, True, False, True]


def test_faults_are_counted_across_processes(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    faults = order(path, create={"a": {"error": "x", "times": 2}})
    assert [strikes(faults, "create", "a"), strikes(Faults(path), "create", "a")] == [True, True]
    assert not strikes(Faults(path), "create", "a")


def test_without_a_file_there_is_no_fault(tmp_path: Path) -> None:
    assert not strikes(Faults(tmp_path / "faults.json"), "create", "a")


def test_a_delay_is_divided_by_the_speed_up(tmp_path: Path) -> None:
    faults = order(tmp_path / "faults.json", **{"create": {"a": {"delay": 600}}, "speed-up": 6000})
    started = time.monotonic()
    assert not strikes(faults, "create", "a")
    assert 0.1 <= time.monotonic() - started < 5


@pytest.mark.parametrize(("when", "done"), [("before", False), ("after", True)])
def test_a_kill_ends_the_process_before_or_after_the_work(tmp_path: Path, when: str, done: bool) -> None:
    path, mark = tmp_path / "faults.json", tmp_path / "mark"
    order(path, create={"a": {"kill": when}})
    program = (
        "import pathlib, sys\n"
        "from sandbox.provider.faults import Faults\n"
        "with Faults(pathlib.Path(sys.argv[1])).around('create', 'a', 'x'):\n"
        "    pathlib.Path(sys.argv[2]).touch()\n"
    )
    root = Path(__file__).parents[3]
    ended = subprocess.run([sys.executable, "-c", program, path, mark], cwd=root, check=False)
    assert (ended.returncode, mark.exists()) == (KILLED, done)
