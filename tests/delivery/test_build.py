"""Releases built by the real npm: the same twice, and none at all when a check fails."""

import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bootstrap.access import CommandError
from bootstrap.stack_file import read_stack_file
from components.shared.instance_types import Architecture
from delivery.archive import read_manifest
from delivery.build import Built, build, check_servers
from delivery.checks import CheckFailed, audit
from delivery.node import Node
from delivery.source import find_checkout
from tests.delivery.backend import change_package, commit, git, sample_backend, write_backend, write_npm

pytestmark = [pytest.mark.npm, pytest.mark.timeout(600)]

CLEAN = json.dumps({"metadata": {"vulnerabilities": {"low": 2, "moderate": 1, "high": 0, "critical": 0}}})
FINDING = json.dumps(
    {
        "vulnerabilities": {"ws": {"severity": "high", "range": "<8.17.1"}, "ms": {"severity": "low", "range": "<2"}},
        "metadata": {"vulnerabilities": {"low": 1, "high": 1, "critical": 0}},
    }
)
BROKEN = json.dumps({"message": "405 Method Not Allowed", "error": {"summary": "", "detail": ""}})
Make = Callable[[], Path]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backend that passes every check; made once, because npm takes a second for each command."""
    return write_backend(tmp_path_factory.mktemp("backend") / "backend")


@pytest.fixture
def backend(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy without a commit, and a registry that finds nothing serious."""
    answer_audit(tmp_path, monkeypatch, CLEAN, 0)
    folder: Path = shutil.copytree(template, tmp_path / "backend")
    return folder


def answer_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report: str, exit_status: int) -> None:
    folder = tmp_path / f"npm-{len(list(tmp_path.iterdir()))}"
    monkeypatch.setenv("PATH", f"{write_npm(folder, report, exit_status)}{os.pathsep}{os.environ['PATH']}")


def build_it(source: Path, output: Path, release: str | None = None) -> Built:
    return build(find_checkout(source), output, release, None)


def contents(archive: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(archive) as content:
        return {member.name: member for member in content}


def test_the_sample_is_the_same_twice_in_other_folders_and_at_another_umask(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = build_it(sample_backend(tmp_path / "one"), tmp_path / "first")
    before = os.umask(0o077)
    try:
        second = build_it(sample_backend(tmp_path / "another" / "place"), tmp_path / "second")
    finally:
        os.umask(before)

    assert second.sha256 == first.sha256
    assert second.archive.read_bytes() == first.archive.read_bytes()
    assert "will not be the same twice" not in capsys.readouterr().err
    found = contents(first.archive)
    assert {
        "dist/server.js",
        "node_modules/.bin/pm2-runtime",
        "node_modules/ws/package.json",
        "migrations/001-patients.sql",
    } <= set(found)
    tools = ("node_modules/typescript/", "node_modules/@typescript/", "node_modules/oxlint/", "node_modules/@types/")
    assert [name for name in found if name.startswith(tools)] == []
    assert first.archive.stat().st_size < 10_000_000


SECRETS = ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "npm_config__authToken")
UNTIDY = {
    "lint": "date +%N > cache",
    "test": "mkdir -p coverage dist && date +%N > dist/report",
    "build": "mkdir -p dist && env | grep -v fixrx-release- > dist/server.js",
}


@pytest.fixture(scope="module")
def releases(template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Built, Built]:
    """Two releases of one commit, whose checks leave files behind and whose build notes what it sees of the caller."""
    folder = tmp_path_factory.mktemp("releases")
    backend: Path = shutil.copytree(template, folder / "backend")
    change_package(backend, dict(UNTIDY))
    commit(backend)
    with pytest.MonkeyPatch.context() as patch:
        answer_audit(folder, patch, CLEAN, 0)
        for name in SECRETS:
            patch.setenv(name, "a-secret")
        return build_it(backend, folder / "first"), build_it(backend, folder / "second", release="2026-11-26.1")


def test_the_manifest_tells_what_was_built_and_checked(releases: tuple[Built, Built], tmp_path: Path) -> None:
    built, _ = releases
    node = Node(folder=tmp_path, committed_at=0)

    assert read_manifest(built.archive) == built.manifest
    assert built.manifest.model_dump() == {
        "release": "1.4.0",
        "commit": git(built.archive.parents[1] / "backend", "rev-parse", "HEAD").strip(),
        "node": node.version(),
        "npm": node.npm_version(),
        "arch": {"x86_64": Architecture.X86_64, "aarch64": Architecture.ARM64}[os.uname().machine],
        "install_scripts": [],
        "checks": {"lint": "passed", "type-check": "passed", "audit": "passed", "test": "passed", "build": "passed"},
    }
    assert built.archive.with_name("1.4.0.tar.gz.sha256").read_text() == f"{built.sha256}  1.4.0.tar.gz\n"


def test_another_name_than_the_version_can_be_given_and_is_all_that_differs(releases: tuple[Built, Built]) -> None:
    first, second = releases

    assert (second.archive.name, second.manifest.release) == ("2026-11-26.1.tar.gz", "2026-11-26.1")
    assert second.manifest.model_copy(update={"release": "1.4.0"}) == first.manifest
    assert {name: each.size for name, each in contents(second.archive).items() if name != "release.json"} == {
        name: each.size for name, each in contents(first.archive).items() if name != "release.json"
    }


def test_every_entry_has_the_commits_time_and_no_owner(releases: tuple[Built, Built]) -> None:
    found = contents(releases[0].archive)

    assert {(each.mtime, each.uid, each.gid, each.uname, each.gname) for each in found.values()} == {
        (1795680000, 0, 0, "", "")
    }
    modes = {name: each.mode for name, each in found.items() if each.isfile()}
    assert set(modes.values()) == {0o644, 0o755}
    assert modes["node_modules/pm2/runtime.js"] == 0o755


def test_what_checks_leave_behind_is_not_in_the_release(releases: tuple[Built, Built]) -> None:
    assert {"cache", "coverage", "dist/report"}.isdisjoint(contents(releases[0].archive))


def test_scripts_see_no_credential_of_the_caller(releases: tuple[Built, Built]) -> None:
    with tarfile.open(releases[0].archive) as archive:
        file = archive.extractfile("dist/server.js")
        assert file is not None
        seen = file.read().decode()

    assert "a-secret" not in seen
    assert "SOURCE_DATE_EPOCH=1795680000\n" in seen


@pytest.mark.parametrize("name", ["lint", "type-check", "test", "build"])
@pytest.mark.parametrize("line", ["echo this is why && exit 1", None], ids=["fails", "missing"])
def test_a_failing_or_missing_check_stops_the_release(
    backend: Path, tmp_path: Path, name: str, line: str | None
) -> None:
    change_package(backend, {name: line})
    commit(backend)

    with pytest.raises(CheckFailed) as raised:
        build_it(backend, tmp_path / "out")

    assert raised.value.name == name
    assert str(raised.value).startswith(f"The check {name} failed, and no release was built.\n")
    assert ("this is why" if line else "Missing script") in str(raised.value)
    assert not (tmp_path / "out").exists()


def test_only_the_last_lines_of_a_failing_check_are_shown(backend: Path, tmp_path: Path) -> None:
    change_package(backend, {"lint": "seq 1 500 && exit 1"})
    commit(backend)

    with pytest.raises(CheckFailed) as raised:
        build_it(backend, tmp_path / "out")

    assert "  500\n" in f"{raised.value}\n"
    assert len(str(raised.value).splitlines()) == 26


def test_a_lock_that_does_not_fit_stops_the_release(backend: Path, tmp_path: Path) -> None:
    change_package(backend, {}, dependencies={"pm2": "file:pm2.tgz", "ws": "8.23.0"})
    commit(backend)

    with pytest.raises(CheckFailed, match=r"The check install failed(.|\n)*npm install"):
        build_it(backend, tmp_path / "out")


def test_a_serious_vulnerability_stops_the_release(
    backend: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_audit(tmp_path, monkeypatch, FINDING, 1)
    commit(backend)

    with pytest.raises(
        CheckFailed, match=r"^The check audit failed, and no release was built\.\n  ws <8\.17\.1: high$"
    ):
        build_it(backend, tmp_path / "out")


def test_a_registry_that_cannot_answer_is_said_and_recorded(
    backend: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer_audit(tmp_path, monkeypatch, BROKEN, 1)
    commit(backend)

    built = build_it(backend, tmp_path / "out")

    assert built.manifest.checks["audit"] == "not answered by the registry"
    assert "because the registry did not answer: 405 Method Not Allowed." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("report", "exit_status", "result"),
    [
        (CLEAN, 0, "passed"),
        (CLEAN, 1, "failed"),
        (FINDING, 0, "failed"),
        (FINDING.replace("high", "critical"), 1, "failed"),
        (BROKEN, 1, "not answered by the registry"),
        ("<html>Bad gateway</html>", 1, "not answered by the registry"),
        ("", 1, "not answered by the registry"),
        ("[]", 1, "not answered by the registry"),
        ('{"metadata": null}', 1, "not answered by the registry"),
        ('{"error": "no such registry"}', 1, "not answered by the registry"),
    ],
)
def test_npms_report_decides_and_not_its_exit_status_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report: str, exit_status: int, result: str
) -> None:
    answer_audit(tmp_path, monkeypatch, report, exit_status)

    try:
        found = audit(Node(folder=tmp_path, committed_at=0))
    except CheckFailed:
        found = "failed"

    assert found == result


def test_an_audit_is_of_production_only(backend: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in for npm answers to whatever is asked, so what is asked is looked at here."""
    folder = tmp_path / "asked"
    folder.mkdir()
    (folder / "npm").write_text(f'#!/bin/sh\necho "$@" > {folder}/arguments\necho "{{}}"\n')
    (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    audit(Node(folder=backend, committed_at=0))
    assert (folder / "arguments").read_text() == "audit --json --omit=dev --audit-level=high\n"


@pytest.mark.parametrize("line", ["true", "mkdir -p dist/server.js"], ids=["nothing", "a folder"])
def test_a_release_that_no_server_could_start_is_not_made(backend: Path, tmp_path: Path, line: str) -> None:
    change_package(backend, {"build": line})
    commit(backend)

    with pytest.raises(CheckFailed, match=r"The check contents failed(.|\n)*  dist/server\.js: "):
        build_it(backend, tmp_path / "out")


def test_pm2_of_the_development_dependencies_is_not_in_the_release(backend: Path, tmp_path: Path) -> None:
    change_package(backend, {}, dependencies={}, devDependencies={"pm2": "file:pm2.tgz"})
    lock = json.loads((backend / "package-lock.json").read_text())
    lock["packages"][""] |= {"dependencies": {}, "devDependencies": {"pm2": "file:pm2.tgz"}}
    lock["packages"]["node_modules/pm2"]["dev"] = True
    (backend / "package-lock.json").write_text(json.dumps(lock))
    commit(backend)

    with pytest.raises(CheckFailed, match=r"add pm2 to the dependencies of package\.json"):
        build_it(backend, tmp_path / "out")


@pytest.mark.parametrize("name", ["migrate:production", "migrate:status"])
def test_a_backend_without_a_migration_command_is_refused(backend: Path, tmp_path: Path, name: str) -> None:
    change_package(backend, {name: None})
    commit(backend)

    with pytest.raises(CommandError, match=rf"^package.json has no script {name}, and a deployment runs it"):
        build_it(backend, tmp_path / "out")


def test_install_scripts_run_only_for_the_packages_that_were_chosen(
    backend: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit(backend)
    without = build_it(backend, tmp_path / "without")
    assert "not run: pm2." in capsys.readouterr().err
    change_package(backend, {}, fixrx={"installScripts": ["pm2"]})
    git(backend, "commit", "--quiet", "--all", "--message", "pm2's script")

    with_script = build_it(backend, tmp_path / "with")

    assert "not run" not in capsys.readouterr().err
    assert "node_modules/pm2/mark" not in contents(without.archive)
    assert "node_modules/pm2/mark" in contents(with_script.archive)
    assert with_script.manifest.install_scripts == ["pm2"]


@pytest.mark.parametrize("allowed", ["pm2", [1], {"pm2": True}])
def test_a_list_of_install_scripts_that_is_none_is_refused(backend: Path, tmp_path: Path, allowed: object) -> None:
    change_package(backend, {}, fixrx={"installScripts": allowed})
    commit(backend)

    with pytest.raises(CommandError, match=r"^`fixrx.installScripts` in package.json is no list of packages"):
        build_it(backend, tmp_path / "out")


def test_an_install_script_of_a_package_that_is_not_there_is_refused(backend: Path, tmp_path: Path) -> None:
    change_package(backend, {}, fixrx={"installScripts": ["bcrypt"]})
    commit(backend)

    with pytest.raises(CommandError, match="names bcrypt, which is not installed"):
        build_it(backend, tmp_path / "out")


def test_a_build_that_names_its_folder_is_said(
    backend: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change_package(backend, {"build": "mkdir -p dist && pwd > dist/server.js"})
    commit(backend)

    build_it(backend, tmp_path / "out")

    assert "the build's folder is named in dist/server.js." in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../1.0.0", ".hidden", "a b", "x" * 65])
def test_a_name_that_no_stack_could_pin_is_refused(backend: Path, tmp_path: Path, name: str) -> None:
    commit(backend)

    with pytest.raises(CommandError, match=r"^The name of the release is "):
        build_it(backend, tmp_path / "out", release=name)


def test_a_machine_that_is_not_as_the_servers_builds_nothing(backend: Path, tmp_path: Path) -> None:
    commit(backend)
    node = Node(folder=tmp_path, committed_at=0)
    servers = read_stack_file("production").settings
    other = {Architecture.ARM64: Architecture.X86_64, Architecture.X86_64: Architecture.ARM64}[node.architecture()]
    changed = {"node_version": node.version().partition(".")[0], "image_architecture": other}
    servers = servers.model_copy(update={"app_servers": servers.app_servers.model_copy(update=changed)})

    with pytest.raises(CommandError, match=f"servers are {other}"):
        build(find_checkout(backend), tmp_path / "out", None, servers)

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("node", "architecture", "sentence"),
    [
        (
            "22",
            "arm64",
            "The release is built with Node 22, and production's servers have 24 (app_servers.node_version): build it "
            "with that one.",
        ),
        (
            "24",
            "x86_64",
            "The release is built for x86_64, and production's servers are arm64 (app_servers.image_architecture): "
            "build it on such a machine.",
        ),
        ("24", "arm64", None),
    ],
)
def test_a_release_fits_servers_of_its_node_and_architecture(
    node: str, architecture: str, sentence: str | None
) -> None:
    servers = read_stack_file("production").settings
    if sentence is None:
        check_servers(node, architecture, servers)
        return
    with pytest.raises(CommandError) as raised:
        check_servers(node, architecture, servers)
    assert str(raised.value) == sentence


def test_without_node_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CommandError, match=r"^node is needed and was not found; install Node, with npm\.$"):
        Node(folder=tmp_path, committed_at=0).version()
