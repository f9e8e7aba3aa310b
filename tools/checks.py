"""The checks of `make check` that no linter does: the lock fits pyproject.toml, and the files work on any machine."""

import subprocess
import sys
from pathlib import Path

from tools import lock


def machine_paths(root: Path, files: list[Path], home: Path) -> list[str]:
    """Every line of `files` that holds an absolute path of this machine: of the checkout or of its user's home."""
    found = []
    for file in files:
        try:
            lines = (root / file).read_text().splitlines()
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        for number, line in enumerate(lines, start=1):
            if f"{root}" in line or f"{home}/" in line:
                found.append(f"{file}:{number} holds an absolute path of this machine")
    return found


def project_files(root: Path) -> list[Path]:
    """The files of the project: what git tracks or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=root, capture_output=True, check=True, text=True).stdout
    return [Path(name) for name in listing.split("\0") if name]


def main() -> int:
    """Prints what is wrong, one line each; the exit status says whether there was anything."""
    lock_problems = lock.problems(lock.ROOT)
    found = lock_problems + machine_paths(lock.ROOT, project_files(lock.ROOT), Path.home())
    for problem in found:
        print(f"error: {problem}", file=sys.stderr)
    if lock_problems:
        print("The lock no longer fits pyproject.toml: run `make lock`.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
