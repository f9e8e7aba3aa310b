"""VPN access for admin operations, and SSH key-based authentication: both are met without an open port.

An administrator signs in to AWS and starts a Session Manager session. There is no SSH port, no key pair and no
password, and every session is recorded.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.iam_documents import InvalidDocument
from policies.engine.resource import StackResource, UnknownValue
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, rule

SESSION_MANAGER_POLICY: Final = "AmazonSSMManagedInstanceCore"
SYSTEMS_MANAGER_GUIDE: Final = "https://docs.aws.amazon.com/systems-manager/latest/userguide"
PASSWORD_LOGIN: Final = re.compile(
    r"^[^#\n]*(PasswordAuthentication[ =]+yes|\bchpasswd\b|ssh_pwauth:\s*(true|1|yes))", re.IGNORECASE | re.MULTILINE
)
"""How user data enables login with a password."""
START_SESSION: Final = "Remove the rule and start a session instead: aws ssm start-session --target <instance id>."


def _is_session_document(document: StackResource) -> bool:
    return bool(document.get("documentType") == "Session")


def _content(document: StackResource) -> Mapping[str, Any]:
    """Return what a document says. Raises InvalidDocument where it is neither JSON nor YAML."""
    text = document.get("content")
    try:
        # Every JSON document is a YAML document too.
        content = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise InvalidDocument("is neither valid JSON nor valid YAML") from error
    if not isinstance(content, Mapping):
        raise InvalidDocument("is no object with schemaVersion and inputs")
    return content


def _session_inputs(document: StackResource) -> Mapping[str, Any]:
    inputs: Mapping[str, Any] = _content(document).get("inputs") or {}
    return inputs


@rule(
    "admin-documents-are-valid",
    item=ChecklistItem.ADMIN_ACCESS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.SSM_DOCUMENT],
    applies_to=lambda document: bool(document.get("documentFormat") != "TEXT"),
    documentation=f"{SYSTEMS_MANAGER_GUIDE}/documents-syntax-data-elements-parameters.html",
    remediation="Correct `content`; json.dumps of a dictionary is always valid.",
)
def documents_are_valid(document: StackResource, _: Context) -> Iterator[Problem]:
    """The content of Systems Manager documents is JSON or YAML."""
    try:
        _content(document)
    except InvalidDocument as error:
        yield f"has content that AWS refuses: it {error}"


@rule(
    "admin-remote-login-is-not-public",
    item=ChecklistItem.ADMIN_ACCESS,
    severity=RuleSeverity.CRITICAL,
    resource_types=aws.INGRESS_TYPES | {aws.DEFAULT_SECURITY_GROUP},
    security_hub=["EC2.13", "EC2.14"],
    remediation=START_SESSION,
)
def remote_login_is_not_public(resource: StackResource, _: Context) -> Iterator[Problem]:
    """SSH and Remote Desktop are not open to the internet."""
    for each in aws.ingress_rules(resource):
        if isinstance(each, UnknownValue):
            yield each
            continue
        services = [
            f"{service} on port {port}" for port, service in aws.REMOTE_LOGIN_PORTS.items() if each.admits(port)
        ]
        if each.is_open_to_the_internet and services:
            yield f"allows remote login from the internet: {' and '.join(services)}"


@rule(
    "admin-ssh-port-is-closed",
    item=ChecklistItem.ADMIN_ACCESS,
    severity=RuleSeverity.HIGH,
    resource_types=aws.INGRESS_TYPES | {aws.DEFAULT_SECURITY_GROUP},
    scope=Scope.STACK,
    documentation=f"{SYSTEMS_MANAGER_GUIDE}/session-manager.html",
    remediation=START_SESSION,
)
def ssh_port_is_closed(resource: StackResource, context: Context) -> Iterator[Problem]:
    """No security group opens port 22, not even to private addresses, but to an EC2 Instance Connect Endpoint."""
    for each in aws.ingress_rules(resource):
        if isinstance(each, UnknownValue):
            yield each
            continue
        opens = not each.is_open_to_the_internet and each.protocol == "tcp" and each.admits(22)
        if opens and (len(each.ports) > 1 or not _is_from_instance_connect(resource, context)):
            yield "opens port 22: SSH needs keys on servers and does not record sessions"


def _is_from_instance_connect(rule_: StackResource, context: Context) -> bool:
    """Tell whether a rule admits nobody but an endpoint, to whose keys IAM is the door."""
    if rule_.type != aws.INGRESS_RULE:
        return False
    stack = context.stack
    return any(
        stack.has_referrer(group, aws.INSTANCE_CONNECT_ENDPOINT, "securityGroupIds")
        # Whoever else had the group would come in by the same rule.
        and not stack.has_referrer(group, aws.LAUNCH_TEMPLATE, "vpcSecurityGroupIds")
        and not stack.has_referrer(group, aws.CLIENT_VPN_ENDPOINT, "securityGroupIds")
        and not stack.has_referrer(group, aws.LOAD_BALANCER, "securityGroups")
        for group in stack.targets(rule_, "referencedSecurityGroupId", aws.SECURITY_GROUP)
    )


@rule(
    "admin-session-manager-enabled",
    item=ChecklistItem.ADMIN_ACCESS,
    severity=RuleSeverity.HIGH,
    resource_types=aws.SERVER_TYPES,
    applies_to=aws.starts_servers,
    scope=Scope.STACK,
    documentation=f"{SYSTEMS_MANAGER_GUIDE}/session-manager.html",
    remediation=f"Attach the managed policy {SESSION_MANAGER_POLICY} to the role of the instance profile.",
)
def session_manager_enabled(server: StackResource, context: Context) -> Iterator[Problem]:
    """The role of every server allows Session Manager."""
    stack = context.stack
    profiles = stack.targets(server, _profile_path(server), aws.INSTANCE_PROFILE)
    if not profiles and server.is_set("iamInstanceProfile"):
        # The profile belongs to another stack, where its role is checked.
        return
    roles = [role for profile in profiles for role in stack.targets(profile, "role", aws.ROLE)]
    managed = [arn for role in roles for arn in role.texts("managedPolicyArns")]
    for role in roles:
        for attachment in stack.referrers(role, aws.ROLE_POLICY_ATTACHMENT, "role"):
            managed += attachment.texts("policyArn")
    if not any(arn.endswith(f"/{SESSION_MANAGER_POLICY}") for arn in managed):
        yield "does not allow Session Manager: administrators can reach it only by SSH"


def _profile_path(server: StackResource) -> str:
    """A launch template names its profile by name or ARN, an instance by name."""
    if server.type != aws.LAUNCH_TEMPLATE:
        return "iamInstanceProfile"
    return "iamInstanceProfile.arn" if server.is_set("iamInstanceProfile.arn") else "iamInstanceProfile.name"


@rule(
    "admin-sessions-are-recorded",
    item=ChecklistItem.ADMIN_ACCESS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.SSM_DOCUMENT],
    applies_to=_is_session_document,
    documentation=f"{SYSTEMS_MANAGER_GUIDE}/session-manager-logging.html",
    remediation="Set cloudWatchLogGroupName and cloudWatchEncryptionEnabled in the document's `inputs`.",
)
def sessions_are_recorded(document: StackResource, _: Context) -> Iterator[Problem]:
    """Sessions of administrators are recorded, and the records are encrypted."""
    inputs = _session_inputs(document)
    if not inputs.get("cloudWatchLogGroupName") and not inputs.get("s3BucketName"):
        yield "does not record sessions: what an administrator did cannot be investigated"
    if inputs.get("cloudWatchLogGroupName") and not inputs.get("cloudWatchEncryptionEnabled"):
        yield "records sessions without encryption: the records hold all input and output"


@rule(
    "admin-session-timeout-is-set",
    item=ChecklistItem.ADMIN_ACCESS,
    severity=RuleSeverity.LOW,
    resource_types=[aws.SSM_DOCUMENT],
    applies_to=_is_session_document,
    documentation=f"{SYSTEMS_MANAGER_GUIDE}/session-preferences-timeout.html",
    remediation="Set `idle_timeout_minutes` in `fixrx:admin_access`.",
)
def session_timeout_is_set(document: StackResource, _: Context) -> Iterator[Problem]:
    """Idle sessions end after a time."""
    if not _session_inputs(document).get("idleSessionTimeout"):
        yield "has no idle session timeout: a session on an unattended computer stays open"


@rule(
    "admin-session-document-exists",
    item=ChecklistItem.ADMIN_ACCESS,
    severity=RuleSeverity.MEDIUM,
    resource_types=aws.SERVER_TYPES,
    scope=Scope.STACK,
    documentation=f"{SYSTEMS_MANAGER_GUIDE}/session-manager-logging.html",
    remediation='Declare an ssm.Document with document_type="Session".',
)
def session_document_exists(_: StackResource, context: Context) -> Iterator[Problem]:
    """A stack with servers has a Session document, which says how sessions are recorded."""
    if not any(map(_is_session_document, context.stack.of_type(aws.SSM_DOCUMENT))):
        yield "starts servers, and the stack has no Session document: sessions are not recorded"


@rule(
    "admin-documents-are-private",
    item=ChecklistItem.ADMIN_ACCESS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.SSM_DOCUMENT],
    security_hub=["SSM.4"],
    remediation="Remove `permissions`, or name the accounts.",
)
def documents_are_private(document: StackResource, _: Context) -> Iterator[Problem]:
    """Systems Manager documents are not public."""
    if "all" in str(document.get("permissions.account_ids") or "").lower().split(","):
        yield "is public: every AWS account can read how servers are administered"


@rule(
    "admin-vpn-connections-are-logged",
    item=ChecklistItem.ADMIN_ACCESS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.CLIENT_VPN_ENDPOINT],
    security_hub=["EC2.51"],
    remediation="Set enabled=True and a cloudwatch_log_group in connection_log_options.",
)
def vpn_connections_are_logged(endpoint: StackResource, _: Context) -> Iterator[Problem]:
    """Client VPN endpoints log connections."""
    if endpoint.get("connectionLogOptions.enabled") is not True:
        yield "does not log connections: access to the network cannot be investigated"


@rule(
    "admin-vpn-is-restricted",
    item=ChecklistItem.ADMIN_ACCESS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.CLIENT_VPN_ENDPOINT, aws.CLIENT_VPN_AUTHORIZATION],
    documentation="https://docs.aws.amazon.com/vpn/latest/clientvpn-admin/what-is-best-practices.html",
    remediation="Declare the endpoint with components/vpn.py: its own security group, sessions that end, named blocks.",
)
def vpn_is_restricted(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Client VPN endpoints have a security group of their own and sessions that end; access is to private blocks."""
    if resource.type == aws.CLIENT_VPN_AUTHORIZATION:
        if aws.is_internet(str(resource.get("targetNetworkCidr"))):
            yield "authorises a block that is wider than a private network"
        return
    if not resource.texts("securityGroupIds"):
        yield "has the VPC's default security group, which the connection table does not know"
    if resource.get("disconnectOnSessionTimeout") is not True:
        yield "lets sessions go on without signing in anew"


@rule(
    "admin-ssh-key-pairs-are-not-used",
    item=ChecklistItem.KEY_AUTHENTICATION,
    severity=RuleSeverity.HIGH,
    resource_types=aws.SERVER_TYPES,
    documentation=f"{SYSTEMS_MANAGER_GUIDE}/session-manager.html",
    remediation="Remove `key_name`.",
)
def ssh_key_pairs_are_not_used(server: StackResource, _: Context) -> Iterator[Problem]:
    """Servers have no SSH key pair."""
    if server.is_set("keyName"):
        yield "has an SSH key pair: a shared key cannot be traced to a person or revoked"


@rule(
    "admin-password-login-disabled",
    item=ChecklistItem.KEY_AUTHENTICATION,
    severity=RuleSeverity.CRITICAL,
    resource_types=aws.SERVER_TYPES,
    documentation=f"{SYSTEMS_MANAGER_GUIDE}/session-manager.html",
    remediation="Remove PasswordAuthentication, chpasswd or ssh_pwauth from the user data.",
)
def password_login_disabled(server: StackResource, _: Context) -> Iterator[Problem]:
    """User data does not enable login with a password."""
    if PASSWORD_LOGIN.search(aws.user_data(server)):
        yield "enables login with a password: passwords can be guessed"
