"""Domain DNS configured: names lead to something of ours, queries are on record, one authority issues certificates."""

from collections.abc import Iterator
from typing import Final

from policies.engine.checklist_items import ChecklistItem
from policies.engine.patterns import must_have
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, Rule, RuleSeverity, Scope

ZONE: Final = "aws:route53/zone"
RECORD: Final = "aws:route53/record"
ROUTE53_GUIDE: Final = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide"
ALIAS_TARGETS: Final = ("aws:lb/loadBalancer", "aws:cloudfront/distribution", "aws:s3/bucket")


def _is_public(zone: StackResource) -> bool:
    return not zone.items("vpcs")


def _is_alias(record: StackResource) -> bool:
    return bool(record.items("aliases"))


def _leads_to_something_of_ours(record: StackResource, context: Context) -> Iterator[Problem]:
    for index in range(len(record.items("aliases"))):
        path = f"aliases.{index}.name"
        if not any(context.stack.targets(record, path, kind) for kind in ALIAS_TARGETS):
            yield "points at something that is not in the stack: whoever gets hold of it speaks in our name"


RULES = (
    Rule(
        name="dns-queries-are-logged",
        description="Public zones log their queries.",
        item=ChecklistItem.DNS,
        severity=RuleSeverity.LOW,
        security_hub=("Route53.2",),
        scope=Scope.STACK,
        resource_types=frozenset({ZONE}),
        applies_to=_is_public,
        check=must_have("aws:route53/queryLog", "zoneId", "does not log who asks for which name"),
        remediation="Declare a route53.QueryLog for the zone.",
    ),
    Rule(
        name="dns-caa-record-exists",
        description="Public zones say who may issue certificates.",
        item=ChecklistItem.DNS,
        severity=RuleSeverity.LOW,
        documentation=f"{ROUTE53_GUIDE}/ResourceRecordTypes.html#CAAFormat",
        scope=Scope.STACK,
        resource_types=frozenset({ZONE}),
        applies_to=_is_public,
        check=must_have(
            RECORD,
            "zoneId",
            "lets every authority issue certificates for it",
            where=lambda record: record.get("type") == "CAA",
        ),
        remediation='Declare a CAA record with 0 issue "amazon.com".',
    ),
    Rule(
        name="dns-alias-targets-exist",
        description="Alias records point at resources of the stack.",
        item=ChecklistItem.DNS,
        severity=RuleSeverity.HIGH,
        security_hub=("CloudFront.12",),
        scope=Scope.STACK,
        resource_types=frozenset({RECORD}),
        applies_to=_is_alias,
        check=_leads_to_something_of_ours,
        remediation="Take the alias's name from the load balancer's dns_name.",
    ),
)
