"""The files of a directory: what they are served as, and how long browsers may keep them."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path, PurePosixPath

from bootstrap.access import CommandError

IMMUTABLE = "public, max-age=31536000, immutable"
"""For a name that has a hash of the content: another content has another name. A year is the most that is usual."""
REVALIDATED = "no-cache"
"""Kept, and asked for again each time: an answer without a body if nothing has changed."""
NEVER_STORED = "no-store"
"""A page names the scripts of its release, so an old page is a broken one."""
UNKNOWN_TYPE = "application/octet-stream"
TEXT_TYPES = {
    "css": "text/css",
    "csv": "text/csv",
    "htm": "text/html",
    "html": "text/html",
    "js": "text/javascript",
    "md": "text/markdown",
    "mjs": "text/javascript",
    "txt": "text/plain",
    "vtt": "text/vtt",
    "xml": "application/xml",
}
"""Served as UTF-8."""
TYPES = {
    "avif": "image/avif",
    "bmp": "image/bmp",
    "gif": "image/gif",
    "glb": "model/gltf-binary",
    "ico": "image/x-icon",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": "application/json",
    "jsonld": "application/ld+json",
    "map": "application/json",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "ogg": "audio/ogg",
    "otf": "font/otf",
    "pdf": "application/pdf",
    "png": "image/png",
    "svg": "image/svg+xml",
    "ttf": "font/ttf",
    "wasm": "application/wasm",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webmanifest": "application/manifest+json",
    "webp": "image/webp",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "zip": "application/zip",
}
"""Written down, since Python's own table depends on the machine. X-Content-Type-Options makes browsers keep to them."""
NAMED_TYPES = {"apple-app-site-association": "application/json"}
"""Of files without an extension that phones ask for."""
LARGEST = 5 * 1000**3
"""In bytes: what S3 takes in one request."""
HEXADECIMAL = re.compile(r"(?:^|.*[-_])(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{8,64}")
"""webpack, Parcel and others: digits and letters, so that neither a date nor a word is one."""
SHORT_HASH = re.compile(
    r"(?:^|.*[-_])(?=[A-Za-z0-9_-]*[A-Z])(?![A-Za-z]+[0-9]+$)(?=[A-Za-z0-9_-]*[0-9])[A-Za-z0-9_-]{8}"
)
"""Vite, Rollup and esbuild: eight characters with a capital and a digit, but no word with a number behind it."""
UUID = re.compile(r".*[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""A name that is given, and says nothing of the content."""


@dataclass(frozen=True, kw_only=True)
class AssetFile:
    """A file as it is to be published."""

    path: Path
    name: str
    """Below the directory, with slashes: the path in its address."""
    content_type: str
    cache_control: str

    @property
    def is_hashed(self) -> bool:
        return self.cache_control == IMMUTABLE

    @property
    def is_page(self) -> bool:
        return self.cache_control == NEVER_STORED

    @cached_property
    def md5(self) -> str:
        """S3's ETag of an object that was put in one request. The file is read once."""
        with self.path.open("rb") as content:
            return hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def find_files(directory: Path, hashed: str | None = None) -> Sequence[AssetFile]:
    """The files of a directory in the order in which they are published: a page comes after what it names.

    `hashed` is a pattern of the names that have a hash, in place of the forms known here. Raises CommandError.
    """
    if not directory.is_dir():
        raise CommandError(f"{directory} is not a directory; give the one that the build wrote.")
    found = sorted(path for path in directory.rglob("*") if not _is_hidden(path.relative_to(directory)))
    links = [path for path in found if path.is_symlink()]
    if links:
        raise CommandError(
            f"{links[0]} is a symbolic link, which may lead outside {directory}; replace it by its file."
        )
    files = [_describe(path, path.relative_to(directory).as_posix(), hashed) for path in found if path.is_file()]
    if not files:
        raise CommandError(f"{directory} has no files; publishing it would remove everything that is published.")
    large = [each for each in files if each.path.stat().st_size > LARGEST]
    if large:
        raise CommandError(f"{large[0].name} is larger than 5 GB, which S3 does not take in one request; leave it out.")
    return sorted(files, key=lambda each: (order(each), each.name))


def order(file: AssetFile) -> int:
    """Hashed files first, pages last: whoever gets a new page finds what it names."""
    return 0 if file.is_hashed else 2 if file.is_page else 1


def has_hash(name: str) -> bool:
    """Whether a name contains a hash of the content. In doubt it does not: then browsers ask once more than needed."""
    parts = PurePosixPath(name).name.split(".")[:-1]
    return any(
        (HEXADECIMAL.fullmatch(part) or SHORT_HASH.fullmatch(part)) and not UUID.fullmatch(part) for part in parts
    )


def _describe(path: Path, name: str, hashed: str | None) -> AssetFile:
    file_name = path.name
    extension = file_name.rpartition(".")[2].lower() if "." in file_name else ""
    content_type = NAMED_TYPES.get(file_name) or TYPES.get(extension, UNKNOWN_TYPE)
    if extension in TEXT_TYPES:
        content_type = f"{TEXT_TYPES[extension]}; charset=utf-8"
    if content_type.startswith("text/html"):
        cache_control = NEVER_STORED
    elif fnmatchcase(name, hashed) if hashed else has_hash(name):
        cache_control = IMMUTABLE
    else:
        cache_control = REVALIDATED
    return AssetFile(path=path, name=name, content_type=content_type, cache_control=cache_control)


def _is_hidden(relative: Path) -> bool:
    """Files of editors and systems, but for what phones and certificate authorities ask for."""
    return any(part.startswith(".") and part != ".well-known" for part in relative.parts)
