"""Section `fixrx:continuous_integration`."""

import re
from typing import Annotated, Self

from pydantic import model_validator

from components.shared.section import LABEL, Section, TextFormat

GITHUB = "token.actions.githubusercontent.com"


Repository = Annotated[
    str,
    TextFormat(
        pattern=r"[A-Za-z0-9-]+(@[0-9]+)?/[A-Za-z0-9._-]+(@[0-9]+)?",
        description="a GitHub repository",
        example="fixrx/infrastructure",
    ),
]


class ContinuousIntegrationSettings(Section):
    """Section `fixrx:continuous_integration`."""

    repository: Repository | None = None
    """GitHub repository whose workflows preview and deploy this stack; without it there are no roles. Written as
    GitHub writes it into its tokens: `owner/name`, and `owner@id/name@id` for one created since July 2026."""
    backend_repository: Repository | None = None
    """GitHub repository of the backend, whose workflow uploads releases from its environment `release`; needs
    `repository`. Without it no workflow may."""
    web_repository: Repository | None = None
    """GitHub repository of the website, whose workflow publishes static files from its environment `assets`; needs
    `repository`. Without it no workflow may."""
    identity_provider_arn: (
        Annotated[
            str,
            TextFormat(
                pattern=rf"arn:aws:iam::[0-9]{{12}}:oidc-provider/{re.escape(GITHUB)}",
                description="the ARN of GitHub's identity provider",
                example=f"arn:aws:iam::111122223333:oidc-provider/{GITHUB}",
            ),
        ]
        | None
    ) = None
    """Adopt GitHub's identity provider if the account already has it: an account can have only one."""
    state_bucket: (
        Annotated[
            str,
            TextFormat(
                # No two dots in a row, and no dot beside a hyphen (naming rules of S3).
                pattern=rf"(?=.{{3,}}$){LABEL}(\.{LABEL})*",
                description="the name of an S3 bucket",
                example="fixrx-pulumi-state",
                max_length=63,
            ),
        ]
        | None
    ) = None
    """S3 bucket of Pulumi's state backend, if the state is in S3."""
    state_key_arn: (
        Annotated[
            str,
            TextFormat(
                pattern=r"arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+",
                description="the ARN of a KMS key",
                example="arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            ),
        ]
        | None
    ) = None
    """KMS key that encrypts the secrets in the state, for the encryption context `stack=<environment>` only: the stack
    must be created with `--secrets-provider "awskms://<key id>?region=<region>&context_stack=<environment>"`."""

    @model_validator(mode="after")
    def _publishers_come_with_the_other_roles(self) -> Self:
        for key in ("backend_repository", "web_repository"):
            if getattr(self, key) is not None and self.repository is None:
                raise ValueError(f"{key} is set without repository; set both")
        return self
