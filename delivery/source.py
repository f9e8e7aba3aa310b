"""The checkout that a release is built from: one commit, and nothing that is not in it."""

import io
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.access import CommandError

SHOWN_FILES = 5


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A clean folder of a git repository, which may be a part of it."""

    folder: Path
    commit: str
    committed_at: int
    """In seconds since 1970: the time of every file in the archive."""

    def export(self, target: Path) -> None:
        """Write the commit's files of the folder into an empty folder. Raises CommandError."""
        content = _git(self.folder, "archive", "--format=tar", self.commit, ".")
        try:
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                archive.extractall(target, filter="data")
        except tarfile.FilterError as error:
            raise CommandError(
                f"{error.tarinfo.name} is a link to a place outside of the checkout; remove it."
            ) from None
        if (target / ".gitmodules").exists():
            raise CommandError(
                "The backend has submodules, and a commit does not contain their files: replace them by packages."
            )


def find_checkout(folder: Path) -> Checkout:
    """Look at a folder. Raises CommandError if it is in no git repository, has no commit, or differs from it."""
    if not folder.is_dir():
        raise CommandError(f"{folder} is no folder; give the backend's checkout with --source.")
    changed = _git(folder, "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--", ".")
    if changed:
        raise CommandError(_uncommitted([entry[3:] for entry in changed.decode(errors="replace").split("\0") if entry]))
    commit, committed_at = _git(folder, "show", "--no-patch", "--format=%H %ct", "HEAD").decode().split()
    return Checkout(folder=folder, commit=commit, committed_at=int(committed_at))


def _uncommitted(names: Sequence[str]) -> str:
    shown = ", ".join(names[:SHOWN_FILES])
    more = f" and {len(names) - SHOWN_FILES} more" if len(names) > SHOWN_FILES else ""
    return f"A release is one commit, and these changes are not committed: {shown}{more}. Commit or remove them."


def _git(folder: Path, *arguments: str) -> bytes:
    try:
        result = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise CommandError("git is needed and was not found; install it.") from None
    if result.returncode:
        reason = result.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise CommandError(f"git cannot read the commit in {folder}: {reason[0].removeprefix('fatal: ')}.")
    return result.stdout
