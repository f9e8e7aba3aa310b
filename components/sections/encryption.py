"""Section `fixrx:encryption`."""

from components.shared.production import Protected
from components.shared.section import Section


class EncryptionSettings(Section):
    """Section `fixrx:encryption`."""

    protect: Protected = True
    """Refuse to delete or replace a key: what it encrypted, backups included, is lost with it."""
