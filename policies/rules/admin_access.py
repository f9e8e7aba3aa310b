"""VPN access for admin operations, and SSH key-based authentication: both are met without any open port.

An administrator signs in to AWS and opens a Session Manager session; there is no SSH to attack, no key to lose and no
password to guess, and every session is on record.
"""

import base64
import json
import re
from collections.abc import Iterator

from policies.engine.checklist_items import ChecklistItem
from policies.engine.patterns import must_be, must_not_be_set
from policies.engine.resource import StackResource, UnknownValue
from policies.engine.rule import Context, Problem, Rule, RuleSeverity, Scope
from policies.network_rules import DEFAULT_GROUP, GROUP, OLDER_SEPARATE_RULE, SEPARATE_INGRESS, ingress_rules

REMOTE_LOGIN_PORTS = {22: "SSH", 3389: "Remote Desktop"}
INGRESS_KINDS = frozenset({SEPARATE_INGRESS, OLDER_SEPARATE_RULE, GROUP, DEFAULT_GROUP})
LAUNCH_TEMPLATE = "aws:ec2/launchTemplate"
SERVER_KINDS = frozenset({LAUNCH_TEMPLATE, "aws:ec2/instance", "aws:ec2/launchConfiguration"})
DOCUMENT = "aws:ssm/document"
CLIENT_VPN = "aws:ec2clientvpn/endpoint"
SESSION_MANAGER_POLICY = "AmazonSSMManagedInstanceCore"
SESSION_MANAGER_GUIDE = "https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager.html"
PASSWORD_LOGIN = re.compile(
    r"^[^#\n]*(PasswordAuthentication[ =]+yes|\bchpasswd\b|ssh_pwauth:\s*(true|1|yes))", re.IGNORECASE | re.MULTILINE
)
"""Ways in which start-up scripts let people log in with a password."""


def _no_remote_login_from_the_internet(resource: StackResource, _: Context) -> Iterator[Problem]:
    for rule in ingress_rules(resource):
        if isinstance(rule, UnknownValue):
            yield rule
            continue
        services = [f"{service}, port {port}" for port, service in REMOTE_LOGIN_PORTS.items() if rule.admits(port)]
        if rule.is_open_to_the_internet and services:
            yield f"lets the whole internet try to log in ({'; '.join(services)})"


def _no_ssh_port_at_all(resource: StackResource, _: Context) -> Iterator[Problem]:
    for rule in ingress_rules(resource):
        if isinstance(rule, UnknownValue):
            yield rule
        elif not rule.is_open_to_the_internet and rule.protocol == "tcp" and rule.admits(22):
            yield "opens port 22: SSH asks for keys on servers, and no session is recorded"


def user_data(server: StackResource) -> str:
    """Return a server's start-up script as text; launch templates carry it base64-encoded."""
    encoded = server.get("userDataBase64") or server.get("userData") or ""
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return str(encoded)


def _no_password_login(server: StackResource, _: Context) -> Iterator[Problem]:
    if PASSWORD_LOGIN.search(user_data(server)):
        yield "lets people log in with a password: passwords are guessed, keys and sessions are not"


def _session_manager_reaches_servers(server: StackResource, context: Context) -> Iterator[Problem]:
    profiles = context.stack.targets(server, _profile_path(server), "aws:iam/instanceProfile")
    if not profiles and server.is_set("iamInstanceProfile"):
        # It belongs to another stack, which answers for it.
        return
    roles = [role for profile in profiles for role in context.stack.targets(profile, "role", "aws:iam/role")]
    attachments = [
        attachment
        for role in roles
        for attachment in context.stack.referrers(role, "aws:iam/rolePolicyAttachment", "role")
    ]
    managed = [arn for role in roles for arn in role.texts("managedPolicyArns")]
    managed += [arn for attachment in attachments for arn in attachment.texts("policyArn")]
    if not any(arn.endswith(f"/{SESSION_MANAGER_POLICY}") for arn in managed):
        yield "cannot be reached by Session Manager: without it somebody will open SSH in an emergency"


def _profile_path(server: StackResource) -> str:
    """A launch template names its profile by name or ARN, an instance by name."""
    if server.type != LAUNCH_TEMPLATE:
        return "iamInstanceProfile"
    return "iamInstanceProfile.arn" if server.is_set("iamInstanceProfile.arn") else "iamInstanceProfile.name"


def _is_session_document(document: StackResource) -> bool:
    return bool(document.get("documentType") == "Session")


def _sessions_are_recorded(document: StackResource, _: Context) -> Iterator[Problem]:
    inputs = json.loads(document.get("content")).get("inputs", {})
    if not inputs.get("cloudWatchLogGroupName") and not inputs.get("s3BucketName"):
        yield "does not record sessions: nobody can tell what an administrator did"
    if inputs.get("cloudWatchLogGroupName") and not inputs.get("cloudWatchEncryptionEnabled"):
        yield "records sessions without encryption: what administrators type and see is in there"


def _sessions_end(document: StackResource, _: Context) -> Iterator[Problem]:
    if not json.loads(document.get("content")).get("inputs", {}).get("idleSessionTimeout"):
        yield "lets a forgotten session stay open: whoever sits down at that desk is an administrator"


def _recorded_sessions_exist(_: StackResource, context: Context) -> Iterator[Problem]:
    if not any(_is_session_document(document) for document in context.stack.of_type(DOCUMENT)):
        yield "starts servers, and the stack has no Session document: sessions on them are not recorded"


def _document_is_private(document: StackResource, _: Context) -> Iterator[Problem]:
    if "all" in str(document.get("permissions.accountIds") or "").lower().split(","):
        yield "is shared with every AWS account: what it runs tells how our servers are built"


RULES = (
    Rule(
        name="admin-remote-login-is-not-public",
        description="Nobody on the internet can reach SSH or Remote Desktop.",
        item=ChecklistItem.ADMIN_ACCESS,
        severity=RuleSeverity.CRITICAL,
        security_hub=("EC2.13", "EC2.14"),
        resource_types=INGRESS_KINDS,
        check=_no_remote_login_from_the_internet,
        remediation="Remove the rule and open a session instead: aws ssm start-session --target <instance id>.",
    ),
    Rule(
        name="admin-ssh-port-is-closed",
        description="No security group opens port 22, not even to an office.",
        item=ChecklistItem.ADMIN_ACCESS,
        severity=RuleSeverity.HIGH,
        documentation=SESSION_MANAGER_GUIDE,
        resource_types=INGRESS_KINDS,
        check=_no_ssh_port_at_all,
        remediation="Remove the rule and open a session instead: aws ssm start-session --target <instance id>.",
    ),
    Rule(
        name="admin-session-manager-enabled",
        description="Every server's role lets Session Manager in.",
        item=ChecklistItem.ADMIN_ACCESS,
        severity=RuleSeverity.HIGH,
        documentation=SESSION_MANAGER_GUIDE,
        scope=Scope.STACK,
        resource_types=SERVER_KINDS,
        check=_session_manager_reaches_servers,
        remediation=f"Give the instance profile's role the managed policy {SESSION_MANAGER_POLICY}.",
    ),
    Rule(
        name="admin-sessions-are-recorded",
        description="Administrators' sessions are recorded and encrypted.",
        item=ChecklistItem.ADMIN_ACCESS,
        severity=RuleSeverity.HIGH,
        documentation="https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-logging.html",
        resource_types=frozenset({DOCUMENT}),
        applies_to=_is_session_document,
        check=_sessions_are_recorded,
        remediation="Set cloudWatchLogGroupName and cloudWatchEncryptionEnabled in the document's `inputs`.",
    ),
    Rule(
        name="admin-session-timeout-is-set",
        description="Sessions end when nobody types.",
        item=ChecklistItem.ADMIN_ACCESS,
        severity=RuleSeverity.LOW,
        documentation="https://docs.aws.amazon.com/systems-manager/latest/userguide/session-preferences-timeout.html",
        resource_types=frozenset({DOCUMENT}),
        applies_to=_is_session_document,
        check=_sessions_end,
        remediation="Set `idle_timeout_minutes` in `fixrx:admin_access`.",
    ),
    Rule(
        name="admin-session-document-exists",
        description="A stack that starts servers says how sessions on them are recorded.",
        item=ChecklistItem.ADMIN_ACCESS,
        severity=RuleSeverity.MEDIUM,
        documentation="https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-logging.html",
        scope=Scope.STACK,
        resource_types=SERVER_KINDS,
        check=_recorded_sessions_exist,
        remediation='Declare an ssm.Document with document_type="Session".',
    ),
    Rule(
        name="admin-documents-are-private",
        description="Systems Manager documents are not shared with everybody.",
        item=ChecklistItem.ADMIN_ACCESS,
        severity=RuleSeverity.HIGH,
        security_hub=("SSM.4",),
        resource_types=frozenset({DOCUMENT}),
        check=_document_is_private,
        remediation="Remove `permissions`, or name the accounts.",
    ),
    Rule(
        name="admin-vpn-connections-are-logged",
        description="VPN endpoints log who connects.",
        item=ChecklistItem.ADMIN_ACCESS,
        severity=RuleSeverity.MEDIUM,
        security_hub=("EC2.51",),
        resource_types=frozenset({CLIENT_VPN}),
        check=must_be("connectionLogOptions.enabled", True, "keeps no log of who was in the network, and when"),
        remediation="Set enabled=True and a cloudwatch_log_group in connection_log_options.",
    ),
    Rule(
        name="admin-ssh-key-pairs-are-not-used",
        description="Servers have no SSH key pair.",
        item=ChecklistItem.KEY_AUTHENTICATION,
        severity=RuleSeverity.HIGH,
        documentation=SESSION_MANAGER_GUIDE,
        resource_types=SERVER_KINDS,
        check=must_not_be_set(
            "keyName", "starts servers with an SSH key pair: one shared key cannot be traced to a person or withdrawn"
        ),
        remediation="Remove `key_name`.",
    ),
    Rule(
        name="admin-password-login-disabled",
        description="Start-up scripts do not allow logging in with a password.",
        item=ChecklistItem.KEY_AUTHENTICATION,
        severity=RuleSeverity.CRITICAL,
        documentation=SESSION_MANAGER_GUIDE,
        resource_types=SERVER_KINDS,
        check=_no_password_login,
        remediation="Remove PasswordAuthentication, chpasswd or ssh_pwauth from the user data.",
    ),
)
