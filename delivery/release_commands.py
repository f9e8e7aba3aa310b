"""`python -m delivery release <command>`."""

import argparse
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from rich.table import Table

from bootstrap.access import CommandError
from bootstrap.commands import access_to
from bootstrap.console import output
from bootstrap.stack_file import ROOT, StackFile, read_stack_file
from delivery.archive import read_manifest, sha256_of
from delivery.build import build, check_servers
from delivery.history import Released, read_history, read_images, served_since
from delivery.images import SHORT, ImageRepository, repository_of, short
from delivery.pins import Change, bucket_of, next_steps, pin, promote, roll_back
from delivery.progress import say, step
from delivery.prune import DAYS, unneeded
from delivery.source import find_checkout
from delivery.store import Details, ReleaseBucket

DEFAULT_OUTPUT = ROOT / ".releases"
DEFAULT_KEEP = 10
Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Command = Callable[[argparse.Namespace], None]


def add_commands(commands: Subparsers) -> None:
    """Add `release` with its own commands."""
    release = commands.add_parser("release", help="build, upload and pin releases of the backend")
    own = release.add_subparsers(required=True, metavar="command")

    made = _add(own, "build", run_build, "check and pack one commit of the backend")
    made.add_argument("--source", type=Path, default=Path(), help="the backend's checkout (default: this folder)")
    made.add_argument("--release", help="name of the release (default: the version in package.json)")
    made.add_argument("--output", type=Path, default=DEFAULT_OUTPUT, help="where the archive goes (default: .releases)")
    made.add_argument("--stack", help="the stack whose Node and architecture this machine must have")

    uploaded = _add(own, "upload", run_upload, "put an archive into the stack's bucket, which never overwrites one")
    uploaded.add_argument("archive", type=Path, help="what `release build` made")
    _add_stack(uploaded)
    uploaded.add_argument("--bucket", help="another bucket than the stack's backup bucket")
    uploaded.add_argument("--sha256", help="refuse an archive with another digest")

    listed = _add(own, "list", run_list, "show the releases in the stack's bucket, and the images of its pods")
    _add_stack(listed)
    listed.add_argument("--bucket", help="another bucket than the stack's backup bucket")

    pruned = _add(own, "prune", run_prune, f"hide old releases that nothing has needed for {DAYS} days")
    _add_stack(pruned)
    pruned.add_argument("--keep", type=_count, default=DEFAULT_KEEP, help=f"newest releases to keep ({DEFAULT_KEEP})")
    pruned.add_argument("--yes", action="store_true", help="do it; without this, only show what would be hidden")

    pinned = _add(own, "pin", run_pin, "write a release and its digest into the stack's file")
    pinned.add_argument("release", help="a release in the stack's bucket, and with pods the tag of its image")
    _add_stack(pinned)

    promoted = _add(own, "promote", run_promote, "pin in production what staging has pinned")
    promoted.add_argument("--from", dest="source", default="staging", help="the stack that runs it (staging)")
    promoted.add_argument("--to", dest="target", default="production", help="the stack that gets it (production)")

    _add_stack(_add(own, "rollback", run_rollback, "pin the release that the stack served before"))


def run_build(arguments: argparse.Namespace) -> None:
    servers = read_stack_file(arguments.stack).settings if arguments.stack else None
    built = build(find_checkout(arguments.source), arguments.output, arguments.release, servers)
    megabytes = built.archive.stat().st_size / 1e6
    say(f"{built.archive}: release {built.manifest.release} of commit {built.manifest.commit}, {megabytes:.1f} MB.")
    say(f"SHA-256 {built.sha256}")
    _tell_workflow(archive=str(built.archive), sha256=built.sha256, release=built.manifest.release)


def run_upload(arguments: argparse.Namespace) -> None:
    file = read_stack_file(arguments.stack)
    manifest = read_manifest(arguments.archive)
    sha256 = sha256_of(arguments.archive)
    if arguments.sha256 not in (None, sha256):
        raise CommandError(f"{arguments.archive} has the digest {sha256}, and {arguments.sha256} is expected.")
    check_servers(manifest.node_major, manifest.arch, file.settings)
    bucket = bucket_of(file, arguments.bucket)
    builder = _workflow_run() or bucket.access.identify()
    details = Details(release=manifest.release, sha256=sha256, commit=manifest.commit, builder=builder)
    with step("upload"):
        bucket.upload(arguments.archive, details)
    say(f"The release {manifest.release} is in the bucket {bucket.name}. To run it:")
    say(f"  python -m delivery release pin --stack {file.stack} {manifest.release}")


def run_list(arguments: argparse.Namespace) -> None:
    file = read_stack_file(arguments.stack)
    if file.settings.runtime.has_servers:
        _list_archives(file, bucket_of(file, arguments.bucket))
    if file.settings.runtime.has_pods:
        _list_images(file, repository_of(file))


def _list_images(file: StackFile, repository: ImageRepository) -> None:
    pinned = file.settings.kubernetes.image_digest or ""
    history = read_images(access_to(file), file.settings.environment)
    table = Table("Image", "Pushed", "MB", "Digest", "State", box=None, pad_edge=False)
    for image in repository.images():
        pushed, size = f"{image.pushed:%Y-%m-%d %H:%M}", f"{image.size / 1e6:.1f}"
        state = state_of(image.digest, pinned, history, "deployed")
        table.add_row(image.release, pushed, size, short(image.digest), state)
    output.print(table if table.row_count else f"There is no image with a tag in the repository {repository.name}.")


def _list_archives(file: StackFile, bucket: ReleaseBucket) -> None:
    archives = bucket.archives()
    if not archives:
        say(f"There is no release in the bucket {bucket.name}.")
        return
    history = read_history(bucket.access, file.settings.environment)
    table = Table("Release", "Uploaded", "MB", "Commit", "SHA-256", "State", box=None, pad_edge=False)
    for archive in archives:
        try:
            details = bucket.details(archive.release)
            commit, sha256 = details.commit[:SHORT], details.sha256[:SHORT]
        except CommandError:
            commit, sha256 = "", "not known"
        uploaded, size = f"{archive.uploaded:%Y-%m-%d %H:%M}", f"{archive.size / 1e6:.1f}"
        state = state_of(archive.release, file.settings.app_servers.release, history)
        table.add_row(archive.release, uploaded, size, commit, sha256, state)
    output.print(table)


def state_of(release: str, pinned: str, history: Sequence[Released], verb: str = "served") -> str:
    """What a stack has to do with a release, or with an image."""
    states = ["pinned"] if release == pinned else []
    served = [number for number, each in enumerate(history) if each.release == release]
    if served and served[-1] == len(history) - 1:
        states.append(f"{verb} since {history[served[-1]].since:%Y-%m-%d %H:%M}")
    elif served:
        states.append(f"{verb} until {history[served[-1] + 1].since:%Y-%m-%d %H:%M}")
    return ", ".join(states)


def run_prune(arguments: argparse.Namespace) -> None:
    file = read_stack_file(arguments.stack)
    bucket = bucket_of(file)
    served = served_since(read_history(bucket.access, file.settings.environment), datetime.now(UTC), DAYS)
    needed = served | {file.settings.app_servers.release}
    archives = unneeded(bucket.archives(), arguments.keep, needed)
    if not archives:
        say(f"Nothing to hide: the newest {arguments.keep} stay, and what {file.stack} needed in the last {DAYS} days.")
        return
    if not bucket.keeps_versions():
        raise CommandError(f"The bucket {bucket.name} keeps no versions, so a release would be lost for ever; stopped.")
    for archive in archives:
        if arguments.yes:
            bucket.hide(archive.release)
        say(f"{'Hidden' if arguments.yes else 'Would be hidden'}: {archive.release}, of {archive.uploaded:%Y-%m-%d}.")
    if not arguments.yes:
        say("Nothing was changed. With --yes they are hidden; the bucket keeps their bytes behind a delete marker.")


def run_pin(arguments: argparse.Namespace) -> None:
    _show(pin(arguments.stack, arguments.release))


def run_promote(arguments: argparse.Namespace) -> None:
    _show(promote(arguments.source, arguments.target))


def run_rollback(arguments: argparse.Namespace) -> None:
    _show(roll_back(arguments.stack))


def _show(change: Change) -> None:
    new = change.new.release
    if not change.changed:
        say(f"{change.stack} has pinned {new} already; nothing was changed.")
        return
    say(f"Pulumi.{change.stack}.yaml: release {change.old} -> {new}.")
    if change.new.archive is not None:
        say(f"Commits: {change.commits}" if change.commits else f"The commit of {change.old} is not known.")
    if change.new.image is not None:
        say(f"The image was pushed on {change.new.image.pushed:%Y-%m-%d}; its scan: {change.new.image.scan}.")
    say("Next, for a pull request:")
    for command in next_steps(change):
        say(f"  {command}")


def _add(commands: Subparsers, name: str, run: Command, purpose: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")
    parser.set_defaults(run=run)
    return parser


def _add_stack(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stack", required=True, help="for instance staging")


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError("at least 1")
    return count


def _workflow_run() -> str:
    """The address of the run of GitHub that this is a part of, or an empty text."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run = (os.environ.get(name, "") for name in names)
    return f"{server}/{repository}/actions/runs/{run}" if server and repository and run else ""


def _tell_workflow(**values: str) -> None:
    """Hand values to the following steps of a workflow."""
    file = os.environ.get("GITHUB_OUTPUT")
    if file:
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.writelines(f"{name}={value}\n" for name, value in values.items())
