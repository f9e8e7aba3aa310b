"""Domain DNS configured: alias targets exist, queries are logged, one authority issues certificates."""

from collections.abc import Iterator
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, rule

ROUTE53_GUIDE: Final = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide"
ALIAS_TARGETS: Final = (aws.LOAD_BALANCER, aws.DISTRIBUTION, aws.BUCKET)


def _is_public(zone: StackResource) -> bool:
    return not zone.items("vpcs")


@rule(
    "dns-queries-are-logged",
    item=ChecklistItem.DNS,
    severity=RuleSeverity.LOW,
    resource_types=[aws.DNS_ZONE],
    scope=Scope.STACK,
    applies_to=_is_public,
    security_hub=["Route53.2"],
    remediation="Declare a route53.QueryLog for the zone.",
)
def queries_are_logged(zone: StackResource, context: Context) -> Iterator[Problem]:
    """Public hosted zones log DNS queries."""
    if not context.stack.has_referrer(zone, aws.DNS_QUERY_LOG, "zoneId"):
        yield "does not log DNS queries"


@rule(
    "dns-caa-record-exists",
    item=ChecklistItem.DNS,
    severity=RuleSeverity.LOW,
    resource_types=[aws.DNS_ZONE],
    scope=Scope.STACK,
    applies_to=_is_public,
    documentation=f"{ROUTE53_GUIDE}/ResourceRecordTypes.html#CAAFormat",
    remediation='Declare a CAA record with 0 issue "amazon.com".',
)
def caa_record_exists(zone: StackResource, context: Context) -> Iterator[Problem]:
    """Public hosted zones have a CAA record, which says who may issue certificates."""
    if not context.stack.has_referrer(
        zone, aws.DNS_RECORD, "zoneId", where=lambda record: bool(record.get("type") == "CAA")
    ):
        yield "has no CAA record: every certificate authority may issue certificates for it"


@rule(
    "dns-alias-targets-exist",
    item=ChecklistItem.DNS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.DNS_RECORD],
    scope=Scope.STACK,
    applies_to=lambda record: bool(record.items("aliases")),
    security_hub=["CloudFront.12"],
    remediation="Take the alias's name from the load balancer's dns_name.",
)
def alias_targets_exist(record: StackResource, context: Context) -> Iterator[Problem]:
    """Alias records point to resources of the stack."""
    for index in range(len(record.items("aliases"))):
        path = f"aliases.{index}.name"
        if not any(context.stack.targets(record, path, target_type) for target_type in ALIAS_TARGETS):
            yield "is an alias of a name that is not in the stack: another account may own that name"
