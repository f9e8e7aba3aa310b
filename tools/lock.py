"""Pins the dependencies of pyproject.toml, with hashes, in the requirement files; verifies those without a network.

The verification holds the files against pyproject.toml and against each other. It does not resolve anything: whether a
newer version exists, or a dependency of a dependency has changed, is for `make lock` to find out.
"""

import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*])?==(?P<version>[^\s;]+)", re.MULTILINE)
_FOREIGN_LINE = re.compile(
    r"^\s*(?:-i|-f|--index-url|--extra-index-url|--find-links|--trusted-host)\b|://", re.MULTILINE
)


@dataclass(frozen=True, kw_only=True)
class LockFile:
    """One requirement file: where it is, what it pins, and how uv makes it."""

    path: str
    groups: tuple[str, ...] = ()
    with_project: bool = True
    constraint: str | None = None

    def declared(self, project: dict[str, Any]) -> list[Requirement]:
        """The requirements of pyproject.toml that this file has to satisfy."""
        lines: list[str] = list(project["project"]["dependencies"]) if self.with_project else []
        for group in self.groups:
            lines += project["dependency-groups"][group]
        return [Requirement(line) for line in lines]

    def command(self) -> list[str]:
        """The uv command that writes the file; it keeps existing pins that still satisfy pyproject.toml."""
        source = ["pyproject.toml"] if self.with_project else []
        groups = [part for group in self.groups for part in ("--group", group)]
        constraint = ["--constraint", self.constraint] if self.constraint else []
        return [
            *(sys.executable, "-m", "uv", "pip", "compile", *source, *groups, *constraint),
            *("--universal", "--python-version", "3.11", "--generate-hashes"),
            *("--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "make lock"),
            *("--quiet", "--output-file", self.path),
        ]


LOCK_FILES = (
    LockFile(path="requirements.txt"),
    LockFile(path="requirements-dev.txt", groups=("dev",), constraint="requirements.txt"),
    LockFile(path="sandbox/session/go/requirements-go.txt", groups=("go",), with_project=False),
)


def problems(root: Path) -> list[str]:
    """Everything in which the requirement files below `root` disagree with its pyproject.toml."""
    project = tomllib.loads((root / "pyproject.toml").read_text())
    found: list[str] = []
    pins: dict[str, dict[str, set[str]]] = {}
    for lock in LOCK_FILES:
        text = (root / lock.path).read_text()
        pins[lock.path] = _pins(text)
        found += _unsatisfied(lock, project, pins[lock.path])
        found += _without_hash(lock.path, text)
        if _FOREIGN_LINE.search(text):
            found.append(f"{lock.path} names an index or a host")
    for name, versions in pins["requirements.txt"].items():
        if pins["requirements-dev.txt"].get(name) != versions:
            found.append(f"requirements-dev.txt does not pin {name} as requirements.txt does")
    return found


def _pins(text: str) -> dict[str, set[str]]:
    pins: dict[str, set[str]] = {}
    for match in _PIN.finditer(text):
        pins.setdefault(canonicalize_name(match["name"]), set()).add(match["version"])
    return pins


def _unsatisfied(lock: LockFile, project: dict[str, Any], pins: dict[str, set[str]]) -> list[str]:
    found = []
    for requirement in lock.declared(project):
        versions = pins.get(canonicalize_name(requirement.name), set())
        if not versions or not all(requirement.specifier.contains(version) for version in versions):
            found.append(f"{lock.path} does not satisfy {requirement} of pyproject.toml")
    return found


def _without_hash(path: str, text: str) -> list[str]:
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)
    unhashed = [entry.split()[0] for entry in entries if _PIN.match(entry) and "--hash=sha256:" not in entry]
    return [f"{path} has no hash for {name}" for name in unhashed]


def main() -> int:
    """Writes every requirement file again."""
    for lock in LOCK_FILES:
        print(f"Pinning {lock.path} ...", flush=True)
        if subprocess.run(lock.command(), cwd=ROOT, check=False).returncode:
            print(
                f"error: {lock.path} was not written, because uv could not resolve the dependencies (see above): "
                "check the connection to PyPI and the version ranges in pyproject.toml.",
                file=sys.stderr,
            )
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
