"""Node.js 18+ runtime environment, and the EC2 instances that it runs on."""

import re
from collections.abc import Iterator
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, RuleSeverity, rule

NODE_VERSION: Final = re.compile(r"(?:\bnodejs|\bnode[_-]|setup_|nvm install )v?(\d+)")
"""How user data names the version that it installs: a package, a repository, a tool."""
OLDEST_NODE: Final = 22
"""Support of 18 ended in April 2025, of 20 in April 2026."""
IAM_GUIDE: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide"


@rule(
    "ec2-nodejs-version-is-supported",
    item=ChecklistItem.RUNTIME,
    severity=RuleSeverity.HIGH,
    resource_types=aws.SERVER_TYPES,
    documentation="https://nodejs.org/en/about/previous-releases",
    remediation='Set `node_version: "24"` in `fixrx:app_servers`.',
)
def nodejs_version_is_supported(server: StackResource, _: Context) -> Iterator[Problem]:
    """Servers install a version of Node.js with long-term support."""
    for version in sorted({int(match[1]) for match in NODE_VERSION.finditer(aws.user_data(server))}):
        if version < OLDEST_NODE or version % 2:
            yield f"installs Node.js {version}, which gets no security fixes"


@rule(
    "ec2-instance-profile-is-set",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=aws.SERVER_TYPES,
    applies_to=aws.starts_servers,
    documentation=f"{IAM_GUIDE}/id_roles_use_switch-role-ec2_instance-profiles.html",
    remediation="Set iam_instance_profile.",
)
def instance_profile_is_set(server: StackResource, _: Context) -> Iterator[Problem]:
    """Servers have an instance profile, so that they need no access keys."""
    if not server.is_set("iamInstanceProfile"):
        yield "has no instance profile: without a role, programs on it need long-term access keys"


@rule(
    "ec2-imdsv2-is-required",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.HIGH,
    resource_types=aws.SERVER_TYPES,
    security_hub=["EC2.8", "AutoScaling.3"],
    remediation='Set http_tokens="required" in metadata_options.',
)
def imdsv2_is_required(server: StackResource, _: Context) -> Iterator[Problem]:
    """Servers require session tokens for instance metadata (IMDSv2)."""
    if server.get("metadataOptions.httpEndpoint") == "disabled":
        return
    if server.get("metadataOptions.httpTokens") != "required":
        yield "allows IMDSv1: a request forged through the application can read the role's credentials"


@rule(
    "ec2-metadata-hop-limit-is-one",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=aws.SERVER_TYPES,
    security_hub=["AutoScaling.4"],
    remediation="Set http_put_response_hop_limit=1 in metadata_options.",
)
def metadata_hop_limit_is_one(server: StackResource, _: Context) -> Iterator[Problem]:
    """Instance metadata cannot be read from containers on a server."""
    if server.get("metadataOptions.httpEndpoint") == "disabled":
        return
    if (server.number("metadataOptions.httpPutResponseHopLimit") or 1) > 1:
        yield "has a metadata hop limit above 1: containers on it can read the role's credentials"


@rule(
    "ec2-public-ip-disabled",
    item=ChecklistItem.FIREWALL,
    severity=RuleSeverity.HIGH,
    resource_types=aws.SERVER_TYPES,
    security_hub=["EC2.9", "EC2.25", "AutoScaling.5"],
    remediation="Remove associate_public_ip_address and place the server in a private subnet.",
)
def public_ip_disabled(server: StackResource, _: Context) -> Iterator[Problem]:
    """Servers have no public IP address."""
    owners = server.items("networkInterfaces") if server.type == aws.LAUNCH_TEMPLATE else [server]
    if any(owner.get("associatePublicIpAddress") is True for owner in owners):
        yield "gets a public IP address: one wrong security group rule exposes it to the internet"
