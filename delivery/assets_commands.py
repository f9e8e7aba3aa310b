"""`python -m delivery assets publish`."""

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bootstrap.access import CommandError
from bootstrap.commands import access_to
from bootstrap.stack_file import read_stack_file
from components.shared.assets import assets_bucket_name
from delivery.assets import AssetsBucket, Changes, changes_of, find_distribution, publish
from delivery.assets_files import UNKNOWN_TYPE, find_files
from delivery.progress import say, warn
from delivery.release_commands import Subparsers


def add_commands(commands: Subparsers) -> None:
    """Add `assets` with its command."""
    assets = commands.add_parser("assets", help="publish static files on the CDN")
    own = assets.add_subparsers(required=True, metavar="command")
    purpose = "publish a directory: new files first, pages last; delete what left it long ago"
    command = own.add_parser("publish", help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")
    command.set_defaults(run=run_publish)
    command.add_argument("directory", type=Path, help="what the build of the site wrote, for instance dist")
    command.add_argument("--stack", required=True, help="for instance staging")
    command.add_argument("--dry-run", action="store_true", help="only say what would be done")
    command.add_argument(
        "--hashed",
        metavar="PATTERN",
        help="which names have a hash of their content, for instance 'assets/*'; without it, those that look like it",
    )


def run_publish(arguments: argparse.Namespace) -> None:
    file = read_stack_file(arguments.stack)
    settings = file.settings
    if not settings.cdn.enabled:
        raise CommandError(f"{file.stack} has no CDN: cdn.enabled is false in {file.file_name}.")
    files = find_files(arguments.directory, arguments.hashed)
    for each in files:
        if each.content_type == UNKNOWN_TYPE:
            warn(f"{each.name} has no known type: browsers download it instead of showing or running it")
    access = access_to(file)
    access.identify()
    distribution = find_distribution(access, settings.cdn_domain)
    bucket = AssetsBucket(access=access, name=assets_bucket_name(settings.identity))
    changes = changes_of(bucket, files, datetime.now(UTC), timedelta(days=settings.cdn.retention_days))
    if arguments.dry_run:
        _show(changes)
        say("Nothing was changed.")
        return
    invalidation = publish(bucket, distribution, changes)
    say(
        f"https://{settings.cdn_domain} has {len(files)} files: {len(changes.uploads)} uploaded, {changes.unchanged} "
        f"unchanged, {len(changes.leaves)} no longer published, {len(changes.deletions)} deleted."
    )
    if invalidation:
        say(f"CloudFront carries out the invalidation {invalidation} within about two minutes.")


def _show(changes: Changes) -> None:
    for each in changes.uploads:
        say(f"Would be uploaded: {each.name} ({each.content_type}; {each.cache_control})")
    for name in changes.leaves:
        say(f"Would be noted as no longer published: {name}")
    for name in changes.deletions:
        say(f"Would be deleted: {name}")
    for path in changes.invalidated:
        say(f"Would be invalidated: {path}")
