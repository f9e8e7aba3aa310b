"""Admin access: recorded sessions instead of SSH."""

from components.admin_access import AdminAccess, AdminAccessArgs
from components.sections.admin_access import AdminAccessSettings
from tests.recorder import STACK, Recording, record


def test_sessions_are_recorded_while_they_run_and_end_by_themselves(production: Recording) -> None:
    document = production.named("admin-access-session")

    assert (document.plain["name"], document.plain["documentType"], document.plain["documentFormat"]) == (
        "fixrx-production-session",
        "Session",
        "JSON",
    )
    assert document.document("content") == {
        "schemaVersion": "1.0",
        "description": "Shell on an app server, recorded",
        "sessionType": "Standard_Stream",
        "inputs": {
            "cloudWatchLogGroupName": "/fixrx/production/admin-sessions",
            "cloudWatchEncryptionEnabled": True,
            "cloudWatchStreamingEnabled": True,
            "s3BucketName": "",
            "s3KeyPrefix": "",
            "s3EncryptionEnabled": True,
            "idleSessionTimeout": "20",
            "maxSessionDuration": "240",
            "runAsEnabled": False,
            "runAsDefaultUser": "",
            "kmsKeyId": "",
            "shellProfile": {"linux": "", "windows": ""},
        },
    }


def test_recordings_are_kept_for_a_year_under_the_logs_key(production: Recording) -> None:
    assert production.named("admin-access-session-log-group").pick("retentionInDays", "kmsKeyId") == {
        "retentionInDays": 365,
        "kmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/encryption-logs-key",
    }


def test_length_of_a_session_is_configured() -> None:
    def program() -> None:
        settings = AdminAccessSettings(idle_timeout_minutes=5, longest_session_minutes=30)
        AdminAccess("admin-access", AdminAccessArgs(settings=settings, stack=STACK))

    inputs = record(program).named("admin-access-session").document("content")["inputs"]
    assert (inputs["idleSessionTimeout"], inputs["maxSessionDuration"]) == ("5", "30")


def test_ssh_is_not_possible(stack: Recording, environment: str) -> None:
    """No key pair on servers, and no rule of a security group that spans port 22."""
    rules = [each for each in stack.registrations if "securityGroup" in each.type and "Rule" in each.type]

    assert "keyName" not in stack.named("app-servers-launch-template").plain
    assert [each.name for each in rules if each.plain["fromPort"] <= 22 <= each.plain["toPort"]] == []
    assert len(rules) == {"production": 29, "staging": 27}[environment]
