"""The rules, one module per group of the checklist. `ALL_RULES` is the whole pack, in the order of the guide."""

from typing import Final

from policies.engine.rule import Rule
from policies.rules import (
    admin_access,
    availability,
    backups,
    cdn,
    database_access,
    dns,
    encryption,
    identity,
    incidents,
    kubernetes,
    maintenance,
    monitoring,
    rate_limits,
    required_alarms,
    runtime,
    secrets,
    security_groups,
    security_headers,
    storage,
    tagging,
    tls,
)

ALL_RULES: Final[tuple[Rule, ...]] = (
    *runtime.RULES,
    *availability.RULES,
    *kubernetes.RULES,
    *tls.RULES,
    *dns.RULES,
    *cdn.RULES,
    *security_groups.RULES,
    *admin_access.RULES,
    *database_access.RULES,
    *rate_limits.RULES,
    *security_headers.RULES,
    *monitoring.RULES,
    *required_alarms.RULES,
    *incidents.RULES,
    *encryption.RULES,
    *storage.RULES,
    *backups.RULES,
    *maintenance.RULES,
    *secrets.RULES,
    *identity.RULES,
    *tagging.RULES,
)
