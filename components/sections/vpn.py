"""Section `fixrx:vpn`."""

from ipaddress import IPv4Network
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from components.shared.section import RETENTION_AUDIT_DAYS, LogRetentionDays, Section, TextFormat

LARGEST_PREFIX, SMALLEST_PREFIX = 12, 22
"""Of the addresses of the clients; AWS gives half of them to connections that end."""


def _arn(service: str, kind: str) -> TextFormat:
    return TextFormat(
        pattern=rf"arn:aws:{service}:[a-z0-9-]*:[0-9]{{12}}:{kind}/[A-Za-z0-9_.-]+",
        description=f"the ARN of a {kind}",
        example=f"arn:aws:{service}::111122223333:{kind}/fixrx",
    )


CertificateArn = Annotated[str, _arn("acm", "certificate")]
SamlProviderArn = Annotated[str, _arn("iam", "saml-provider")]
GroupId = Annotated[
    str, TextFormat(pattern=r"[A-Za-z0-9_.:-]{1,128}", description="the id of a group", example="database-operators")
]
ClientBlock = Annotated[
    str,
    TextFormat(
        pattern=r"([0-9]{1,3}\.){3}0/(1[2-9]|2[0-2])",
        description="an address block from /12 to /22",
        example="10.200.0.0/22",
    ),
]


class VpnSettings(Section):
    """Section `fixrx:vpn`: AWS Client VPN, for those who must have one; Session Manager needs none of it. About 220 USD
    a month for three zones."""

    enabled: bool = False
    server_certificate_arn: CertificateArn | None = None
    """The endpoint's own certificate, in ACM."""
    saml_provider_arn: SamlProviderArn | None = None
    """Who signs people in, IAM Identity Center for instance; or else `client_certificate_arn`."""
    client_certificate_arn: CertificateArn | None = None
    """Certificate in ACM whose authority has signed those of the clients. It tells neither people nor groups apart."""
    group_ids: Annotated[tuple[GroupId, ...], Field(max_length=20)] = ()
    """Groups of the SAML provider that may reach the database and the cache."""
    client_block: ClientBlock = "10.200.0.0/22"
    """Addresses of the clients. It cannot be changed later, and must not meet the VPC's."""
    session_hours: Literal[8, 10, 12, 24] = 8
    """Then people sign in anew."""
    log_retention_days: LogRetentionDays = RETENTION_AUDIT_DAYS

    @model_validator(mode="after")
    def _people_sign_in(self) -> Self:
        if not self.enabled:
            return self
        if self.server_certificate_arn is None:
            raise ValueError("server_certificate_arn is missing; import the endpoint's certificate into ACM")
        if (self.saml_provider_arn is None) == (self.client_certificate_arn is None):
            raise ValueError("needs either saml_provider_arn or client_certificate_arn, to know who connects")
        if self.saml_provider_arn is not None and not self.group_ids:
            raise ValueError("group_ids is empty; name the groups of the SAML provider that may reach the database")
        if self.client_certificate_arn is not None and self.group_ids:
            raise ValueError("group_ids is for saml_provider_arn; certificates have no groups")
        return self

    @model_validator(mode="after")
    def _client_block_is_a_network(self) -> Self:
        try:
            IPv4Network(self.client_block)
        except ValueError:
            raise ValueError("client_block is no network; write it as 10.200.0.0/22") from None
        return self
