"""Data: PostgreSQL, Redis, the application's secrets, the backup bucket, backups beyond the instance."""

from dataclasses import dataclass

import pulumi

from components.backup_bucket import BackupBucket, BackupBucketArgs
from components.backup_vault import BackupVault, BackupVaultArgs
from components.cache import Cache, CacheArgs
from components.credentials import Credentials, CredentialsArgs
from components.database import URL_OPTIONS, Database, DatabaseArgs
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
    credentials: Credentials
    backups: BackupBucket
    vault: BackupVault

    @property
    def parts(self) -> tuple[pulumi.ComponentResource, ...]:
        """All of them."""
        return (self.database, self.cache, self.secrets, self.credentials, self.backups, self.vault)


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
    secrets = Secrets("secrets", SecretsArgs(settings=settings.secrets, stack=stack), options)
    credentials = Credentials(
        "credentials",
        CredentialsArgs(
            stack=stack,
            placement=placements[Member.CREDENTIALS],
            primary=database.access,
            replica=database.replica_access,
            database_name=database.database_name,
            version=settings.database.version,
            url_options=URL_OPTIONS,
            first_password=database.password,
            cache_endpoint=cache.address,
            cache_user_id=cache.user_id,
            cache_user_arn=cache.user_arn,
            secret_arns=secrets.rotated,
        ),
        options,
    )
    backups = BackupBucket(
        "backups",
        BackupBucketArgs(settings=settings.backup_bucket, stack=stack, access_logs=foundation.access_logs.buckets),
        options,
    )
    vault = BackupVault(
        "backup-vault",
        BackupVaultArgs(
            settings=settings.backup_vault,
            stack=stack,
            primary_arn=database.primary.arn,
            primary_arns=database.primary_arns,
            subnet_group_name=database.subnet_group_name,
            bucket=backups.copied,
            restore_test=placements.get(Member.RESTORE_TEST),
        ),
        options,
    )
    return Data(database=database, cache=cache, secrets=secrets, credentials=credentials, backups=backups, vault=vault)
