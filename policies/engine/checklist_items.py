"""The guide, item by item: its pre-deployment checklist and the sections behind it that a deployment has to honour."""

from dataclasses import dataclass
from enum import Enum, unique


@dataclass(frozen=True)
class ItemText:
    """Where an item stands in the guide and how it reads there."""

    section: str
    text: str


_INFRASTRUCTURE = "Infrastructure Requirements"
_SECURITY = "Security Configuration"
_THIRD_PARTY = "Third-Party Services"
_OPERATION = "Beyond the checklist"


@unique
class ChecklistItem(Enum):
    """An item of the guide that rules enforce. The first three sections are its checklist, all eighteen lines of it."""

    POSTGRESQL = ItemText(_INFRASTRUCTURE, "PostgreSQL 14.9+ database server")
    REDIS = ItemText(_INFRASTRUCTURE, "Redis cache server (latest stable)")
    RUNTIME = ItemText(_INFRASTRUCTURE, "Node.js 18+ runtime environment")
    LOAD_BALANCER = ItemText(_INFRASTRUCTURE, "Load balancer (Nginx/HAProxy)")
    CERTIFICATES = ItemText(_INFRASTRUCTURE, "SSL certificates configured")
    DNS = ItemText(_INFRASTRUCTURE, "Domain DNS configured")
    CDN = ItemText(_INFRASTRUCTURE, "CDN setup for static assets")

    FIREWALL = ItemText(_SECURITY, "Firewall rules configured")
    ADMIN_ACCESS = ItemText(_SECURITY, "VPN access for admin operations")
    KEY_AUTHENTICATION = ItemText(_SECURITY, "SSH key-based authentication")
    DATABASE_ACCESS = ItemText(_SECURITY, "Database access restrictions")
    RATE_LIMITING = ItemText(_SECURITY, "API rate limiting configured")
    SECURITY_HEADERS = ItemText(_SECURITY, "Security headers implemented")

    TWILIO = ItemText(_THIRD_PARTY, "Twilio SMS service configured")
    SENDGRID = ItemText(_THIRD_PARTY, "SendGrid email service setup")
    FIREBASE = ItemText(_THIRD_PARTY, "Firebase push notifications ready")
    OAUTH = ItemText(_THIRD_PARTY, "OAuth providers configured")
    MONITORING = ItemText(_THIRD_PARTY, "Monitoring services integrated")

    ENCRYPTION = ItemText(_OPERATION, "Data encrypted at rest and in transit")
    BACKUPS = ItemText(_OPERATION, "Automated backup strategy")
    AVAILABILITY = ItemText(_OPERATION, "No single point of failure")
    MAINTENANCE = ItemText(_OPERATION, "Maintenance windows")
    LOGS = ItemText(_OPERATION, "Log management")
    SECRETS = ItemText(_OPERATION, "Secrets of the application")
    IDENTITY = ItemText(_OPERATION, "Least privilege")
    TAGGING = ItemText(_OPERATION, "Every resource has an owner")

    @property
    def on_checklist(self) -> bool:
        """Whether the item is a line of the pre-deployment checklist."""
        return self.value.section != _OPERATION
