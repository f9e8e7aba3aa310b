"""The check that the requirement files fit pyproject.toml: one deliberate flaw at a time."""

import shutil
from pathlib import Path

import pytest

from tools import checks, lock


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project's own files, which are sound."""
    for name in ("pyproject.toml", *(file.path for file in lock.LOCK_FILES)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(lock.ROOT / name, tmp_path / name)
    assert lock.problems(tmp_path) == []
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_new_dependency_without_a_pin_is_found(project: Path) -> None:
    edit(project / "pyproject.toml", "dependencies = [", 'dependencies = [\n    "httpx>=0.28",')
    assert lock.problems(project) == [
        "requirements.txt does not satisfy httpx>=0.28 of pyproject.toml",
        "requirements-dev.txt does not satisfy httpx>=0.28 of pyproject.toml",
    ]


def test_pin_outside_the_declared_range_is_found(project: Path) -> None:
    edit(project / "pyproject.toml", '"pytest-timeout>=2.4,<3"', '"pytest-timeout>=99"')
    assert lock.problems(project) == ["requirements-dev.txt does not satisfy pytest-timeout>=99 of pyproject.toml"]


def test_pin_that_differs_between_the_files_is_found(project: Path) -> None:
    edit(project / "requirements-dev.txt", "\nsemver==", "\nsemver==0.")
    assert lock.problems(project) == ["requirements-dev.txt does not pin semver as requirements.txt does"]


def test_missing_hash_is_found(project: Path) -> None:
    (project / "requirements.txt").write_text((project / "requirements.txt").read_text() + "extra==1.0\n")
    (project / "requirements-dev.txt").write_text((project / "requirements-dev.txt").read_text() + "extra==1.0\n")
    assert lock.problems(project) == [
        "requirements.txt has no hash for extra==1.0",
        "requirements-dev.txt has no hash for extra==1.0",
    ]


@pytest.mark.parametrize("line", ["--index-url https://mirror.example/simple", "--find-links wheels"])
def test_index_address_is_found(project: Path, line: str) -> None:
    path = project / "requirements.txt"
    path.write_text(f"{line}\n{path.read_text()}")
    assert lock.problems(project) == ["requirements.txt names an index or a host"]


def test_machine_paths_are_found(tmp_path: Path) -> None:
    (tmp_path / "clean.txt").write_text("./relative\n/etc/nginx/nginx.conf\n")
    (tmp_path / "dirty.txt").write_text(f"first\n{tmp_path}/file\n/home/somebody/file\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    files = [Path("clean.txt"), Path("dirty.txt"), Path("binary"), Path("deleted.txt")]
    assert checks.machine_paths(tmp_path, files, Path("/home/somebody")) == [
        "dirty.txt:2 holds an absolute path of this machine",
        "dirty.txt:3 holds an absolute path of this machine",
    ]
