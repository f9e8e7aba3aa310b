"""Backends to build: the sample, and a cheap one whose checks can be made to fail."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests import marks

SAMPLE = Path(__file__).parents[1] / "sample_backend"
MADE = frozenset({"node_modules", "dist"})
"""What a developer's npm leaves in the sample."""
COMMITTED_AT = "2026-11-26T08:00:00Z"

SCRIPTS: Mapping[str, str] = {
    "lint": "true",
    "type-check": "true",
    "test": "true",
    "build": "mkdir -p dist && cp server.js dist/server.js",
    "migrate:production": "true",
    "migrate:status": "true",
}


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Backend", "-c", "user.email=backend@example.com"]
    environment = {**os.environ, "GIT_COMMITTER_DATE": COMMITTED_AT, "GIT_AUTHOR_DATE": COMMITTED_AT}
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment, timeout=60).stdout


def commit(folder: Path) -> str:
    """Make a folder a repository with one commit of all its files, and return the commit."""
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "A release")
    return git(folder, "rev-parse", "HEAD").strip()


def sample_backend(folder: Path) -> Path:
    """The sample, as a repository of its own."""
    marks.require("npm")
    shutil.copytree(SAMPLE, folder, ignore=lambda _, names: MADE & set(names))
    commit(folder)
    return folder


def write_backend(folder: Path) -> Path:
    """A backend whose only package, pm2, is a file of its own: nothing is fetched, and a build takes seconds."""
    folder.mkdir(parents=True)
    content = {
        "name": "backend",
        "version": "1.4.0",
        "scripts": dict(SCRIPTS),
        "dependencies": {"pm2": "file:pm2.tgz"},
    }
    (folder / "package.json").write_text(json.dumps(content))
    (folder / "server.js").write_text("console.log('serving');\n")
    _pack_pm2(folder)
    _npm(folder, "install", "--package-lock-only", "--ignore-scripts")
    return folder


def change_package(folder: Path, scripts: Mapping[str, str | None], **entries: object) -> None:
    """Replace scripts (None leaves one out) and other entries of package.json."""
    file = folder / "package.json"
    content = json.loads(file.read_text())
    changed = {**content["scripts"], **scripts}
    content["scripts"] = {name: line for name, line in changed.items() if line is not None}
    file.write_text(json.dumps({**content, **entries}))


def write_npm(folder: Path, report: str, exit_status: int) -> Path:
    """An npm that answers `audit` itself, as a registry would, and hands everything else to the real one."""
    real = shutil.which("npm")
    assert real is not None
    folder.mkdir()
    (folder / "report").write_text(report)
    command = folder / "npm"
    command.write_text(
        f'#!/bin/sh\nif [ "$1" = audit ]; then cat {folder}/report; exit {exit_status}; fi\nexec {real} "$@"\n'
    )
    command.chmod(0o755)
    return folder


def _pack_pm2(folder: Path) -> None:
    """A package with pm2's name and command, and an install script that leaves a mark."""
    source = folder.parent / f"{folder.name}-pm2"
    source.mkdir()
    content = {
        "name": "pm2",
        "version": "7.0.4",
        "bin": {"pm2-runtime": "runtime.js"},
        "scripts": {"install": "echo installed > mark"},
    }
    (source / "package.json").write_text(json.dumps(content))
    (source / "runtime.js").write_text("#!/usr/bin/env node\n")
    _npm(source, "pack", "--silent", "--pack-destination", str(folder))
    (folder / "pm2-7.0.4.tgz").rename(folder / "pm2.tgz")


def _npm(folder: Path, *arguments: str) -> None:
    marks.require("npm")
    command = ["npm", *arguments, "--no-audit", "--no-fund", "--offline"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
