"""What production requires, which no configuration can weaken, and that other environments may differ."""

from operator import attrgetter
from typing import Any

import pytest

from settings import InvalidSettings, StackSettings, parse_settings
from settings.production import production_requirements
from tests.settings.configuration import as_pulumi_hands_it_over, changed, stack_file

PROTECTED = "production requires true, because what holds data or an address must not be deleted by accident"
NOT_BURSTABLE = (
    "production requires an instance type that is not burstable, such as the m7g family, because a burstable instance "
    "slows down to a fraction of its CPU when its credits are used up"
)
WEAKENINGS: list[tuple[dict[str, Any], str]] = [
    (
        {"notifications.recovery_window_days": 0},
        "notifications.recovery_window_days: production requires at least 7, because a secret deleted by mistake must "
        "be restorable",
    ),
    (
        {"network.availability_zones": ["us-east-1a", "us-east-1b"]},
        "network.availability_zones: production requires at least 3, because two zones must carry the load while a "
        "third one fails",
    ),
    (
        {"network.nat": "single"},
        "network.nat: production requires per_zone or regional, because a single NAT gateway fails together with its "
        "zone",
    ),
    (
        {"app_servers.min_size": 2},
        "app_servers.min_size: production requires at least 3, because the guide runs three servers, one in each zone",
    ),
    ({"app_servers.instance_type": "t4g.large"}, f"app_servers.instance_type: {NOT_BURSTABLE}"),
    ({"database.instance_class": "db.t4g.large"}, f"database.instance_class: {NOT_BURSTABLE}"),
    ({"cache.node_type": "cache.t4g.small"}, f"cache.node_type: {NOT_BURSTABLE}"),
    (
        {"database.multi_az": False},
        "database.multi_az: production requires true, because without a standby the database is down as long as its "
        "zone",
    ),
    (
        {"cache.nodes": 1},
        "cache.nodes: production requires at least 2, because a single node is lost together with its zone",
    ),
    ({"load_balancer.deletion_protection": False}, f"load_balancer.deletion_protection: {PROTECTED}"),
    ({"database.deletion_protection": False}, f"database.deletion_protection: {PROTECTED}"),
    ({"cache.protect": False}, f"cache.protect: {PROTECTED}"),
    ({"backup_bucket.protect": False}, f"backup_bucket.protect: {PROTECTED}"),
    ({"notifications.protect": False}, f"notifications.protect: {PROTECTED}"),
    ({"dns.protect": False}, f"dns.protect: {PROTECTED}"),
    ({"encryption.protect": False}, f"encryption.protect: {PROTECTED}"),
    ({"network.protect": False}, f"network.protect: {PROTECTED}"),
    ({"cdn.protect": False}, f"cdn.protect: {PROTECTED}"),
    ({"access_logs.protect": False}, f"access_logs.protect: {PROTECTED}"),
    ({"backup_vault.protect": False}, f"backup_vault.protect: {PROTECTED}"),
    (
        {"backup_vault.enabled": False},
        "backup_vault.enabled: production requires true, because whoever may delete the database may delete its other "
        "backups together with it",
    ),
    (
        {"backup_vault.daily_retention_days": 34},
        "backup_vault.daily_retention_days: production requires at least 35, because a month and a few days of daily "
        "backups are agreed",
    ),
    (
        {"backup_vault.restore_test": False},
        "backup_vault.restore_test: production requires true, because a backup that was never restored is not known to "
        "be one",
    ),
    (
        {"database.backup_retention_days": 6},
        "database.backup_retention_days: production requires at least 7, because the guide keeps database backups for "
        "7 days",
    ),
    (
        {"cache.snapshot_retention_days": 6},
        "cache.snapshot_retention_days: production requires at least 7, because the guide keeps backups for 7 days",
    ),
    (
        {"backup_bucket.database_retention_days": 6, "backup_bucket.object_lock_days": 6},
        # The lock is never longer than the retention, so a shorter retention needs a shorter lock.
        "backup_bucket.database_retention_days: production requires at least 7, because the guide keeps database dumps "
        "for 7 days\n"
        "fixrx:backup_bucket.object_lock_days: production requires at least 7, because stolen credentials must not be "
        "able to delete the backups of the last week",
    ),
    (
        {"backup_bucket.application_retention_days": 29},
        "backup_bucket.application_retention_days: production requires at least 30, because the guide keeps "
        "application archives for 30 days",
    ),
    (
        {"secrets.recovery_window_days": 0},
        "secrets.recovery_window_days: production requires at least 7, because a secret deleted by mistake must be "
        "restorable",
    ),
    ({"kubernetes.deletion_protection": False}, f"kubernetes.deletion_protection: {PROTECTED}"),
    (
        {"kubernetes.node_instance_types": ["m7g.xlarge", "t4g.xlarge"]},
        f"kubernetes.node_instance_types: {NOT_BURSTABLE}",
    ),
    (
        {"kubernetes.nodes": 2, "kubernetes.max_pods": 5},
        "kubernetes.nodes: production requires at least 3, because a node in each zone is left when one is lost",
    ),
    (
        {"kubernetes.min_pods": 2},
        "kubernetes.min_pods: production requires at least 3, because the guide runs three, one in each zone",
    ),
    (
        {"web_acl.action": "count"},
        "web_acl.action: production requires block, because count lets every request through",
    ),
]


@pytest.mark.parametrize(("changes", "problem"), WEAKENINGS, ids=[problem.split(":")[0] for _, problem in WEAKENINGS])
def test_production_cannot_be_weakened(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidSettings) as refusal:
        parse_settings(as_pulumi_hands_it_over(changed(stack_file("production"), changes)))

    assert "\n".join(str(each) for each in refusal.value.problems) == f"fixrx:{problem}"


def test_every_requirement_of_a_field_is_among_them() -> None:
    required = {
        f"{section}.{setting}"
        for section, field in StackSettings.model_fields.items()
        for setting, described in getattr(field.annotation, "model_fields", {}).items()
        if production_requirements(described.metadata)
    }

    assert required == {key for changes, _ in WEAKENINGS for key in changes} - {"kubernetes.max_pods"}


def test_every_protection_has_a_requirement() -> None:
    protections = {
        f"{section}.{setting}": production_requirements(described.metadata) != []
        for section, field in StackSettings.model_fields.items()
        for setting, described in getattr(field.annotation, "model_fields", {}).items()
        if "protect" in setting
    }

    assert len(protections) == 12
    assert all(protections.values())


@pytest.mark.parametrize("environment", ["staging", "development"])
@pytest.mark.parametrize("changes", [changes for changes, _ in WEAKENINGS], ids=str)
def test_other_environments_may_be_weaker(environment: str, changes: dict[str, Any]) -> None:
    configuration = changed(stack_file("production"), {**changes, "environment": environment})

    assert parse_settings(as_pulumi_hands_it_over(configuration)).environment == environment


def test_all_weakenings_are_said_at_once() -> None:
    together = {key: value for changes, _ in WEAKENINGS for key, value in changes.items()}

    with pytest.raises(InvalidSettings) as refusal:
        parse_settings(as_pulumi_hands_it_over(changed(stack_file("production"), together)))

    expected = "\n".join(f"fixrx:{problem}" for _, problem in WEAKENINGS).splitlines()
    assert sorted(str(each) for each in refusal.value.problems) == sorted(expected)


def test_stack_called_production_is_production() -> None:
    configuration = changed(stack_file("production"), {"environment": "staging"})

    with pytest.raises(InvalidSettings) as refusal:
        parse_settings(as_pulumi_hands_it_over(configuration), "production")

    assert [str(each) for each in refusal.value.problems] == [
        "fixrx:environment: is staging, but the stack is called production; set it to production"
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"network.nat": "regional"},
        {"app_servers.min_size": 4, "app_servers.max_size": 8},
        {"database.backup_retention_days": 7},
        {"secrets.recovery_window_days": 7},
        {"cache.engine": "valkey", "cache.nodes": 3},
    ],
    ids=str,
)
def test_production_may_differ_from_its_defaults_within_its_requirements(changes: dict[str, Any]) -> None:
    settings = parse_settings(as_pulumi_hands_it_over(changed(stack_file("production"), changes)))

    assert {path: attrgetter(path)(settings) for path in changes} == changes
