"""Section `fixrx:secrets`."""

from typing import Annotated, Literal

from pydantic import Field

from components.shared.production import Production
from components.shared.section import Section, TextFormat

OauthProvider = Annotated[
    str, TextFormat(pattern=r"[a-z][a-z0-9]{1,30}", description="the name of an OAuth provider", example="google")
]


MOST_OAUTH_PROVIDERS = 20
"""Each adds a line to the user data, which EC2 limits to 16 KiB."""


class SecretsSettings(Section):
    """Section `fixrx:secrets`."""

    oauth_providers: Annotated[tuple[OauthProvider, ...], Field(max_length=MOST_OAUTH_PROVIDERS)] = ("google", "apple")
    """Each gets a container for its client secret, for instance OAUTH_GOOGLE_CLIENT_SECRET."""
    recovery_window_days: Annotated[
        Literal[0, 7, 14, 30], Production(at_least=7, because="a secret deleted by mistake must be restorable")
    ] = 30
    """Days within which a deleted secret can be restored."""
