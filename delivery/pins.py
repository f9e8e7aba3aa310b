"""Which release a stack runs: what its file names, changed by one command and reviewed as a change.

Servers take an archive, by its name and its digest; pods take an image, by its digest. A stack with both has one
release in both forms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.access import CommandError
from bootstrap.commands import access_to
from bootstrap.stack_file import ROOT, StackFile, read_stack_file
from components.shared.releases import backup_bucket_name
from delivery.history import previous, read_history, read_images
from delivery.images import Image, repository_of
from delivery.manifest import check_release_name
from delivery.stack_edit import write_settings
from delivery.store import Details, ReleaseBucket


@dataclass(frozen=True, kw_only=True)
class Found:
    """A release where a stack takes it from: an archive for servers, an image for pods."""

    archive: Details | None = None
    image: Image | None = None

    @property
    def release(self) -> str:
        if self.archive is not None:
            return self.archive.release
        return self.image.release if self.image is not None else ""

    @property
    def settings(self) -> Mapping[str, Mapping[str, str]]:
        """What names it in the stack's file."""
        of_servers = self.archive and {"release": self.archive.release, "release_sha256": self.archive.sha256}
        of_pods = self.image and {"image_digest": self.image.digest}
        return {section: values for section, values in (("app_servers", of_servers), ("kubernetes", of_pods)) if values}


@dataclass(frozen=True, kw_only=True)
class Change:
    """A pin before and after."""

    stack: str
    old: str
    new: Found
    changed: bool
    commits: str
    """`old..new` for git, or empty where a release does not tell its commit."""


def bucket_of(file: StackFile, name: str | None = None) -> ReleaseBucket:
    """The bucket of a stack's releases, for credentials of its account. Raises NoAccess."""
    access = access_to(file)
    access.identify()
    return ReleaseBucket(access=access, name=name or backup_bucket_name(file.settings.identity))


def pin(stack: str, release: str, folder: Path = ROOT) -> Change:
    """Pin a release that the stack can take, with its digest. Raises CommandError and InvalidSettings."""
    check_release_name(release)
    file = read_stack_file(stack, folder)
    return _write(file, _find(file, release), folder)


def promote(source: str, target: str, folder: Path = ROOT) -> Change:
    """Pin in one stack what another has pinned. The target must be able to take the same bytes.

    Raises CommandError and InvalidSettings.
    """
    if source == target:
        raise CommandError("A release is promoted from one stack to another; both are the same.")
    tried, file = read_stack_file(source, folder).settings, read_stack_file(target, folder)
    untried = [each for each in file.settings.runtime.backends if each not in tried.runtime.backends]
    if untried:
        raise CommandError(
            f"{target} runs the API on {untried[0]} and {source} does not, so it has tried no release of them; choose "
            "one yourself, with `release pin`."
        )
    archive = image = None
    if file.settings.runtime.has_servers:
        pinned = tried.app_servers
        archive = bucket_of(file).details(pinned.release)
        if archive.sha256 != pinned.release_sha256:
            raise CommandError(
                f"The release {pinned.release} in {target}'s bucket has the digest {archive.sha256}, and {source} has "
                f"pinned {pinned.release_sha256}: they are not the same release."
            )
    if file.settings.runtime.has_pods:
        # The settings of a stack with pods are not valid without one.
        image = repository_of(file).find_digest(tried.kubernetes.image_digest or "")
    return _write(file, Found(archive=archive, image=image), folder)


def roll_back(stack: str, folder: Path = ROOT) -> Change:
    """Pin what the stack ran before. Raises CommandError, for instance if it never ran another release."""
    file = read_stack_file(stack, folder)
    settings = file.settings
    access = access_to(file)
    access.identify()
    if settings.runtime.has_servers:
        history, pinned = read_history(access, settings.environment), settings.app_servers.release
    else:
        history, pinned = read_images(access, settings.environment), settings.kubernetes.image_digest or ""
    target = previous(history, pinned)
    if target is None:
        raise CommandError(f"{stack} has served no release before {pinned}; choose one yourself, with `release pin`.")
    if not settings.runtime.has_servers:
        return _write(file, Found(image=repository_of(file).find_digest(target.release)), folder)
    found = _find(file, target.release)
    if found.archive is not None and found.archive.sha256 != target.sha256:
        raise CommandError(
            f"The release {target.release} in the bucket has the digest {found.archive.sha256}, and {stack} served "
            f"{target.sha256} under that name; choose one yourself, with `release pin`."
        )
    return _write(file, found, folder)


def next_steps(change: Change) -> Sequence[str]:
    """What to type after a pin has changed."""
    name = f"Pulumi.{change.stack}.yaml"
    return [
        f"git switch --create release-{change.stack}-{change.new.release}",
        f'git commit --message "{change.stack}: release {change.new.release}" {name}',
        "git push --set-upstream origin HEAD",
    ]


def _find(file: StackFile, release: str) -> Found:
    """Raises CommandError if a part of what the stack takes is missing."""
    runtime = file.settings.runtime
    return Found(
        archive=bucket_of(file).details(release) if runtime.has_servers else None,
        image=repository_of(file).find(release) if runtime.has_pods else None,
    )


def _write(file: StackFile, found: Found, folder: Path) -> Change:
    changed = write_settings(file.stack, found.settings, folder=folder)
    if found.archive is None:
        return Change(stack=file.stack, old=_old_image(file), new=found, changed=changed, commits="")
    old = file.settings.app_servers.release
    return Change(
        stack=file.stack, old=old, new=found, changed=changed, commits=_commits(bucket_of(file), old, found.archive)
    )


def _old_image(file: StackFile) -> str:
    """The release, or the digest of an image that is gone."""
    digest = file.settings.kubernetes.image_digest or ""
    try:
        return repository_of(file).find_digest(digest).release
    except CommandError:
        return digest


def _commits(bucket: ReleaseBucket, old: str, new: Details) -> str:
    """A release that was pinned by hand, or never uploaded, has no commit that could be shown."""
    try:
        before = bucket.details(old).commit
    except CommandError:
        return ""
    return f"{before}..{new.commit}" if before and new.commit and before != new.commit else ""
