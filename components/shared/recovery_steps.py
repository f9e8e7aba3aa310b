"""What a recovery of the database refuses, in the preview and in `pulumi up`, before anything is changed.

RDS restores into a new instance only, so the restored database stands beside the first one (components/database.py).
Whether RDS can reach the chosen second depends on the day on which the instance is created, and not on later ones; so
that is compared when it is created, and not whenever the settings are read.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pulumi

from components.shared.recovery import LATEST, RecoverySettings

KEY = "fixrx:database.recovery"
LAG = timedelta(minutes=5)
"""RDS saves the transaction log every five minutes; what is newer cannot be restored yet."""
LONGEST_RETENTION_DAYS = 35
"""RDS's."""


class Refused(Exception):
    """A recovery that cannot be, or that would delete data: the setting, why, and what to do."""


def inputs_of(recovery: RecoverySettings) -> Mapping[str, str]:
    """Return what the component states about a recovery, so that the engine has the deployed one beside the new one."""
    if recovery.restore_time is None:
        return {}
    return {
        "recovery_source": recovery.automated_backups_arn or "primary",
        "recovery_time": recovery.restore_time,
        "serves": "restored" if recovery.serve else "primary",
    }


def refuse_steps(component: str, recovery: RecoverySettings) -> pulumi.ResourceOptions:
    """Return options of the component: a step that would delete or replace what is in use is refused."""

    def compare(args: pulumi.ResourceHookArgs) -> None:
        problem = wrong_step(args.old_inputs or {}, recovery)
        if problem:
            raise Refused(problem)

    hook = pulumi.ResourceHook(f"{component}-recovery-steps", compare, pulumi.ResourceHookOptions(on_dry_run=True))
    return pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_update=[hook]))


def refuse_unreachable(component: str, recovery: RecoverySettings, retention_days: int) -> pulumi.ResourceOptions:
    """Return options of the restored instance: it is not created for a second that RDS has no more, or not yet."""

    def compare(_: pulumi.ResourceHookArgs) -> None:
        problem = unreachable(recovery, retention_days, datetime.now(UTC))
        if problem:
            raise Refused(problem)

    hook = pulumi.ResourceHook(f"{component}-recovery-time", compare, pulumi.ResourceHookOptions(on_dry_run=True))
    return pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_create=[hook]))


def wrong_step(deployed: Mapping[str, object], recovery: RecoverySettings) -> str | None:
    """Return what is wrong with going from the deployed recovery to this one."""
    wanted = inputs_of(recovery)
    if "recovery_time" not in deployed:
        return None
    if not wanted:
        return (
            f"{KEY} is gone, but the restored database serves: set serve to false first, or keep the restored one as "
            "in docs/runbooks.md#recover-to-a-chosen-second."
            if deployed.get("serves") == "restored"
            else None
        )
    changed = [name for name in ("recovery_time", "recovery_source") if deployed.get(name) != wanted[name]]
    if changed:
        return (
            f"{KEY}: there is a database restored to {deployed['recovery_time']} from {deployed['recovery_source']}, "
            "and another moment or source would replace it: remove recovery and deploy first "
            "(docs/runbooks.md#recover-to-a-chosen-second, End)."
        )
    return None


def unreachable(recovery: RecoverySettings, retention_days: int, now: datetime) -> str | None:
    """Return why RDS cannot restore to the chosen second, None if it can."""
    if recovery.restore_time is None or recovery.restore_time == LATEST:
        return None
    days = LONGEST_RETENTION_DAYS if recovery.automated_backups_arn else retention_days
    moment = datetime.fromisoformat(recovery.restore_time)
    if moment < now - timedelta(days=days):
        return (
            f"{KEY}.restore_time: {recovery.restore_time} is older than the {days} days that RDS keeps: take a backup "
            "of the vault, docs/runbooks.md#restore-a-backup-of-the-vault."
        )
    if moment > now - LAG:
        return (
            f"{KEY}.restore_time: {recovery.restore_time} is less than {LAG.seconds // 60} minutes ago, which RDS has "
            f"not saved yet: wait, or set it to {LATEST}."
        )
    return None
