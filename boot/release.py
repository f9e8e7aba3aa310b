"""The release that the machine runs: the sample backend, built by the project's own command and kept."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from boot import cache, image
from sandbox import Progress, UserError, console

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "tests" / "sample_backend"
NOT_SOURCE = ("node_modules", "dist")
_GIT = ("git", "-c", "user.name=FixRx", "-c", "user.email=boot@fixrx.invalid", "-c", "commit.gpgsign=false")
_COMMIT_DATE = "2026-01-01T00:00:00Z"
"""The same sources make the same commit, and so the same archive."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """An archive as it lies in the bucket."""

    name: str
    archive: Path
    sha256: str


def find(node_version: str) -> Release:
    """The sample's release for a major version of Node, built if need be. Raises UserError if it cannot be."""
    sources = [(name, content) for name, content in cache.files_below(SOURCE) if not name.startswith(NOT_SOURCE)]
    builder = [(f"delivery/{name}", content) for name, content in cache.files_below(ROOT / "delivery")]
    code = [entry for entry in builder if entry[0].endswith(".py")]
    entry = cache.directory() / f"release-{cache.key_of([*sources, *code, ('node', node_version.encode())])}"
    with cache.alone(entry):
        if not entry.exists():
            _build(entry, node_version)
        cache.used(entry)
    [archive] = entry.glob("*.tar.gz")
    return Release(
        name=archive.name.removesuffix(".tar.gz"),
        archive=archive,
        sha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
    )


def _build(entry: Path, node_version: str) -> None:
    with (
        Progress(console, "Building the sample release, once for all clones"),
        tempfile.TemporaryDirectory() as scratch,
    ):
        source, output = Path(scratch, "source"), Path(scratch, "output")
        shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns(*NOT_SOURCE))
        dated = {**os.environ, "GIT_AUTHOR_DATE": _COMMIT_DATE, "GIT_COMMITTER_DATE": _COMMIT_DATE}
        for command in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "Sample backend")):
            subprocess.run([*_GIT, *command], cwd=source, env=dated, check=True)
        node = image.node(node_version).parent
        build = [sys.executable, "-m", "delivery", "release", "build", "--source", str(source), "--output", str(output)]
        result = subprocess.run(
            build,
            cwd=ROOT,
            env={**os.environ, "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', os.defpath)}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise UserError(f"The sample release could not be built: {' '.join(result.stderr.split())}")
        finished = entry.with_name(f"{entry.name}.new")
        shutil.rmtree(finished, ignore_errors=True)
        shutil.copytree(output, finished)
        finished.replace(entry)
