"""VPC endpoints: the AWS services that servers reach without the internet.

The gateway endpoint of S3 costs nothing. An interface endpoint costs about 7 USD per zone and month (us-east-1), plus
traffic.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.sections.endpoints import EndpointsSettings, InterfaceEndpoint
from components.shared import iam
from components.shared.connections import Placement
from components.shared.identity import StackIdentity

AMAZON_LINUX_REPOSITORY = "arn:aws:s3:::al2023-repos-{region}-de612dc2/*"
"""Bucket of Amazon Linux 2023's packages, read without credentials (AWS documentation)."""
IMAGE_LAYERS = "arn:aws:s3:::prod-{region}-starport-layer-bucket/*"
"""Bucket of ECR's image layers (AWS documentation)."""


@dataclass(frozen=True, kw_only=True)
class EndpointsArgs:
    settings: EndpointsSettings
    identity: StackIdentity
    placement: Placement
    route_table_ids: Sequence[pulumi.Input[str]]
    """Route tables of the subnets that reach S3 through the gateway endpoint."""
    pulls_images: bool = False
    """Whether something pulls images from ECR, which keeps their layers in a bucket of its own."""


class Endpoints(pulumi.ComponentResource):
    """Gateway endpoint of S3 and interface endpoints, for identities of this account only."""

    def __init__(self, name: str, args: EndpointsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Endpoints", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        s3 = self._create_s3_endpoint()
        interfaces = [self._create_interface_endpoint(service) for service in args.settings.interface_services]

        self.register_outputs({"endpoint_ids": [endpoint.id for endpoint in (s3, *interfaces)]})

    def _create_s3_endpoint(self) -> aws.ec2.VpcEndpoint:
        identity = self._args.identity
        return aws.ec2.VpcEndpoint(
            f"{self._name}-s3",
            vpc_id=self._args.placement.vpc_id,
            service_name=f"com.amazonaws.{identity.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=self._args.route_table_ids,
            policy=iam.document(
                iam.allow_account("*", identity.account_id),
                iam.statement(
                    "AmazonLinuxPackages",
                    principals=iam.ANY_PRINCIPAL,
                    actions=["s3:GetObject"],
                    resources=[AMAZON_LINUX_REPOSITORY.format(region=identity.region)],
                ),
                *self._image_layers(),
            ),
            opts=self._child,
        )

    def _image_layers(self) -> Sequence[iam.Statement]:
        """Layers are fetched with addresses that ECR has signed, as an identity of AWS's account."""
        if not self._args.pulls_images:
            return []
        return [
            iam.statement(
                "ImageLayers",
                principals=iam.ANY_PRINCIPAL,
                actions=["s3:GetObject"],
                resources=[IMAGE_LAYERS.format(region=self._args.identity.region)],
            )
        ]

    def _create_interface_endpoint(self, service: InterfaceEndpoint) -> aws.ec2.VpcEndpoint:
        identity, placement = self._args.identity, self._args.placement
        return aws.ec2.VpcEndpoint(
            f"{self._name}-{service.value.replace('.', '-')}",
            vpc_id=placement.vpc_id,
            service_name=f"com.amazonaws.{identity.region}.{service.value}",
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            subnet_ids=placement.subnet_ids,
            security_group_ids=[placement.security_group_id],
            policy=iam.document(iam.allow_account("*", identity.account_id)),
            opts=self._child,
        )
