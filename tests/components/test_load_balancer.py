"""Load balancer: what the guide's nginx did, as listeners, headers and health checks."""

from tests.recorder import Recording

LISTENER = "aws:lb/listener:Listener"
LISTENER_RULE = "aws:lb/listenerRule:ListenerRule"
LOGS = {"bucket": "fixrx-access-logs-production-111122223333", "prefix": "load-balancer", "enabled": True}


def test_load_balancer_is_hardened(production: Recording) -> None:
    assert production.named("load-balancer-alb").pick(
        "dropInvalidHeaderFields", "desyncMitigationMode", "enableDeletionProtection", "accessLogs", "connectionLogs"
    ) == {
        "dropInvalidHeaderFields": True,
        "desyncMitigationMode": "defensive",
        "enableDeletionProtection": True,
        "accessLogs": LOGS,
        "connectionLogs": LOGS,
    }


def test_load_balancer_is_public_in_every_zone(production: Recording) -> None:
    assert production.named("load-balancer-alb").pick("internal", "ipAddressType", "subnets", "securityGroups") == {
        "internal": False,
        "ipAddressType": "dualstack",
        "subnets": ["network-public-a-id", "network-public-b-id", "network-public-c-id"],
        "securityGroups": ["connections-load-balancer-id"],
    }


def test_load_balancer_waits_until_its_logs_can_be_delivered(stack: Recording) -> None:
    """AWS tries a delivery when logging is switched on, and refuses the load balancer if that fails."""
    assert "access-logs-store-policy" in stack.named("load-balancer-alb").depends_on


def test_staging_can_be_deleted(staging: Recording) -> None:
    assert staging.named("load-balancer-alb").plain["enableDeletionProtection"] is False


def test_there_are_two_listeners(stack: Recording) -> None:
    assert sorted(each.name for each in stack.of_type(LISTENER)) == ["load-balancer-http", "load-balancer-https"]


def test_plain_http_is_redirected_and_never_served(stack: Recording) -> None:
    assert stack.named("load-balancer-http").pick("port", "protocol", "defaultActions") == {
        "port": 80,
        "protocol": "HTTP",
        "defaultActions": [
            {"type": "redirect", "redirect": {"port": "443", "protocol": "HTTPS", "statusCode": "HTTP_301"}}
        ],
    }


def test_https_uses_tls_1_2_and_1_3_only(stack: Recording) -> None:
    assert stack.named("load-balancer-https").pick("port", "protocol", "sslPolicy") == {
        "port": 443,
        "protocol": "HTTPS",
        "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
    }


def test_https_sends_the_guides_headers(stack: Recording) -> None:
    listener = stack.named("load-balancer-https").plain

    assert {key: value for key, value in listener.items() if key.startswith("routing")} == {
        "routingHttpResponseXFrameOptionsHeaderValue": "DENY",
        "routingHttpResponseXContentTypeOptionsHeaderValue": "nosniff",
        "routingHttpResponseStrictTransportSecurityHeaderValue": "max-age=31536000; includeSubDomains",
        "routingHttpResponseServerEnabled": False,
    }


def test_https_waits_for_a_certificate_that_has_been_issued(stack: Recording) -> None:
    assert "certificate-validation" in stack.named("load-balancer-https").depends_on


def test_servers_are_balanced_and_ejected_as_in_the_guide(stack: Recording) -> None:
    """`least_conn`, and three strikes ten seconds apart for `max_fails=3 fail_timeout=30s`."""
    assert stack.named("load-balancer-api").pick("loadBalancingAlgorithmType", "healthCheck") == {
        "loadBalancingAlgorithmType": "least_outstanding_requests",
        "healthCheck": {
            "path": "/api/v1/system/ready",
            "protocol": "HTTP",
            "matcher": "200",
            "interval": 10,
            "timeout": 5,
            "healthyThreshold": 2,
            "unhealthyThreshold": 3,
        },
    }


def test_public_health_path_is_rewritten_to_the_deep_check(stack: Recording) -> None:
    rule = stack.named("load-balancer-health")

    assert rule.pick("conditions", "transforms", "actions") == {
        "conditions": [{"pathPattern": {"values": ["/health"]}}],
        "transforms": [
            {
                "type": "url-rewrite",
                "urlRewriteConfig": {"rewrite": {"regex": "^/health$", "replace": "/api/v1/system/health"}},
            }
        ],
        "actions": [{"type": "forward", "targetGroupArn": "arn:aws:lb:us-east-1:111122223333:load-balancer-api"}],
    }
