"""Section `fixrx:backup_bucket`."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from components.shared.production import Production, Protected
from components.shared.section import Section


class BackupBucketSettings(Section):
    """Section `fixrx:backup_bucket`."""

    database_retention_days: Annotated[
        int, Field(ge=1, le=3650), Production(at_least=7, because="the guide keeps database dumps for 7 days")
    ] = 7
    """How long database dumps are kept; the guide's figure."""
    application_retention_days: Annotated[
        int, Field(ge=1, le=3650), Production(at_least=30, because="the guide keeps application archives for 30 days")
    ] = 30
    """How long archives of the application are kept; the guide's figure."""
    object_lock_days: Annotated[
        int,
        Field(ge=1, le=365),
        Production(at_least=7, because="stolen credentials must not be able to delete the backups of the last week"),
    ] = 7
    """Days for which a version of an object cannot be deleted."""
    protect: Protected = True
    """Refuse to delete the bucket. Without it, `pulumi destroy` deletes what is in it as well."""

    @model_validator(mode="after")
    def _lock_ends_before_lifecycle(self) -> Self:
        if self.object_lock_days > min(self.database_retention_days, self.application_retention_days):
            raise ValueError(
                "object_lock_days is longer than a retention: the lifecycle could not delete what the lock holds; "
                "lower object_lock_days or raise the retention"
            )
        return self
