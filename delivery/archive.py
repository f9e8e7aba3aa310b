"""The archive of a release: the same bytes from the same files, whoever packs them, whenever."""

import gzip
import hashlib
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

from bootstrap.access import CommandError
from delivery.manifest import FILE_NAME, Manifest, parse_manifest

LEFT_OUT = frozenset({"node_modules/.package-lock.json", "node_modules/.cache"})
"""What npm and builds note for themselves: not the same twice, and of no use on a server."""
COMPRESSION = 9
DIRECTORY_MODE = EXECUTABLE_MODE = 0o755
FILE_MODE = 0o644
LARGEST_MANIFEST = 1_000_000
"""In bytes."""


def write_archive(folder: Path, target: Path, modified_at: int) -> str:
    """Pack a folder and return the SHA-256 of the archive. `modified_at` is the time of every file, in seconds.

    Raises CommandError for a file that no archive can hold, or a link that leads out of the folder.
    """
    partial = target.with_name(f"{target.name}.partial")
    try:
        with (
            partial.open("wb") as file,
            gzip.GzipFile(filename="", mode="wb", compresslevel=COMPRESSION, fileobj=file, mtime=0) as compressed,
            tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for path in _paths(folder):
                _add(archive, folder, path, modified_at)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return sha256_of(target)


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def read_manifest(archive: Path) -> Manifest:
    """The manifest in an archive. Raises CommandError."""
    try:
        with tarfile.open(archive, mode="r:gz") as content:
            member = content.getmember(FILE_NAME)
            file = content.extractfile(member)
            if file is None or member.size > LARGEST_MANIFEST:
                raise KeyError(FILE_NAME)
            return parse_manifest(file.read())
    except FileNotFoundError:
        raise CommandError(f"{archive} does not exist; `release build` makes archives.") from None
    except KeyError:
        raise CommandError(f"{archive} has no {FILE_NAME}; build it with `release build`.") from None
    except (tarfile.TarError, OSError, EOFError):
        raise CommandError(f"{archive} is no archive of a release, or is cut off; build it again.") from None


def _paths(folder: Path) -> Iterator[str]:
    """The paths below a folder, in the order of their bytes and not of any language. Folders come before their
    contents."""
    found = []
    for parent, folders, files in os.walk(folder):
        relative = os.path.relpath(parent, folder)
        names = [os.path.normpath(os.path.join(relative, name)) for name in (*folders, *files)]
        found += [name for name in names if name not in LEFT_OUT]
        folders[:] = [name for name in folders if os.path.normpath(os.path.join(relative, name)) not in LEFT_OUT]
    yield from sorted(found, key=os.fsencode)


def _add(archive: tarfile.TarFile, folder: Path, path: str, modified_at: int) -> None:
    """Owner, group, time and the umask of this machine are left out."""
    source = folder / path
    mode = source.lstat().st_mode
    entry = tarfile.TarInfo(path)
    entry.mtime = modified_at
    if stat.S_ISLNK(mode):
        entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, _link_within(folder, source), 0o777
        archive.addfile(entry)
    elif stat.S_ISDIR(mode):
        entry.type, entry.mode = tarfile.DIRTYPE, DIRECTORY_MODE
        archive.addfile(entry)
    elif stat.S_ISREG(mode):
        entry.size, entry.mode = source.stat().st_size, EXECUTABLE_MODE if mode & stat.S_IXUSR else FILE_MODE
        with source.open("rb") as content:
            archive.addfile(entry, content)
    else:
        raise CommandError(f"{path} is neither a file nor a folder nor a link; remove it.")


def _link_within(folder: Path, link: Path) -> str:
    target = os.readlink(link)
    inside = os.path.normpath(link.parent / target).startswith(f"{folder}{os.sep}")
    if os.path.isabs(target) or not inside:
        raise CommandError(
            f"{link.relative_to(folder)} is a link to {target}, which is not in the release: copy the file instead."
        )
    return target
