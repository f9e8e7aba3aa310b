"""AWS Client VPN, an option: the database and the cache from a laptop, for those who must have it.

Only the data tier goes through the tunnel. Who connects has the addresses of the endpoint's network interfaces, so the
security group of the endpoint is what the connection table knows. Connections are logged, with who and when.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.sections.vpn import VpnSettings
from components.shared.connections import Placement
from components.shared.keys import StackContext


@dataclass(frozen=True, kw_only=True)
class VpnArgs:
    settings: VpnSettings
    stack: StackContext
    placement: Placement | None
    """None without a VPN."""
    target_blocks: Sequence[str]
    """What may be reached: the subnets of the data tier."""


class Vpn(pulumi.ComponentResource):
    """The endpoint, in every zone, and who may reach what through it."""

    def __init__(self, name: str, args: VpnArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Vpn", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        if args.placement is not None:
            self._create(args.placement)
        self.register_outputs({"enabled": args.settings.enabled})

    def _create(self, placement: Placement) -> None:
        endpoint = self._create_endpoint(placement)
        for number, subnet_id in enumerate(placement.subnet_ids):
            aws.ec2clientvpn.NetworkAssociation(
                f"{self._name}-association-{number}",
                client_vpn_endpoint_id=endpoint.id,
                subnet_id=subnet_id,
                opts=self._child,
            )
        self._authorize(endpoint)

    def _create_endpoint(self, placement: Placement) -> aws.ec2clientvpn.Endpoint:
        args, settings, identity = self._args, self._args.settings, self._args.stack.identity
        log_group = aws.cloudwatch.LogGroup(
            f"{self._name}-log-group",
            name=f"/{identity.project}/{identity.environment}/vpn",
            retention_in_days=settings.log_retention_days,
            kms_key_id=args.stack.keys.logs,
            opts=self._child,
        )
        authentication: aws.ec2clientvpn.EndpointAuthenticationOptionArgsDict = (
            {"type": "federated-authentication", "saml_provider_arn": settings.saml_provider_arn}
            if settings.saml_provider_arn is not None
            else {"type": "certificate-authentication", "root_certificate_chain_arn": settings.client_certificate_arn}
        )
        return aws.ec2clientvpn.Endpoint(
            f"{self._name}-endpoint",
            description=f"{identity.prefix}: database and cache for operators",
            server_certificate_arn=settings.server_certificate_arn or "",
            authentication_options=[authentication],
            client_cidr_block=settings.client_block,
            # AWS makes the stream itself.
            connection_log_options={"enabled": True, "cloudwatch_log_group": log_group.name},
            # Only what is for the data tier: the operator's other traffic is none of ours.
            split_tunnel=True,
            session_timeout_hours=settings.session_hours,
            disconnect_on_session_timeout=True,
            transport_protocol="udp",
            vpc_id=placement.vpc_id,
            security_group_ids=[placement.security_group_id],
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(placement.rules)),
        )

    def _authorize(self, endpoint: aws.ec2clientvpn.Endpoint) -> None:
        for block_number, block in enumerate(self._args.target_blocks):
            for group_number, group in enumerate(self._args.settings.group_ids or (None,)):
                aws.ec2clientvpn.AuthorizationRule(
                    f"{self._name}-authorization-{block_number}-{group_number}",
                    client_vpn_endpoint_id=endpoint.id,
                    target_network_cidr=block,
                    access_group_id=group,
                    authorize_all_groups=True if group is None else None,
                    description="Database and cache",
                    opts=self._child,
                )
