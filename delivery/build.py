"""`release build`: from a commit of the backend to an archive that servers can run."""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootstrap.access import CommandError
from delivery.archive import write_archive
from delivery.checks import PASSED, CheckFailed, run_checks, run_npm, run_script
from delivery.manifest import FILE_NAME, Manifest, check_release_name
from delivery.node import Node
from delivery.progress import step, warn
from delivery.source import Checkout
from settings import StackSettings

REQUIRED_FILES: Mapping[str, str] = {
    "dist/server.js": "`npm run build` has to make it: PM2 starts it",
    "node_modules/.bin/pm2-runtime": "add pm2 to the dependencies of package.json: servers run the release's own",
    "package.json": "`npm run migrate:production` needs it",
}
"""What a server needs of a release, and what to do where it is missing."""
REQUIRED_SCRIPTS = ("migrate:production", "migrate:status")
"""Scripts that the migration before a rollout runs (the guide's Deployment Steps)."""
PACKAGE_SECTION = "fixrx"
"""Of the backend's package.json: `"fixrx": {"installScripts": ["bcrypt"]}`."""
QUIET = ("--no-fund", "--no-audit", "--loglevel=error")


@dataclass(frozen=True, kw_only=True)
class Built:
    archive: Path
    sha256: str
    manifest: Manifest


@dataclass(frozen=True, kw_only=True)
class Package:
    """What the backend's package.json and package-lock.json say."""

    version: str
    allowed: Sequence[str]
    """Packages whose install scripts may run."""
    with_install_script: Sequence[str]
    """Packages of production that have one."""
    scripts: Sequence[str]


def build(checkout: Checkout, output: Path, release: str | None, servers: StackSettings | None) -> Built:
    """Check, build and pack a release. Raises CommandError; nothing is left behind then.

    The name of the release is the version in package.json unless one is given. With the settings of a stack, this
    machine must have the Node and the architecture of its servers.
    """
    with tempfile.TemporaryDirectory(prefix="fixrx-release-") as folder:
        checked, built = Path(folder, "checked"), Path(folder, "built")
        built.mkdir()
        checkout.export(built)
        package = read_package(built)
        name = check_release_name(release or package.version)
        node = Node(folder=built, committed_at=checkout.committed_at)
        _check_machine(node, servers)
        _check_package(package)
        _install(node, package)
        # Tests and linters leave files behind, which belong into no release and are not the same twice.
        shutil.copytree(built, checked, symlinks=True)
        results = run_checks(Node(folder=checked, committed_at=checkout.committed_at))
        shutil.rmtree(checked)
        run_script(node, "build")
        run_npm(node, "prune", "prune", "--omit=dev", "--ignore-scripts", *QUIET)
        _check_files(built)
        manifest = Manifest(
            release=name,
            commit=checkout.commit,
            node=node.version(),
            npm=node.npm_version(),
            arch=node.architecture(),
            install_scripts=package.allowed,
            checks={**results, "build": PASSED},
        )
        (built / FILE_NAME).write_text(f"{manifest.model_dump_json(indent=2)}\n")
        _warn_of_folder(built)
        output.mkdir(parents=True, exist_ok=True)
        archive = output / f"{name}.tar.gz"
        with step("pack"):
            sha256 = write_archive(built, archive, checkout.committed_at)
        archive.with_name(f"{archive.name}.sha256").write_text(f"{sha256}  {archive.name}\n")
    return Built(archive=archive, sha256=sha256, manifest=manifest)


def read_package(folder: Path) -> Package:
    """Raises CommandError."""
    content, lock = _read_json(folder / "package.json"), _read_json(folder / "package-lock.json")
    section = content.get(PACKAGE_SECTION, {})
    allowed = section.get("installScripts", []) if isinstance(section, dict) else None
    if not isinstance(allowed, list) or not all(isinstance(each, str) for each in allowed):
        raise CommandError(
            f"`{PACKAGE_SECTION}.installScripts` in package.json is no list of packages, such as "
            f'`"{PACKAGE_SECTION}": {{"installScripts": ["bcrypt"]}}`.'
        )
    with_script = {
        path.rpartition("node_modules/")[2]
        for path, entry in lock.get("packages", {}).items()
        if entry.get("hasInstallScript") and not entry.get("dev")
    }
    return Package(
        version=str(content.get("version", "")),
        allowed=sorted(allowed),
        with_install_script=sorted(with_script),
        scripts=sorted(content.get("scripts", {})),
    )


def check_servers(manifest_node: str, architecture: str, servers: StackSettings) -> None:
    """Raises CommandError if a release for this Node and architecture does not fit the servers of a stack."""
    settings = servers.app_servers
    if manifest_node != settings.node_version:
        raise CommandError(
            f"The release is built with Node {manifest_node}, and {servers.environment}'s servers have "
            f"{settings.node_version} (app_servers.node_version): build it with that one."
        )
    if architecture != settings.image_architecture:
        raise CommandError(
            f"The release is built for {architecture}, and {servers.environment}'s servers are "
            f"{settings.image_architecture} (app_servers.image_architecture): build it on such a machine."
        )


def _read_json(file: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(file.read_text())
    except FileNotFoundError:
        raise CommandError(f"The commit has no {file.name}; commit it.") from None
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise CommandError(f"{file.name} is no JSON object; correct it.")
    return content


def _check_machine(node: Node, servers: StackSettings | None) -> None:
    architecture, major = node.architecture(), node.version().partition(".")[0]
    if servers is not None:
        check_servers(major, architecture, servers)


def _check_package(package: Package) -> None:
    missing = [name for name in REQUIRED_SCRIPTS if name not in package.scripts]
    if missing:
        raise CommandError(
            f"package.json has no script {' and no '.join(missing)}, and a deployment runs it; add it, if only to say "
            "that there is nothing to migrate."
        )
    refused = [name for name in package.with_install_script if name not in package.allowed]
    if refused:
        warn(
            f"These packages have install scripts, which were not run: {', '.join(refused)}. A package that needs its "
            f"script belongs into `{PACKAGE_SECTION}.installScripts` of package.json."
        )


def _install(node: Node, package: Package) -> None:
    """A package's install script runs with the rights of the builder: only those that were chosen."""
    run_npm(node, "install", "ci", "--ignore-scripts", *QUIET)
    unknown = [name for name in package.allowed if not (node.folder / "node_modules" / name).is_dir()]
    if unknown:
        raise CommandError(
            f"`{PACKAGE_SECTION}.installScripts` names {', '.join(unknown)}, which is not installed; remove it."
        )
    for name in package.allowed:
        run_npm(node, f"install script of {name}", "rebuild", name, *QUIET)


def _check_files(folder: Path) -> None:
    missing = [f"{name}: {advice}" for name, advice in REQUIRED_FILES.items() if not (folder / name).is_file()]
    if missing:
        raise CheckFailed("contents", "\n".join(["these files are missing", *missing]))


def _warn_of_folder(folder: Path) -> None:
    """A file that names the folder of the build is another one in the next build."""
    wanted = str(folder).encode()
    found = [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and wanted in path.read_bytes()
    ]
    if found:
        warn(f"The archive will not be the same twice, because the build's folder is named in {', '.join(found[:5])}.")
