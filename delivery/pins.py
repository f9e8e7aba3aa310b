"""Which release a stack runs: the name and the digest in its file, changed by one command and reviewed as a change."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.access import CommandError
from bootstrap.commands import access_to
from bootstrap.stack_file import ROOT, StackFile, read_stack_file
from components.shared.releases import backup_bucket_name
from delivery.history import previous, read_history
from delivery.manifest import check_release_name
from delivery.stack_edit import write_settings
from delivery.store import Details, ReleaseBucket

SECTION = "app_servers"


@dataclass(frozen=True, kw_only=True)
class Change:
    """A pin before and after."""

    stack: str
    old: str
    new: str
    changed: bool
    commits: str
    """`old..new` for git, or empty where a release does not tell its commit."""


def bucket_of(file: StackFile, name: str | None = None) -> ReleaseBucket:
    """The bucket of a stack's releases, for credentials of its account. Raises NoAccess."""
    access = access_to(file)
    access.identify()
    return ReleaseBucket(access=access, name=name or backup_bucket_name(file.settings.identity))


def pin(stack: str, release: str, folder: Path = ROOT) -> Change:
    """Pin a release that is in the stack's bucket, with its digest. Raises CommandError and InvalidSettings."""
    check_release_name(release)
    file = read_stack_file(stack, folder)
    bucket = bucket_of(file)
    return _write(file, bucket, bucket.details(release), folder)


def promote(source: str, target: str, folder: Path = ROOT) -> Change:
    """Pin in one stack what another has pinned. The same bytes must be in the bucket of both.

    Raises CommandError and InvalidSettings.
    """
    if source == target:
        raise CommandError("A release is promoted from one stack to another; both are the same.")
    pinned = read_stack_file(source, folder).settings.app_servers
    file = read_stack_file(target, folder)
    bucket = bucket_of(file)
    details = bucket.details(pinned.release)
    if details.sha256 != pinned.release_sha256:
        raise CommandError(
            f"The release {pinned.release} in {target}'s bucket has the digest {details.sha256}, and {source} has "
            f"pinned {pinned.release_sha256}: they are not the same release."
        )
    return _write(file, bucket, details, folder)


def roll_back(stack: str, folder: Path = ROOT) -> Change:
    """Pin what the stack served before. Raises CommandError, for instance if it never served another release."""
    file = read_stack_file(stack, folder)
    bucket = bucket_of(file)
    pinned = file.settings.app_servers.release
    target = previous(read_history(bucket.access, file.settings.environment), pinned)
    if target is None:
        raise CommandError(f"{stack} has served no release before {pinned}; choose one yourself, with `release pin`.")
    details = bucket.details(target.release)
    if details.sha256 != target.sha256:
        raise CommandError(
            f"The release {target.release} in the bucket has the digest {details.sha256}, and {stack} served "
            f"{target.sha256} under that name; choose one yourself, with `release pin`."
        )
    return _write(file, bucket, details, folder)


def next_steps(change: Change) -> Sequence[str]:
    """What to type after a pin has changed."""
    name = f"Pulumi.{change.stack}.yaml"
    return [
        f"git switch --create release-{change.stack}-{change.new}",
        f'git commit --message "{change.stack}: release {change.new}" {name}',
        "git push --set-upstream origin HEAD",
    ]


def _write(file: StackFile, bucket: ReleaseBucket, details: Details, folder: Path) -> Change:
    old = file.settings.app_servers.release
    values = {"release": details.release, "release_sha256": details.sha256}
    changed = write_settings(file.stack, SECTION, values, folder=folder)
    return Change(
        stack=file.stack, old=old, new=details.release, changed=changed, commits=_commits(bucket, old, details)
    )


def _commits(bucket: ReleaseBucket, old: str, new: Details) -> str:
    """A release that was pinned by hand, or never uploaded, has no commit that could be shown."""
    try:
        before = bucket.details(old).commit
    except CommandError:
        return ""
    return f"{before}..{new.commit}" if before and new.commit and before != new.commit else ""
