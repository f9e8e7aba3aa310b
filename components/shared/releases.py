"""Where the archives of the backend's releases are."""

from components.shared.identity import StackIdentity

RELEASES_PREFIX = "releases/"
"""In the backup bucket. Separate from `application/` and without expiry: a server that starts in a year needs the
release of that day."""


def backup_bucket_name(identity: StackIdentity) -> str:
    return identity.physical_name(
        "aws:s3/bucket:Bucket", f"{identity.project}-backups-{identity.environment}-{identity.account_id}"
    )


def archive_key(release: str) -> str:
    """The name of a release's archive in the backup bucket."""
    return f"{RELEASES_PREFIX}{release}.tar.gz"
