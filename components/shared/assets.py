"""Where the files of the CDN are, for the component that serves them and the command that publishes them."""

from components.shared.identity import StackIdentity

SITE_PREFIX = "site/"
"""Of what the CDN serves; the rest of the bucket it cannot read."""
LEFT_PREFIX = "left/"
"""Of empty objects, one for each file that is no longer published. When one was written tells since when."""
HASHED_PATTERN = "/assets/*"
"""Where build tools put files with a hash of their content in the name."""


def assets_bucket_name(identity: StackIdentity) -> str:
    """Return the physical name of the bucket."""
    return identity.physical_name(
        "aws:s3/bucket:Bucket", f"{identity.project}-assets-{identity.environment}-{identity.account_id}"
    )
