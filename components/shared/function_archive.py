"""The archive of a function of AWS Lambda: its own files, and the libraries that it imports."""

from collections.abc import Mapping, Sequence
from importlib.metadata import files
from pathlib import Path

import pulumi

FILES = Path(__file__).parents[1] / "files" / "functions"
KEPT = (".py", "LICENSE", "LICENSE.txt", "LICENSE.rst")
"""Python alone: the same archive on every machine, for every processor."""


def function_files(function: str, libraries: Sequence[str]) -> Mapping[str, Path]:
    """Return the files of an archive by their path in it. Raises PackageNotFoundError for a library that is missing."""
    own = {path.relative_to(FILES).as_posix(): path for path in (FILES / function).glob("*.py")}
    theirs = {
        file.as_posix(): Path(str(file.locate()))
        for library in libraries
        for file in files(library) or ()
        if file.name.endswith(KEPT) and ".." not in file.parts
    }
    return dict(sorted({**own, **theirs}.items()))


def function_archive(function: str, libraries: Sequence[str] = ()) -> pulumi.AssetArchive:
    """Return the archive of a function in components/files/functions."""
    found = function_files(function, libraries)
    return pulumi.AssetArchive({name: pulumi.FileAsset(str(path)) for name, path in found.items()})
