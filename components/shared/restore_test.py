"""AWS Backup's monthly restore test: when it restores, and when the verdict on what it has restored is looked for."""

from components.shared.maintenance_windows import Schedule

RESTORE_TEST_SCHEDULE = "cron(0 6 ? * SUN#1 *)"
"""First Sunday, 06:00 UTC: after the guide's monthly window."""
RESTORE_TEST_START_HOURS = 1
RESTORE_TEST_HOURS = 4
"""How long the restored instance stays, to be looked at."""
VERDICT = Schedule(name="verdict", job="drill", expression="cron(0 7 ? * SUN#1 *)", variables={"TASK": "restored"})
"""Once the restore has begun; the job waits for its end."""
