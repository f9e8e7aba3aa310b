"""What breaks the rules of `policies.rules.routing`."""

from tests.policies.changes import Case, both, put, remove

REDIRECT = [{"type": "redirect", "redirect": {"host": "fixrx.com", "statusCode": "HTTP_301"}}]

CASES = (
    Case(
        "load-balancer-listener-forwards",
        "https",
        both(put("https", "defaultActions", REDIRECT), remove("health")),
        ("https", "defaultActions"),
    ),
    Case(
        "load-balancer-target-group-has-targets",
        "targets",
        put("servers", "targetGroupArns", []),
        ("servers", "targetGroupArns"),
    ),
    Case(
        "load-balancer-subnets-reach-internet", "balancer", remove("public-internet"), ("public-internet", "gatewayId")
    ),
    Case("vpc-subnets-have-route-table", "data-b", remove("data-b-association"), ("data-b-association", "subnetId")),
    Case("vpc-nat-gateways-are-used", "nat", remove("app-internet"), ("app-internet", "natGatewayId")),
)
