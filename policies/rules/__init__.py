"""The rules, one module per group of the checklist. `ALL_RULES` is the whole pack, in the order of the guide."""

from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.rule import Rule
from policies.rules import (
    admin_access,
    audit,
    aurora,
    availability,
    backups,
    cdn,
    database_access,
    delivery,
    dns,
    encryption,
    identity,
    incidents,
    kubernetes,
    maintenance,
    monitoring,
    network,
    privilege_escalation,
    rate_limits,
    required_alarms,
    resource_policies,
    routing,
    secrets,
    security_groups,
    security_headers,
    serverless,
    servers,
    storage,
    tagging,
    tls,
    trust,
)

MODULES: Final = (
    servers,
    availability,
    routing,
    aurora,
    serverless,
    delivery,
    kubernetes,
    tls,
    dns,
    cdn,
    security_groups,
    network,
    admin_access,
    database_access,
    rate_limits,
    security_headers,
    monitoring,
    required_alarms,
    incidents,
    encryption,
    storage,
    backups,
    audit,
    maintenance,
    secrets,
    identity,
    privilege_escalation,
    trust,
    resource_policies,
    tagging,
)

ALL_RULES: Final = tuple(value for module in MODULES for value in vars(module).values() if isinstance(value, Rule))
"""A rule is what the decorator `rule` made of a function: no list has to name it again."""

KNOWN_TYPES: Final = aws.TYPES_WITHOUT_RULES.union(
    aws.JOINED_TYPES,
    *(rule.resource_types for rule in ALL_RULES if rule.item is not ChecklistItem.TAGGING),
)
"""Types that the pack has something to say about, or about which there is nothing to say. Tags alone do not count."""
