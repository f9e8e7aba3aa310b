"""Load balancer: what the guide's nginx did, as listeners, headers and health checks."""

from tests.components.recorder import Recording

LISTENER = "aws:lb/listener:Listener"
LISTENER_RULE = "aws:lb/listenerRule:ListenerRule"
LOGS = {"bucket": "fixrx-access-logs-production-111122223333", "prefix": "load-balancer", "enabled": True}


def test_load_balancer_is_hardened(production: Recording) -> None:
    assert production.named("load-balancer-alb").plain == {
        "name": "fixrx-production",
        "loadBalancerType": "application",
        "internal": False,
        "ipAddressType": "dualstack",
        "subnets": ["network-public-a-id", "network-public-b-id", "network-public-c-id"],
        "securityGroups": ["load-balancer-id"],
        "idleTimeout": 60,
        "enableDeletionProtection": True,
        "dropInvalidHeaderFields": True,
        "desyncMitigationMode": "defensive",
        "enableHttp2": True,
        "enableZonalShift": True,
        "accessLogs": LOGS,
        "connectionLogs": LOGS,
    }


def test_load_balancer_waits_until_its_logs_can_be_delivered(stack: Recording) -> None:
    """AWS tries a delivery when logging is switched on, and refuses the load balancer if that fails."""
    assert "access-logs-store-policy" in stack.named("load-balancer-alb").depends_on


def test_staging_can_be_deleted(staging: Recording) -> None:
    assert staging.named("load-balancer-alb").plain["enableDeletionProtection"] is False


def test_there_are_two_listeners(stack: Recording) -> None:
    assert sorted(each.name for each in stack.of_type(LISTENER)) == ["load-balancer-http", "load-balancer-https"]


def test_plain_http_is_redirected_and_never_served(stack: Recording) -> None:
    assert stack.named("load-balancer-http").plain == {
        "loadBalancerArn": "arn:aws:lb:us-east-1:111122223333:load-balancer-alb",
        "port": 80,
        "protocol": "HTTP",
        "defaultActions": [
            {"type": "redirect", "redirect": {"port": "443", "protocol": "HTTPS", "statusCode": "HTTP_301"}}
        ],
    }


def test_https_speaks_modern_tls_and_sends_the_guides_headers(stack: Recording) -> None:
    assert stack.named("load-balancer-https").plain == {
        "loadBalancerArn": "arn:aws:lb:us-east-1:111122223333:load-balancer-alb",
        "port": 443,
        "protocol": "HTTPS",
        "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
        "certificateArn": "arn:aws:acm:us-east-1:111122223333:certificate-certificate",
        "defaultActions": [
            {"type": "forward", "targetGroupArn": "arn:aws:lb:us-east-1:111122223333:load-balancer-api"}
        ],
        "routingHttpResponseXFrameOptionsHeaderValue": "DENY",
        "routingHttpResponseXContentTypeOptionsHeaderValue": "nosniff",
        "routingHttpResponseStrictTransportSecurityHeaderValue": "max-age=31536000; includeSubDomains",
        "routingHttpResponseServerEnabled": False,
    }


def test_https_waits_for_a_certificate_that_has_been_issued(stack: Recording) -> None:
    assert "certificate-validation" in stack.named("load-balancer-https").depends_on


def test_servers_are_balanced_and_ejected_as_in_the_guide(stack: Recording) -> None:
    """`least_conn`, and three strikes ten seconds apart for `max_fails=3 fail_timeout=30s`."""
    assert stack.named("load-balancer-api").plain == {
        "vpcId": "network-vpc-id",
        "port": 3000,
        "protocol": "HTTP",
        "targetType": "instance",
        "loadBalancingAlgorithmType": "least_outstanding_requests",
        "deregistrationDelay": 60,
        "healthCheck": {
            "path": "/api/v1/system/ready",
            "protocol": "HTTP",
            "matcher": "200",
            "interval": 10,
            "timeout": 5,
            "healthyThreshold": 2,
            "unhealthyThreshold": 3,
        },
        "targetGroupHealth": {
            "dnsFailover": {"minimumHealthyTargetsCount": "1", "minimumHealthyTargetsPercentage": "off"},
            "unhealthyStateRouting": {"minimumHealthyTargetsCount": 1, "minimumHealthyTargetsPercentage": "off"},
        },
    }


def test_public_health_path_is_rewritten_to_the_deep_check(stack: Recording) -> None:
    (rule,) = stack.of_type(LISTENER_RULE)

    assert rule.plain == {
        "listenerArn": "arn:aws:lb:us-east-1:111122223333:load-balancer-https",
        "priority": 100,
        "conditions": [{"pathPattern": {"values": ["/health"]}}],
        "transforms": [
            {
                "type": "url-rewrite",
                "urlRewriteConfig": {"rewrite": {"regex": "^/health$", "replace": "/api/v1/system/health"}},
            }
        ],
        "actions": [{"type": "forward", "targetGroupArn": "arn:aws:lb:us-east-1:111122223333:load-balancer-api"}],
    }
