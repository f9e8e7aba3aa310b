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
    jwt_generation: Annotated[int, Field(ge=1)] = 1
    """Increase it by 1 to replace JWT_SECRET: the servers are replaced in the same `pulumi up`, and nobody is signed
    out if the API signs with JWT_SECRET and also accepts JWT_SECRET_PREVIOUS and JWT_SECRET_NEXT. After a leak increase
    it by 3, so that no key that a server knew is accepted any more; this signs out all users."""
    recovery_window_days: Annotated[
        Literal[0, 7, 14, 30], Production(at_least=7, because="a secret deleted by mistake must be restorable")
    ] = 30
    """Days within which a deleted secret can be restored."""
