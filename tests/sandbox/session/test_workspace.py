"""The settings that the engine gets: the user's own, without what only the user's keys could open."""

import json
from pathlib import Path

import pytest
import yaml

from sandbox.cluster.relay import KUBECONFIG_VARIABLE
from sandbox.session.console import UserError
from sandbox.session.processes import Account, Addresses, Processes
from sandbox.session.source import Source
from sandbox.session.workspace import Workspace

SETTINGS = """\
secretsprovider: awskms://alias/pulumi
encryptedkey: AQICAHh
encryptionsalt: v1:abc
config:
  fixrx:account: {id: "444455556666", region: eu-west-1}
  fixrx:token: {secure: v1:xyz}
  fixrx:dns:
    zone: example.com
    key: {secure: v1:uvw}
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    settings = tmp_path / "Pulumi.staging.yaml"
    settings.write_text(SETTINGS)
    return Workspace(tmp_path / "sandbox", Source.of("staging", settings, None))


@pytest.fixture
def on_kubernetes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr("sandbox.session.workspace.find", lambda _: tmp_path / "provider")
    settings = tmp_path / "Pulumi.kubernetes.yaml"
    settings.write_text(f"{SETTINGS}  fixrx:runtime: both\n")
    return Workspace(tmp_path / "sandbox", Source.of("kubernetes", settings, None))


def plugins(workspace: Workspace) -> set[str]:
    """What the engine is to run of its own, in place of what it would look for."""
    workspace.write_files()
    project = yaml.safe_load((workspace.home / "workspace" / "Pulumi.yaml").read_text())
    return {plugin["name"] for kind in project["plugins"].values() for plugin in kind}


def engines_copy(workspace: Workspace) -> Path:
    return workspace.home / "workspace" / "Pulumi.staging.yaml"


def test_account_comes_from_the_settings(workspace: Workspace) -> None:
    assert workspace.account == Account(id="444455556666", region="eu-west-1")


def test_encrypted_settings_are_taken_out_and_named(workspace: Workspace) -> None:
    assert workspace.write_files() == ["fixrx:token", "fixrx:dns.key"]
    assert yaml.safe_load(engines_copy(workspace).read_text()) == {
        "config": {
            "fixrx:account": {"id": "444455556666", "region": "eu-west-1"},
            "fixrx:dns": {"zone": "example.com"},
        }
    }


def test_scalars_are_copied_as_they_are_written(tmp_path: Path) -> None:
    """The engine reads YAML 1.2: what Python takes for a number in base 60, true or 16 has to reach it as it is."""
    settings = tmp_path / "settings.yaml"
    lines = [
        "start: 12:30",
        "answer: yes",
        "flags: 0x10",
        "day: 2026-11-26",
        'id: "0123"',
        "version: 1_000",
        "share: 1.",
    ]
    section = "".join(f"    {line}\n" for line in lines)
    settings.write_text(f"config:\n  fixrx:account:\n    id: 444455556666\n  fixrx:it:\n{section}")
    workspace = Workspace(tmp_path / "sandbox", Source.of("staging", settings, None))
    assert workspace.write_files() == []
    copied = [line.strip().replace("'", '"') for line in engines_copy(workspace).read_text().splitlines()]
    assert copied == ["config:", "fixrx:account:", "id: 444455556666", "fixrx:it:", *lines]


def test_users_settings_are_not_modified(workspace: Workspace) -> None:
    workspace.write_files()
    assert workspace.source.settings.read_text() == SETTINGS


def test_salt_of_the_sandbox_is_kept(workspace: Workspace) -> None:
    workspace.write_files()
    copy = engines_copy(workspace)
    copy.write_text(copy.read_text() + "encryptionsalt: v1:of-the-sandbox\n")
    workspace.write_files()
    assert yaml.safe_load(copy.read_text())["encryptionsalt"] == "v1:of-the-sandbox"


def test_lock_of_a_killed_engine_is_removed(workspace: Workspace) -> None:
    lock = workspace.home / "state" / ".pulumi" / "locks" / "organization" / "lock.json"
    lock.parent.mkdir(parents=True)
    lock.touch()
    workspace.write_files()
    assert not lock.exists()


def test_kubernetes_provider_runs_only_where_the_settings_ask_for_it(
    workspace: Workspace, on_kubernetes: Workspace
) -> None:
    addresses = Addresses(emulator_port=1, provider_port=2)
    assert plugins(workspace) == {"policy-python"}
    assert workspace.environment(addresses)["PULUMI_DEBUG_PROVIDERS"] == "aws:2,random:2,kubernetes:2"
    assert plugins(on_kubernetes) == {"policy-python", "kubernetes"}
    environment = on_kubernetes.environment(addresses)
    assert environment["PULUMI_DEBUG_PROVIDERS"] == "aws:2,random:2"
    assert environment[KUBECONFIG_VARIABLE] == str(on_kubernetes.processes.kubeconfig)
    relay = on_kubernetes.home.parent / "bin" / "pulumi-resource-kubernetes"
    assert relay.stat().st_mode & 0o777 == 0o700


def test_what_is_deployed_to_kubernetes_needs_the_cluster_still(workspace: Workspace) -> None:
    assert not workspace.needs_cluster
    write_state(workspace, "kubernetes:core/v1:Namespace")
    assert workspace.needs_cluster


def test_state_without_its_cluster_is_not_used(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Processes, "emulator_fits", lambda _: True)
    write_state(workspace, "aws:ec2/vpc:Vpc")
    workspace.require_emulator(changes=False)
    write_state(workspace, "kubernetes:core/v1:Namespace")
    with pytest.raises(UserError, match=r"^The cluster of staging has ended, and what it held is gone"):
        workspace.require_emulator(changes=False)
    workspace.require_emulator(changes=True)
    assert not workspace.home.exists()


def write_state(workspace: Workspace, token: str) -> None:
    """Writes the state of a stack with one resource, as the engine does."""
    file = workspace.home / "state" / ".pulumi" / "stacks" / "fixrx" / "staging.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    resources = [{"urn": "urn:pulumi:staging::fixrx::x::name", "type": token, "id": "name"}]
    file.write_text(json.dumps({"checkpoint": {"latest": {"resources": resources}}}))


def test_settings_that_are_not_yaml_are_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("config: [")
    with pytest.raises(UserError, match="cannot be read, because it is not valid YAML"):
        Source.of("staging", broken, None).account()
