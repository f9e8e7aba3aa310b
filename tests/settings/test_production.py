"""Production's promises, which no configuration can weaken; and that they are production's alone."""

from typing import Any

import pytest

from settings import InvalidSettings, StackSettings, parse_settings
from tests.settings.configuration import as_pulumi_hands_it_over, changed, stack_file

CANNOT_BE_DELETED = "production cannot be deleted by accident; set true"
WEAKENINGS: list[tuple[dict[str, Any], str]] = [
    (
        {"network.availability_zones": ["us-east-1a", "us-east-1b"]},
        "network.availability_zones: production runs in three zones or more; add one",
    ),
    ({"network.nat": "single"}, "network.nat: single fails with its zone; production takes per_zone or regional"),
    ({"app_servers.min_size": 2}, "app_servers.min_size: production runs three servers or more; set 3"),
    (
        {"app_servers.instance_type": "t4g.large"},
        "app_servers.instance_type: slows down once its CPU credits are used up; production takes a type such as "
        "m7g.large",
    ),
    (
        {"database.instance_class": "db.t4g.large"},
        "database.instance_class: slows down once its CPU credits are used up; production takes a class such as "
        "db.m7g.large",
    ),
    (
        {"cache.node_type": "cache.t4g.small"},
        "cache.node_type: slows down once its CPU credits are used up; production takes a type such as cache.m7g.large",
    ),
    ({"database.multi_az": False}, "database.multi_az: production has a standby in another zone; set true"),
    ({"cache.nodes": 1}, "cache.nodes: production has a replica in another zone; set 2"),
    ({"load_balancer.deletion_protection": False}, f"load_balancer.deletion_protection: {CANNOT_BE_DELETED}"),
    ({"database.deletion_protection": False}, f"database.deletion_protection: {CANNOT_BE_DELETED}"),
    ({"cache.protect": False}, f"cache.protect: {CANNOT_BE_DELETED}"),
    ({"backup_bucket.protect": False}, f"backup_bucket.protect: {CANNOT_BE_DELETED}"),
    ({"dns.protect": False}, f"dns.protect: {CANNOT_BE_DELETED}"),
    ({"encryption.protect": False}, f"encryption.protect: {CANNOT_BE_DELETED}"),
    ({"network.protect": False}, f"network.protect: {CANNOT_BE_DELETED}"),
    ({"access_logs.protect": False}, f"access_logs.protect: {CANNOT_BE_DELETED}"),
    (
        {"database.backup_retention_days": 6},
        "database.backup_retention_days: production keeps 7 days or more; raise it",
    ),
    (
        {"cache.snapshot_retention_days": 6},
        "cache.snapshot_retention_days: production keeps 7 days or more; raise it",
    ),
    (
        {"backup_bucket.database_retention_days": 6, "backup_bucket.object_lock_days": 6},
        # The lock is never longer than the retention, so one does not come without the other.
        "backup_bucket.database_retention_days: production keeps 7 days or more; raise it\n"
        "fixrx:backup_bucket.object_lock_days: production keeps 7 days or more; raise it",
    ),
    (
        {"backup_bucket.application_retention_days": 29},
        "backup_bucket.application_retention_days: production keeps 30 days or more; raise it",
    ),
    (
        {"secrets.recovery_window_days": 0},
        "secrets.recovery_window_days: production keeps 7 days or more; raise it",
    ),
    ({"firewall.action": "count"}, "firewall.action: count lets every request through; production takes block"),
]


@pytest.mark.parametrize(("changes", "problem"), WEAKENINGS, ids=[problem.split(":")[0] for _, problem in WEAKENINGS])
def test_production_cannot_be_weakened(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidSettings) as refusal:
        parse_settings(as_pulumi_hands_it_over(changed(stack_file("production"), changes)))

    assert "\n".join(str(each) for each in refusal.value.problems) == f"fixrx:{problem}"


def test_every_protection_is_among_them() -> None:
    protections = {
        f"{section}.{setting}"
        for section, field in StackSettings.model_fields.items()
        for setting in getattr(field.annotation, "model_fields", {})
        if "protect" in setting
    }

    assert len(protections) == 8
    assert protections <= {key for changes, _ in WEAKENINGS for key in changes}


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
def test_production_may_differ_from_its_defaults_within_its_promises(changes: dict[str, Any]) -> None:
    parse_settings(as_pulumi_hands_it_over(changed(stack_file("production"), changes)))
