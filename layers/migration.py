"""Migration: before servers change, the inputs of the release are there and its migration has run."""

from dataclasses import dataclass

import pulumi

from components.database import TLS_OPTIONS
from components.database_jobs import DatabaseJobs, DatabaseJobsArgs
from components.release_marker import ReleaseMarker, ReleaseMarkerArgs, marker_name
from components.shared.backends import Backend
from components.shared.connections import Member
from components.shared.releases import archive_key
from layers.data import Data
from layers.foundation import Foundation
from layers.preparation import build_preparation
from rollout import Release, migrated_hooks, migrated_value
from settings import StackSettings


@dataclass(frozen=True, kw_only=True)
class Migration:
    """What migrates the database."""

    jobs: DatabaseJobs
    release: Release
    migrated: tuple[ReleaseMarker, ...]
    """That the database is migrated to the release of the servers, if there are some."""
    prepared: tuple[ReleaseMarker, ...]
    """That a migration of pods may begin, if there are some."""

    @property
    def parts(self) -> tuple[pulumi.ComponentResource, ...]:
        """All of it."""
        return (self.jobs, *self.migrated, *self.prepared)


def build_migration(settings: StackSettings, foundation: Foundation, data: Data) -> Migration:
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
            restore_test_plan=data.vault.restore_test_plan,
        ),
        foundation.options,
    )
    runtime = settings.runtime
    return Migration(
        jobs=jobs,
        release=release,
        migrated=tuple(_migrated(settings, foundation, data, jobs, release) for _ in runtime.having(Backend.SERVERS)),
        prepared=tuple(build_preparation(settings, foundation, data) for _ in runtime.having(Backend.PODS)),
    )


def _migrated(
    settings: StackSettings, foundation: Foundation, data: Data, jobs: DatabaseJobs, release: Release
) -> ReleaseMarker:
    identity = settings.identity
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
    return ReleaseMarker(
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
