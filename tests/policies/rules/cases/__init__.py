"""For every rule: what breaks it in the good platform, and an unknown value that leaves it undetermined.

One module for each module of rules.
"""

from tests.policies.rules.cases import (
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
    network,
    rate_limits,
    required_alarms,
    secrets,
    security_groups,
    security_headers,
    servers,
    storage,
    tagging,
    tls,
)

CASES = (
    *servers.CASES,
    *availability.CASES,
    *kubernetes.CASES,
    *tls.CASES,
    *dns.CASES,
    *cdn.CASES,
    *security_groups.CASES,
    *network.CASES,
    *admin_access.CASES,
    *database_access.CASES,
    *rate_limits.CASES,
    *security_headers.CASES,
    *monitoring.CASES,
    *required_alarms.CASES,
    *incidents.CASES,
    *encryption.CASES,
    *storage.CASES,
    *backups.CASES,
    *maintenance.CASES,
    *secrets.CASES,
    *identity.CASES,
    *tagging.CASES,
)
