"""The user's cache folder: what was built once, found again by what it was built from."""

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

DAYS_KEPT = 30
"""An entry that nobody has used for so long is deleted when a new one is made."""


def directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Where everything is kept, by the XDG convention."""
    base = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "fixrx-infrastructure" / "boot"


def key_of(inputs: Iterable[tuple[str, bytes]]) -> str:
    """A name for a result, which any change of a named input changes."""
    digest = hashlib.sha256()
    for name, content in sorted(inputs):
        for part in (name.encode(), content):
            digest.update(len(part).to_bytes(8))
            digest.update(part)
    return digest.hexdigest()[:16]


def files_below(folder: Path) -> list[tuple[str, bytes]]:
    """Every file of a folder as an input: its path in the folder, and its content."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(str(path.relative_to(folder)), path.read_bytes()) for path in found]


@contextmanager
def alone(entry: Path) -> Iterator[None]:
    """Keeps two commands from making the same entry at once: the second waits for the first."""
    entry.parent.mkdir(parents=True, exist_ok=True)
    with entry.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def used(entry: Path) -> None:
    """Notes that an entry is in use, and deletes those of the same kind that nobody has used for long."""
    entry.touch()
    kind = entry.name.rpartition("-")[0]
    oldest = time.time() - DAYS_KEPT * 24 * 3600
    for other in entry.parent.glob(f"{kind}-*"):
        if other != entry and other.is_dir() and other.stat().st_mtime < oldest:
            shutil.rmtree(other, ignore_errors=True)
