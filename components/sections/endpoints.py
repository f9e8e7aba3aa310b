"""Section `fixrx:endpoints`."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator

from components.shared.section import Section


class InterfaceEndpoint(StrEnum):
    """AWS services that have an interface endpoint."""

    SSM = "ssm"
    SSM_MESSAGES = "ssmmessages"
    EC2_MESSAGES = "ec2messages"
    SECRETS_MANAGER = "secretsmanager"
    KMS = "kms"
    LOGS = "logs"
    STS = "sts"
    ECR_API = "ecr.api"
    ECR_DOCKER = "ecr.dkr"


def _check_services(services: tuple[InterfaceEndpoint, ...]) -> tuple[InterfaceEndpoint, ...]:
    if len(set(services)) != len(services):
        raise ValueError("names a service twice")
    return services


class EndpointsSettings(Section):
    """Section `fixrx:endpoints`."""

    interface_services: Annotated[tuple[InterfaceEndpoint, ...], AfterValidator(_check_services)] = (
        InterfaceEndpoint.SSM,
        InterfaceEndpoint.SSM_MESSAGES,
        InterfaceEndpoint.EC2_MESSAGES,
        InterfaceEndpoint.SECRETS_MANAGER,
        InterfaceEndpoint.KMS,
        InterfaceEndpoint.LOGS,
        InterfaceEndpoint.STS,
    )
    """AWS services that servers reach through an interface endpoint instead of the internet."""
