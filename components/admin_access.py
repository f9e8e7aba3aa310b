"""How an operator gets onto a server: a Session Manager session, recorded, with no SSH and no open port.

It replaces the guide's VPN and SSH keys: an operator authenticates as an IAM identity with a second factor, and reaches
the database and the cache through a port forwarded in such a session.
"""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.sections.admin_access import AdminAccessSettings
from components.shared.keys import StackContext


@dataclass(frozen=True, kw_only=True)
class AdminAccessArgs:
    settings: AdminAccessSettings
    stack: StackContext


class AdminAccess(pulumi.ComponentResource):
    """Session document and the log group of session input and output."""

    document_name: pulumi.Output[str]
    session_log_group_arn: pulumi.Output[str]
    """Servers need permission to write to it; without it their sessions do not start."""

    def __init__(self, name: str, args: AdminAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:AdminAccess", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        identity = args.stack.identity
        log_group = aws.cloudwatch.LogGroup(
            f"{name}-session-log-group",
            name=f"/{identity.project}/{identity.environment}/admin-sessions",
            retention_in_days=args.settings.log_retention_days,
            kms_key_id=args.stack.keys.logs,
            opts=child,
        )
        document = aws.ssm.Document(
            f"{name}-session",
            name=identity.physical_name("aws:ssm/document:Document", f"{identity.prefix}-session"),
            document_type="Session",
            document_format="JSON",
            content=_session_document(args.settings, log_group.name),
            opts=child,
        )
        self.document_name = document.name
        self.session_log_group_arn = log_group.arn
        self.register_outputs({"document_name": self.document_name})


def _session_document(settings: AdminAccessSettings, log_group_name: pulumi.Output[str]) -> pulumi.Output[str]:
    def render(log_group: str) -> str:
        return json.dumps(
            {
                "schemaVersion": "1.0",
                "description": "Shell on an app server, recorded",
                "sessionType": "Standard_Stream",
                "inputs": {
                    "cloudWatchLogGroupName": log_group,
                    "cloudWatchEncryptionEnabled": True,
                    # Streamed during the session: the record survives even if the server does not.
                    "cloudWatchStreamingEnabled": True,
                    "s3BucketName": "",
                    "s3KeyPrefix": "",
                    "s3EncryptionEnabled": True,
                    "idleSessionTimeout": str(settings.idle_timeout_minutes),
                    "maxSessionDuration": str(settings.longest_session_minutes),
                    "runAsEnabled": False,
                    "runAsDefaultUser": "",
                    "kmsKeyId": "",
                    "shellProfile": {"linux": "", "windows": ""},
                },
            },
            sort_keys=True,
        )

    return log_group_name.apply(render)
