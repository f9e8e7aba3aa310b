"""Foundation: permissions boundary, workflow roles, keys, network, connection table, log bucket, topics, sessions."""

from dataclasses import dataclass

import pulumi

from components.access_logs import AccessLogs, AccessLogsArgs
from components.admin_access import AdminAccess, AdminAccessArgs
from components.connections import Connections
from components.continuous_integration import ContinuousIntegration, ContinuousIntegrationArgs
from components.encryption import Encryption, EncryptionArgs
from components.network import Network
from components.notifications import Notifications, NotificationsArgs
from components.permissions_boundary import PermissionsBoundary, PermissionsBoundaryArgs
from components.shared.keys import StackContext
from components.shared.stack_options import options_for_account, tag_every_resource
from layers.network import build_network
from settings import StackSettings


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """What every other layer uses."""

    options: pulumi.ResourceOptions
    """Options of every component: the provider that accepts only the stack's account."""
    stack: StackContext
    workflows: ContinuousIntegration
    notifications: Notifications
    access_logs: AccessLogs
    admin_access: AdminAccess
    network: Network
    connections: Connections
    parts: tuple[pulumi.ComponentResource, ...]
    """All that something may still be under way in, when everything else is there."""


def build_foundation(settings: StackSettings) -> Foundation:
    identity = settings.identity
    tag_every_resource(identity)
    options = options_for_account(identity)
    boundary = PermissionsBoundary(
        "permissions-boundary", PermissionsBoundaryArgs(identity=identity, has_pods=settings.runtime.has_pods), options
    )
    boundary.set_on_every_role()
    workflows = ContinuousIntegration(
        "continuous-integration",
        ContinuousIntegrationArgs(
            settings=settings.continuous_integration,
            identity=identity,
            zone=settings.dns.zone,
            api_domain=settings.dns.api_domain,
            cdn_domain=settings.cdn_domain,
            boundary_arns=boundary.arns,
            has_pods=settings.runtime.has_pods,
        ),
        options,
    )
    encryption = Encryption("encryption", EncryptionArgs(settings=settings.encryption, identity=identity), options)
    stack = StackContext(identity=identity, keys=encryption.key_arns)
    network = build_network(settings, stack, options)
    notifications = Notifications(
        "notifications", NotificationsArgs(settings=settings.notifications, stack=stack), options
    )
    access_logs = AccessLogs("access-logs", AccessLogsArgs(settings=settings.access_logs, identity=identity), options)
    admin_access = AdminAccess("admin-access", AdminAccessArgs(settings=settings.admin_access, stack=stack), options)
    return Foundation(
        options=options,
        stack=stack,
        workflows=workflows,
        notifications=notifications,
        access_logs=access_logs,
        admin_access=admin_access,
        network=network.network,
        connections=network.connections,
        parts=(workflows, encryption, *network.parts, notifications, access_logs, admin_access),
    )
