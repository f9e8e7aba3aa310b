"""What breaks the rules of `policies.rules.maintenance`."""

from tests.policies.changes import Case, drop, put

CASES = (
    Case(
        "maintenance-weekly-window-is-used",
        "replica",
        put("replica", "maintenanceWindow", "wed:14:00-wed:15:00"),
        ("replica", "maintenanceWindow"),
    ),
    Case(
        "maintenance-weekly-window-is-used",
        "cache",
        put("cache", "maintenanceWindow", "sun:03:00-sun:05:00"),
        ("cache", "maintenanceWindow"),
    ),
    Case("maintenance-weekly-window-is-used", "primary", drop("primary", "maintenanceWindow"), None),
    Case(
        "maintenance-backup-window-is-used",
        "primary",
        put("primary", "backupWindow", "12:00-12:30"),
        ("primary", "backupWindow"),
    ),
    Case("maintenance-backup-window-is-used", "cache", drop("cache", "snapshotWindow"), None),
)
