"""Migration: before servers change, the inputs of the release are there and its migration has run."""

from dataclasses import dataclass

import pulumi

from components.database import TLS_OPTIONS
from components.database_jobs import DatabaseJobs, DatabaseJobsArgs
from components.release_marker import ReleaseMarker, ReleaseMarkerArgs, marker_name
from components.shared.connections import Member
from components.shared.releases import archive_key
from layers.data import Data
from layers.foundation import Foundation
from rollout import Release, migrated_hooks, migrated_value
from settings import StackSettings


@dataclass(frozen=True, kw_only=True)
class Migration:
    """What migrates the database."""

    jobs: DatabaseJobs
    marker: ReleaseMarker
    release: Release

    @property
    def parts(self) -> tuple[pulumi.ComponentResource, ...]:
        """All of it."""
        return (self.jobs, self.marker)


def build_migration(settings: StackSettings, foundation: Foundation, data: Data) -> Migration:
    identity = settings.identity
    release = Release(name=settings.app_servers.release, sha256=settings.app_servers.release_sha256)
    jobs = DatabaseJobs(
        "database-jobs",
        DatabaseJobsArgs(
            stack=foundation.stack,
            placement=foundation.connections.placements[Member.DATABASE_JOBS],
            releases=data.backups.releases,
            primary=data.database.access,
            replica=data.database.replica_access,
            database_name=data.database.database_name,
            url_options=TLS_OPTIONS,
            postgresql_version=settings.database.engine_version,
            storage_gib=settings.database.allocated_storage_gib,
            windows=settings.maintenance_windows,
            node_version=settings.app_servers.node_version,
        ),
        foundation.options,
    )
    gates = migrated_hooks(
        identity.region,
        account_id=identity.account_id,
        prefix=identity.prefix,
        tags=identity.tags("before-release"),
        marker=marker_name(identity, "migrated"),
        release=release,
        bucket=data.backups.releases.bucket_name,
        key=archive_key(release.name),
        upload=f"python -m delivery release upload --stack {identity.environment} .releases/{release.name}.tar.gz",
        secrets=dict(data.secrets.arns),
        database=data.database.primary.identifier,
        project=jobs.migrate.name,
        log_group=jobs.log_group,
        wait_minutes=settings.rollout.wait_minutes,
    )
    marker = ReleaseMarker(
        "migrated",
        ReleaseMarkerArgs(
            identity=identity,
            value=migrated_value(release),
            description="The release that the database is migrated to",
            gates=gates,
        ),
        pulumi.ResourceOptions.merge(
            foundation.options,
            pulumi.ResourceOptions(
                depends_on=[data.database.primary, data.credentials.bootstrap, data.backups, jobs.migrate]
            ),
        ),
    )
    return Migration(jobs=jobs, marker=marker, release=release)
