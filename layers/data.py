"""Data: PostgreSQL, Redis, the application's secrets, the backup bucket."""

from dataclasses import dataclass

import pulumi

from components.backup_bucket import BackupBucket, BackupBucketArgs
from components.cache import Cache, CacheArgs
from components.database import Database, DatabaseArgs
from components.secrets import Secrets, SecretsArgs
from components.shared.alarm_specification import Severity
from components.shared.connections import Member
from layers.foundation import Foundation
from settings import StackSettings


@dataclass(frozen=True, kw_only=True)
class Data:
    """What stores data."""

    database: Database
    cache: Cache
    secrets: Secrets
    backups: BackupBucket

    @property
    def parts(self) -> tuple[pulumi.ComponentResource, ...]:
        """All of them."""
        return (self.database, self.cache, self.secrets, self.backups)


def build_data(settings: StackSettings, foundation: Foundation) -> Data:
    stack, options = foundation.stack, foundation.options
    placements = foundation.connections.placements
    database = Database(
        "database",
        DatabaseArgs(
            settings=settings.database,
            windows=settings.maintenance_windows,
            stack=stack,
            placement=placements[Member.DATABASE],
            event_topic_arn=foundation.notifications.topic_arns[Severity.P2],
            max_connections=settings.connection_budget.max_connections,
        ),
        options,
    )
    cache = Cache(
        "cache",
        CacheArgs(
            settings=settings.cache,
            windows=settings.maintenance_windows,
            stack=stack,
            placement=placements[Member.CACHE],
        ),
        options,
    )
    secrets = Secrets(
        "secrets",
        SecretsArgs(
            settings=settings.secrets,
            stack=stack,
            generated={
                "DATABASE_URL": database.url,
                "REPLICA_DATABASE_URL": database.replica_url,
                "REDIS_URL": cache.url,
            },
        ),
        options,
    )
    backups = BackupBucket(
        "backups",
        BackupBucketArgs(settings=settings.backup_bucket, stack=stack, access_logs=foundation.access_logs.buckets),
        options,
    )
    return Data(database=database, cache=cache, secrets=secrets, backups=backups)
