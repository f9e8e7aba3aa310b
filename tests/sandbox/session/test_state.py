"""What a user and other programs read of a deployed state: never a secret."""

import json
from pathlib import Path
from typing import Any

from sandbox.session.state import State


def state_of(*resources: dict[str, Any], **more: Any) -> State:
    return State({"resources": list(resources), **more})


def test_secret_outputs_are_masked_wherever_they_are() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}
    stack = {
        "type": "pulumi:pulumi:Stack",
        "outputs": {"url": "https://x", "token": secret, "all": [{"inner": secret}]},
    }
    other = {"type": "aws:s3/bucket:Bucket", "outputs": {"bucket": "logs"}}
    assert state_of(other, stack).outputs() == {"all": [{"inner": "[secret]"}], "token": "[secret]", "url": "https://x"}


def test_empty_state_has_no_outputs() -> None:
    assert State({}).outputs() == {}
    assert State({}).resources == []


def test_resources_are_known_by_type_and_id() -> None:
    component = {"type": "fixrx:components:Dns"}
    bucket = {"type": "aws:s3/bucket:Bucket", "id": "logs"}
    replaced = {"type": "aws:s3/bucket:Bucket", "id": "old-logs", "delete": True}
    assert state_of(component, bucket, replaced).known == {
        ("aws:s3/bucket:Bucket", "logs"),
        ("aws:s3/bucket:Bucket", "old-logs"),
    }


def test_state_is_read_from_the_engines_file(tmp_path: Path) -> None:
    file = tmp_path / ".pulumi" / "stacks" / "fixrx" / "staging.json"
    file.parent.mkdir(parents=True)
    deployment = {"resources": [{"type": "pulumi:pulumi:Stack"}], "pending_operations": [{"type": "creating"}]}
    file.write_text(json.dumps({"version": 3, "checkpoint": {"stack": "staging", "latest": deployment}}))
    state = State.of(tmp_path, "staging")
    assert state.interrupted
    assert state.export() == {"version": 3, "deployment": deployment}
    assert State.of(tmp_path, "production").resources == []
