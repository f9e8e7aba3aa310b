"""EC2 Instance Connect Endpoint, an option: the guide's SSH with keys, without a public address and an open port.

A key is valid for a minute, for who may call `ec2-instance-connect:SendSSHPublicKey`. Unlike Session Manager it records
no session, so it is off unless asked for.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.shared.connections import Placement


@dataclass(frozen=True, kw_only=True)
class InstanceConnectArgs:
    placement: Placement | None
    """None without an endpoint."""


class InstanceConnect(pulumi.ComponentResource):
    """One endpoint, which AWS allows for a VPC."""

    def __init__(self, name: str, args: InstanceConnectArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:InstanceConnect", name, None, opts)
        if args.placement is not None:
            aws.ec2transitgateway.InstanceConnectEndpoint(
                f"{name}-endpoint",
                subnet_id=args.placement.subnet_ids[0],
                security_group_ids=[args.placement.security_group_id],
                # Servers admit its security group, so they must see its address.
                preserve_client_ip=False,
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.placement.rules)),
            )
        self.register_outputs({"enabled": args.placement is not None})
