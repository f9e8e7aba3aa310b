"""What is where in the backup bucket: releases of the backend, dumps of the database, reports of restore drills.

And where the releases are that pods run, as images.
"""

from components.shared.identity import StackIdentity

RELEASES_PREFIX = "releases/"
"""In the backup bucket. Separate from `application/` and without expiry: a server that starts in a year needs the
release of that day."""


DATABASE_PREFIX = "database/"
DRILLS_PREFIX = "drills/"
"""Reports of restore drills."""


def backup_bucket_name(identity: StackIdentity) -> str:
    return identity.physical_name(
        "aws:s3/bucket:Bucket", f"{identity.project}-backups-{identity.environment}-{identity.account_id}"
    )


def archive_key(release: str) -> str:
    """The name of a release's archive in the backup bucket."""
    return f"{RELEASES_PREFIX}{release}.tar.gz"


def image_repository_name(identity: StackIdentity) -> str:
    """The repository of ECR, unless a stack names another one."""
    return identity.physical_name("aws:ecr/repository:Repository", f"{identity.project}/{identity.environment}/api")
