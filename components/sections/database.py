"""Section `fixrx:database`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from components.shared.instance_types import DatabaseClass, capacity_of
from components.shared.production import NOT_BURSTABLE, Production, Protected
from components.shared.recovery import RecoverySettings
from components.shared.section import LogRetentionDays, Section

MajorVersion = Literal["15", "16", "17", "18"]
CA_CERTIFICATE = "rds-ca-rsa2048-g1"
"""Signs the certificates of the databases, which RDS renews by itself."""


class DatabaseSettings(Section):
    """Section `fixrx:database`."""

    engine_version: MajorVersion = "17"
    """Major version only: with a full version, the automatic minor upgrade of the primary fails while the replica is
    older. 14 and older are past their end of support. RDS cannot go back to an older one; see `upgrade_from`."""
    upgrade_from: MajorVersion | None = None
    """Major version that the database has now, to upgrade it to `engine_version` in the maintenance window, or at once
    with `apply_immediately`. Remove it when RDS has upgraded both instances: the parameter groups of the old version,
    which the replica keeps until then, are deleted."""
    instance_class: Annotated[DatabaseClass, NOT_BURSTABLE] = "db.m7g.large"
    """Of the primary, its standby and the replica. A change is applied by a failover in the maintenance window."""
    allocated_storage_gib: Annotated[int, Field(ge=20, le=65536)] = 100
    """Storage at creation. RDS cannot shrink it."""
    max_allocated_storage_gib: Annotated[int, Field(ge=40, le=65536)] = 1000
    """Maximum storage for RDS storage autoscaling, in GiB."""
    multi_az: Annotated[
        bool, Production(one_of=(True,), because="without a standby the database is down as long as its zone")
    ] = True
    """A standby in another zone; a failover takes 60 to 120 s."""
    backup_retention_days: Annotated[
        int, Field(ge=1, le=35), Production(at_least=7, because="the guide keeps database backups for 7 days")
    ] = 35
    """The database can be restored to any moment of these last days."""
    deletion_protection: Protected = True
    """Refuse to delete or replace the databases."""
    log_retention_days: LogRetentionDays = 30
    connection_alarm_threshold: Annotated[int, Field(ge=10, le=5000)] = 80
    """The guide's DatabaseConnectionHigh."""
    apply_immediately: bool = False
    """Apply changes at once, even if they need a restart, instead of in the maintenance window."""
    recovery: RecoverySettings = RecoverySettings()

    @property
    def version(self) -> str:
        """Of PostgreSQL, for comparison: before an upgrade, while it may be under way, and after it."""
        return self.engine_version if self.upgrade_from is None else f"{self.upgrade_from} to {self.engine_version}"

    @model_validator(mode="after")
    def _upgrade_goes_up(self) -> Self:
        if self.upgrade_from is not None and int(self.upgrade_from) >= int(self.engine_version):
            raise ValueError(
                "upgrade_from is not older than engine_version; remove it once the upgrade is done: RDS cannot go back"
            )
        return self

    @model_validator(mode="after")
    def _recovers_or_upgrades(self) -> Self:
        if self.upgrade_from is not None and self.recovery.restore_time is not None:
            raise ValueError(
                "upgrade_from and recovery exclude each other: a restored database has the version of its moment; end "
                "one of them first"
            )
        return self

    @model_validator(mode="after")
    def _storage_can_grow(self) -> Self:
        if self.max_allocated_storage_gib < 2 * self.allocated_storage_gib:
            raise ValueError(
                "max_allocated_storage_gib is less than twice allocated_storage_gib, so storage could fill up; raise it"
            )
        return self


def memory_gib(settings: DatabaseSettings) -> float:
    """Memory of an instance of the configured class, in GiB."""
    return capacity_of(settings.instance_class).memory_gib
