"""Domain DNS configured: alias targets exist, queries are logged, one authority issues certificates."""

from collections.abc import Iterator, Sequence
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource, UnknownValue, walk
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, rule
from policies.engine.stack import StackGraph

ROUTE53_GUIDE: Final = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide"
ALIAS_TARGETS: Final = (aws.LOAD_BALANCER, aws.DISTRIBUTION, aws.BUCKET)
ADDRESS_RECORDS: Final = ("A", "CNAME")
"""Records that give every client an address; AAAA alone reaches IPv6 only."""
BOTH_PROTOCOLS: Final = "dualstack."
"""What Route 53's console puts before the name of a load balancer."""


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
    stack = context.stack
    for index, alias in enumerate(record.items("aliases")):
        path = f"aliases.{index}.name"
        if any(stack.targets(record, path, target_type) for target_type in ALIAS_TARGETS):
            continue
        if _host_name(alias.get("name")) not in stack.derived(_host_names):
            yield "is an alias of a name that is not in the stack: another account may own that name"


def _host_names(stack: StackGraph) -> frozenset[str]:
    """Return every text in the stack that may be a host name, except what aliases say: what AWS has named is ours."""
    return frozenset(
        _host_name(value)
        for resource in stack.resources
        for path, value in walk(resource.properties)
        if isinstance(value, str) and "." in value and not path.startswith("aliases.")
    )


def _host_name(text: str) -> str:
    """Return a host name as names are compared: Route 53 and load balancers write the same one in several ways."""
    return text.lower().rstrip(".").removeprefix(BOTH_PROTOCOLS)


@rule(
    "dns-served-names-have-records",
    item=ChecklistItem.DNS,
    severity=RuleSeverity.CRITICAL,
    resource_types=[aws.CERTIFICATE],
    scope=Scope.STACK,
    documentation=f"{ROUTE53_GUIDE}/routing-to-elb-load-balancer.html",
    remediation="Declare an alias record of that name for the load balancer or the distribution.",
)
def served_names_have_records(certificate: StackResource, context: Context) -> Iterator[Problem]:
    """Every name that a listener or a distribution serves has a DNS record."""
    stack = context.stack
    if not _is_served(certificate, stack):
        return
    names = dict.fromkeys([*certificate.texts("domainName"), *certificate.texts("subjectAlternativeNames")])
    for name in names:
        if not name.startswith("*.") and _is_managed(name, certificate, stack) and not _has_record(name, stack):
            yield f"is for {name}, and no record has that name: clients cannot find what is served under it"


def _is_served(certificate: StackResource, stack: StackGraph) -> bool:
    holders = [certificate, *stack.referrers(certificate, aws.CERTIFICATE_VALIDATION, "certificateArn")]
    return any(
        stack.referrers(holder, resource_type, path)
        for holder in holders
        for resource_type, path in (
            (aws.LISTENER, "certificateArn"),
            (aws.DISTRIBUTION, "viewerCertificate.acmCertificateArn"),
        )
    )


def _is_managed(name: str, certificate: StackResource, stack: StackGraph) -> bool:
    """Tell whether the stack writes the records of a name: it has the zone, or validates the certificate in it."""
    zones = [_host_name(zone.get("name") or "") for zone in stack.of_type(aws.DNS_ZONE)]
    return any(name == zone or name.endswith(f".{zone}") for zone in zones) or any(
        certificate.urn in urns
        for record in stack.of_type(aws.DNS_RECORD)
        for urns in record.property_dependencies.values()
    )


def _has_record(name: str, stack: StackGraph) -> bool:
    """Tell whether a record gives an address for a name. Raises UnknownValue where that cannot be known."""
    unknown: UnknownValue | None = None
    for record in stack.of_type(aws.DNS_RECORD):
        try:
            if record.get("type") in ADDRESS_RECORDS and name in _names_of(record, stack):
                return True
        except UnknownValue as error:
            unknown = error
    if unknown is not None:
        raise unknown
    return False


def _names_of(record: StackResource, stack: StackGraph) -> Sequence[str]:
    """Return the full name of a record; the program may leave the zone's name out."""
    name = _host_name(record.get("name") or "")
    zones = stack.targets(record, "zoneId", aws.DNS_ZONE)
    return [name, *(f"{name}.{_host_name(zone.get('name') or '')}" for zone in zones)]
