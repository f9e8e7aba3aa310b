"""What has to be known of a database instance to log in to it with a token of IAM."""

from dataclasses import dataclass

import pulumi

MIGRATION_USER = "fixrx_migrate"
"""Role of the database that migrations log in as."""


@dataclass(frozen=True, kw_only=True)
class DatabaseAccess:
    """One instance of RDS."""

    endpoint: pulumi.Output[str]
    """Host and port."""
    resource_id: pulumi.Output[str]
    """By which IAM knows it; known when it exists."""
