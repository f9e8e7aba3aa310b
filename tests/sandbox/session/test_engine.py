"""The engine finder: what it accepts, in which order it looks, and what it says when nothing works.

Nothing is downloaded or built here; the real build is proven by every fresh clone that runs the end-to-end tests.
"""

import platform
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
from semver import VersionInfo

from sandbox.session import engine
from sandbox.session.console import UserError
from sandbox.session.engine import ACTIONLINT, CLUSTER, KUBERNETES_PROVIDER, PULUMI, NotObtainedError, Tool

PINNED = PULUMI.pinned()


def executable(directory: Path, name: str, version: str) -> Path:
    """A program that answers every call with a version."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return path


def unobtainable(*_: object) -> None:
    raise NotObtainedError("the cable is cut")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"PATH": str(tmp_path / "bin"), "XDG_CACHE_HOME": str(tmp_path / "cache")}


@pytest.fixture(autouse=True)
def closed_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_install", unobtainable)
    monkeypatch.setattr(engine, "_build", unobtainable)


def cached(tool: Tool, environment: dict[str, str]) -> Path:
    home = engine.cache_directory(environment)
    name = f"{tool.name}-v{tool.pinned()}-{platform.system()}-{platform.machine()}"
    return executable(home / name / "bin", tool.name, f"v{tool.pinned()}")


def test_pins_come_from_the_go_modules() -> None:
    assert VersionInfo(3, 259, 0) == PULUMI.pinned()
    assert VersionInfo(1, 7, 12) == ACTIONLINT.pinned()
    assert VersionInfo(1, 37, 2) == CLUSTER.pinned()


def test_provider_is_the_release_that_the_program_asks_for() -> None:
    """The module has the commit of a release; a newer SDK asks the engine for a newer provider."""
    main = (KUBERNETES_PROVIDER.directory / "main.go").read_text()
    assert f'const version = "{version("pulumi-kubernetes")}"' in main


def test_named_engine_wins_over_path(environment: dict[str, str], tmp_path: Path) -> None:
    executable(tmp_path / "bin", "pulumi", f"v{PINNED}")
    named = executable(tmp_path / "elsewhere", "my-pulumi", f"v{PINNED}")
    assert engine.find(PULUMI, environment={**environment, "FIXRX_PULUMI": str(named)}) == named


@pytest.mark.parametrize(
    ("version", "reason"),
    [("v3.100.0", "has version 3.100.0"), ("v4.0.0", "has version 4.0.0"), ("nonsense", "does not run")],
)
def test_named_engine_that_will_not_do_is_refused(
    environment: dict[str, str], tmp_path: Path, version: str, reason: str
) -> None:
    named = executable(tmp_path / "elsewhere", "pulumi", version)
    with pytest.raises(UserError) as error:
        engine.find(PULUMI, environment={**environment, "FIXRX_PULUMI": str(named)})
    assert str(error.value) == (
        f"FIXRX_PULUMI names {named}, which cannot be used because it {reason}: "
        f"name the Pulumi engine in version {PINNED} or newer, or unset the variable."
    )


def test_named_engine_that_is_missing_is_refused(environment: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not run"):
        engine.find(PULUMI, environment={**environment, "FIXRX_PULUMI": str(tmp_path / "nothing")})


@pytest.mark.parametrize("version", [f"v{PINNED}", "v3.300.1"])
def test_engine_on_path_is_used(environment: dict[str, str], tmp_path: Path, version: str) -> None:
    present = executable(tmp_path / "bin", "pulumi", version)
    cached(PULUMI, environment)
    assert engine.find(PULUMI, environment=environment) == present


@pytest.mark.parametrize("version", ["v3.258.9", "v4.1.0", "garbage"])
def test_unfit_engine_on_path_is_passed_over(environment: dict[str, str], tmp_path: Path, version: str) -> None:
    executable(tmp_path / "bin", "pulumi", version)
    kept = cached(PULUMI, environment)
    assert engine.find(PULUMI, environment=environment) == kept


def test_installer_is_asked_before_anything_is_built(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_install", lambda tool, home: executable(home / "bin", tool.name, "v0.0.0"))
    found = engine.find(PULUMI, environment=environment)
    assert found.parent.parent.parent == engine.cache_directory(environment)


def test_engine_is_built_where_the_installer_cannot_be_reached(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Tool] = []

    def build(tool: Tool, home: Path, _: object) -> None:
        built.append(tool)
        executable(home / "bin", tool.name, "v0.0.0")

    monkeypatch.setattr(engine, "_build", build)
    first = engine.find(PULUMI, environment=environment)
    second = engine.find(PULUMI, environment=environment)
    assert first == second
    assert built == [PULUMI], "the second clone must find what the first has built"


def test_actionlint_has_no_installer(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_install", lambda *_: pytest.fail("there is no installer of actionlint"))
    with pytest.raises(UserError, match=r"actionlint 1\.7\.12 is needed and was not found: it could not be built"):
        engine.find(ACTIONLINT, environment=environment)


def test_program_made_for_the_sandbox_is_not_looked_for_elsewhere(environment: dict[str, str], tmp_path: Path) -> None:
    executable(tmp_path / "bin", CLUSTER.name, "v9.9.9")
    with pytest.raises(UserError) as error:
        engine.find(CLUSTER, environment=environment)
    assert str(error.value) == (
        "cluster 1.37.2 is needed and was not found: it could not be built (the cable is cut). "
        "Open the network to one of these sources."
    )


def test_changed_source_is_built_anew(tmp_path: Path) -> None:
    copy = replace(CLUSTER, directory=tmp_path)
    for file in CLUSTER.directory.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert copy.key() == CLUSTER.key()
    (tmp_path / "main.go").write_text("package main\n")
    assert copy.key() != CLUSTER.key()


def test_control_plane_knows_its_version() -> None:
    """Without it the API server calls itself v0.0.0, and clients judge by that what it can do."""
    (link,) = [flag for flag in engine._build_flags(CLUSTER) if flag.startswith("-ldflags=")]
    symbols = {part.partition("=")[::2] for part in link.split(" ") if "version." in part}
    assert symbols == {
        ("k8s.io/component-base/version.gitVersion", "v1.37.2"),
        ("k8s.io/component-base/version.gitMajor", "1"),
        ("k8s.io/component-base/version.gitMinor", "37"),
    }


def test_failure_says_what_was_tried_and_what_to_do(environment: dict[str, str]) -> None:
    with pytest.raises(UserError) as error:
        engine.find(PULUMI, environment=environment)
    assert str(error.value) == (
        "pulumi 3.259.0 is needed and was not found: it could not be downloaded (the cable is cut), "
        "and it could not be built (the cable is cut). Open the network to one of these sources, "
        "or install it yourself and name it with FIXRX_PULUMI."
    )


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ('go: x: Get "https://proxy": dial tcp: lookup proxy: no such host', "the Go module proxy does not answer: "),
        ("./main.go:3:1: syntax error", "the Go compiler reported: ./main.go:3:1: syntax error"),
    ],
)
def test_reason_of_a_failed_build(log: str, reason: str) -> None:
    assert engine._failure(f"go: downloading something v1.0.0\n{log}").startswith(reason)


def test_full_disk_ends_a_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.session.engine.disk_full", lambda place: place == tmp_path)
    engine._require_space(tmp_path / "missing")
    with pytest.raises(UserError, match=f"Nothing more can be written to {tmp_path}, because the disk is full"):
        engine._require_space(tmp_path / "missing", tmp_path)


def test_go_on_path_is_used_if_it_is_new_enough(environment: dict[str, str], tmp_path: Path) -> None:
    go = executable(tmp_path / "bin", "go", "go version go1.26.3 linux/amd64")
    assert engine._go(PULUMI, environment) == go


def test_go_is_installed_where_it_is_too_old(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable(tmp_path / "bin", "go", "go version go1.19.8 linux/amd64")
    python = tmp_path / "venv" / "bin" / "python"
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(
        engine, "_install_go", lambda: executable(python.parent, "go", "go version go1.26.6 linux/amd64")
    )
    assert engine._go(PULUMI, environment) == python.parent / "go"


def test_go_that_cannot_be_installed_is_a_reason(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    failed = subprocess.CompletedProcess([], 1, stdout="", stderr="trying\nerror: no route to the index\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(NotObtainedError, match=r"could not be installed .*: error: no route to the index"):
        engine._install_go()
