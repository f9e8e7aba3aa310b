"""Elastic Load Balancing: application load balancers, their target groups, listeners and rules."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.model import (
    Autoname,
    Feature,
    Inputs,
    Live,
    Request,
    ResourceType,
    call,
    constant,
)
from sandbox.provider.resource_provider import ProviderError
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.attributes import attribute_list
from sandbox.provider.tables.helpers import (
    capital,
    capitals,
    exactly_one,
    members,
    regular_type,
    required,
    tagging,
    uncapitals,
    without,
)
from sandbox.provider.values import UNKNOWN

_TAGGING = tagging("add_tags remove_tags describe_tags", "TagDescriptions[0].Tags", ResourceArns="id")


def elb_type(name: str, noun: str, **fields: Any) -> ResourceType:
    """A type that ELB creates, describes, tags and deletes by calls that are named after it."""
    key = f"{noun}Arn"
    fields = {"id": f"{noun}s[0].{key}", "tagging": _TAGGING, **fields}
    fields["attributes"] = {"arn": key, **fields.get("attributes", {})}
    return regular_type(f"aws:lb/{name[0].lower()}{name[1:]}:{name}", "elbv2", noun, key, listed=f"{key}s", **fields)


_APPLICATION_ATTRIBUTES = {
    "clientKeepAlive": "client_keep_alive.seconds",
    "connectionLogs.bucket": "connection_logs.s3.bucket",
    "connectionLogs.enabled": "connection_logs.s3.enabled",
    "connectionLogs.prefix": "connection_logs.s3.prefix",
    "desyncMitigationMode": "routing.http.desync_mitigation_mode",
    "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
    "enableHttp2": "routing.http2.enabled",
    "enableTlsVersionAndCipherSuiteHeaders": "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
    "enableWafFailOpen": "waf.fail_open.enabled",
    "enableXffClientPort": "routing.http.xff_client_port.enabled",
    "idleTimeout": "idle_timeout.timeout_seconds",
    "preserveHostHeader": "routing.http.preserve_host_header.enabled",
    "xffHeaderProcessingMode": "routing.http.xff_header_processing.mode",
}
_NETWORK_ATTRIBUTES = {
    "dnsRecordClientRoutingPolicy": "dns_record.client_routing_policy",
    "enableCrossZoneLoadBalancing": "load_balancing.cross_zone.enabled",
}


_LOAD_BALANCER_ATTRIBUTES = {
    "accessLogs.bucket": "access_logs.s3.bucket",
    "accessLogs.enabled": "access_logs.s3.enabled",
    "accessLogs.prefix": "access_logs.s3.prefix",
    "enableDeletionProtection": "deletion_protection.enabled",
    "enableZonalShift": "zonal_shift.config.enabled",
    **_APPLICATION_ATTRIBUTES,
    **_NETWORK_ATTRIBUTES,
}


def _attribute_applies(inputs: Inputs, path: str) -> bool:
    """AWS refuses attributes of the other kind of load balancer, even at their defaults."""
    other = _NETWORK_ATTRIBUTES if inputs.get("loadBalancerType") == "application" else _APPLICATION_ATTRIBUTES
    return path not in other


def _scheme(inputs: Inputs) -> dict[str, Any]:
    internal = inputs.get("internal", False)
    scheme = internal if internal == UNKNOWN else "internal" if internal else "internet-facing"
    return {**without(inputs, "internal"), "scheme": scheme}


_AMENDED = {
    "subnets": "set_subnets",
    "subnetMappings": "set_subnets",
    "securityGroups": "set_security_groups",
    "ipAddressType": "set_ip_address_type",
}


def _amend_load_balancer(api: Api, live: Live) -> None:
    mappings = {"subnetMappings": [capitals(one) for one in live.state.get("subnetMappings") or []]}
    for key, operation in _AMENDED.items():
        parameters = members({**live.state, **mappings}, key)
        if parameters:
            api(operation, LoadBalancerArn=live.id, **parameters)


def _check_protection(api: Api, live: Live) -> None:
    """AWS refuses to delete what is protected; the emulator does not."""
    attributes = api("describe_load_balancer_attributes", LoadBalancerArn=live.id)["Attributes"]
    if {"Key": "deletion_protection.enabled", "Value": "true"} in attributes:
        reason = "is protected against deletion: set enableDeletionProtection to false, update, then delete"
        raise ProviderError(f"the load balancer {live.state['name']} {reason}")


def _load_balancer_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    yield from exactly_one("subnets", "subnetMappings")(inputs)
    subnets = inputs.get("subnets")
    if isinstance(subnets, list) and inputs.get("loadBalancerType") == "application" and len(subnets) < 2:
        yield CheckFailure("subnets", "an application load balancer needs subnets in at least two availability zones")


_OFF = "dropInvalidHeaderFields enableDeletionProtection enableTlsVersionAndCipherSuiteHeaders enableWafFailOpen "
_OFF += "enableXffClientPort enableZonalShift internal preserveHostHeader"
_NAME = "[a-zA-Z0-9]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?"
_NAME_TEXT = "at most 32 letters, digits and hyphens"

_LOAD_BALANCER = elb_type(
    "LoadBalancer",
    "LoadBalancer",
    prepare=_scheme,
    renames={"loadBalancerType": "Type"},
    attributes={
        "name": "LoadBalancerName",
        "arnSuffix": lambda live: live.id.split(":loadbalancer/")[1],
        "dnsName": "DNSName",
        "zoneId": "CanonicalHostedZoneId",
        "internal": "Scheme == 'internal'",
        "subnets": "AvailabilityZones[].SubnetId",
        "subnetMappings": "AvailabilityZones[].{SubnetId: SubnetId}",
        "ipAddressType": "IpAddressType || 'ipv4'",
    },
    absent_outputs="enablePrefixForIpv6SourceNat enforceSecurityGroupInboundRulesOnPrivateLinkTraffic "
    "secondaryIpsAutoAssignedPerSubnet securityGroups",
    custom_update=_amend_load_balancer,
    custom_update_inputs=" ".join(_AMENDED),
    before_delete=_check_protection,
    replace="name namePrefix internal loadBalancerType customerOwnedIpv4Pool",
    autoname=Autoname("name", longest=32),
    defaults={
        **dict.fromkeys(_OFF.split(), False),
        "clientKeepAlive": 3600,
        "desyncMitigationMode": "defensive",
        "enableHttp2": True,
        "idleTimeout": 60,
        "loadBalancerType": "application",
        "xffHeaderProcessingMode": "append",
    },
    features=(attribute_list("load_balancer", "LoadBalancerArn", _LOAD_BALANCER_ATTRIBUTES, _attribute_applies),),
    rules={
        "name": rules.matches(f"(?!internal-){_NAME}", f"{_NAME_TEXT}, not begin with internal- or end with a hyphen"),
        "idleTimeout": rules.between(1, 4000),
        "clientKeepAlive": rules.between(60, 604800),
        "desyncMitigationMode": rules.one_of("monitor", "defensive", "strictest"),
        "xffHeaderProcessingMode": rules.one_of("append", "preserve", "remove"),
    },
    validate=_load_balancer_rules,
    references={
        "subnets": references.SUBNET,
        "subnetMappings.subnetId": references.SUBNET,
        "securityGroups": references.SECURITY_GROUP,
        "accessLogs.bucket": references.BUCKET,
        "connectionLogs.bucket": references.BUCKET,
    },
)

_HEALTH_CHECK = {
    "enabled": "HealthCheckEnabled",
    "healthyThreshold": "HealthyThresholdCount",
    "interval": "HealthCheckIntervalSeconds",
    "matcher": "Matcher.HttpCode",
    "path": "HealthCheckPath",
    "port": "HealthCheckPort",
    "protocol": "HealthCheckProtocol",
    "timeout": "HealthCheckTimeoutSeconds",
    "unhealthyThreshold": "UnhealthyThresholdCount",
}

_TARGET_ATTRIBUTES = {
    "connectionTermination": "deregistration_delay.connection_termination.enabled",
    "deregistrationDelay": "deregistration_delay.timeout_seconds",
    "lambdaMultiValueHeadersEnabled": "lambda.multi_value_headers.enabled",
    "loadBalancingAlgorithmType": "load_balancing.algorithm.type",
    "loadBalancingAnomalyMitigation": "load_balancing.algorithm.anomaly_mitigation",
    "loadBalancingCrossZoneEnabled": "load_balancing.cross_zone.enabled",
    "preserveClientIp": "preserve_client_ip.enabled",
    "proxyProtocolV2": "proxy_protocol_v2.enabled",
    "slowStart": "slow_start.duration_seconds",
    "stickiness.cookieDuration": "stickiness.lb_cookie.duration_seconds",
    "stickiness.cookieName": "stickiness.app_cookie.cookie_name",
    "stickiness.enabled": "stickiness.enabled",
    "stickiness.type": "stickiness.type",
    **{
        f"targetGroupHealth.{key}.minimumHealthyTargets{unit.capitalize()}": (
            f"target_group_health.{name}.minimum_healthy_targets.{unit}"
        )
        for key, name in {"dnsFailover": "dns_failover", "unhealthyStateRouting": "unhealthy_state_routing"}.items()
        for unit in ("count", "percentage")
    },
}


def _flat_health_check(inputs: Inputs) -> dict[str, Any]:
    """The health check's settings are parameters of the target group itself."""
    flat, check = without(inputs, "healthCheck"), inputs.get("healthCheck")
    if isinstance(check, Mapping):
        flat |= {f"healthCheck.{key}": value for key, value in check.items()}
    return flat


_STICKINESS = "lb_cookie app_cookie source_ip source_ip_dest_ip source_ip_dest_ip_proto"
_CODES = r"\d{1,3}(-\d{1,3})?"

_TARGET_GROUP = elb_type(
    "TargetGroup",
    "TargetGroup",
    prepare=_flat_health_check,
    renames={f"healthCheck.{key}": member for key, member in _HEALTH_CHECK.items()},
    attributes={
        "name": "TargetGroupName",
        "arnSuffix": lambda live: live.id.split(":")[-1],
        "healthCheck": "@",
        # The listeners decide which load balancer uses the group: that would change right after creation.
        "loadBalancerArns": constant([]),
        "ipAddressType": "IpAddressType || 'ipv4'",
        "protocolVersion": "ProtocolVersion || 'HTTP1'",
    },
    absent_outputs="connectionTermination loadBalancingAlgorithmType loadBalancingAnomalyMitigation "
    "loadBalancingCrossZoneEnabled preserveClientIp stickiness targetFailovers targetGroupHealth targetHealthStates",
    update=call("modify_target_group", TargetGroupArn="id"),
    replace="name namePrefix port protocol protocolVersion vpcId targetType ipAddressType",
    autoname=Autoname("name", longest=32),
    defaults={"targetType": "instance", "deregistrationDelay": 300, "slowStart": 0},
    features=(
        # AWS refuses a slow start together with some algorithms, even at its default: it is sent only when wanted.
        attribute_list(
            "target_group",
            "TargetGroupArn",
            _TARGET_ATTRIBUTES,
            lambda inputs, path: path != "slowStart" or inputs.get("slowStart") != 0,
        ),
    ),
    rules={
        "name": rules.matches(_NAME, _NAME_TEXT),
        "deregistrationDelay": rules.between(0, 3600),
        "slowStart": lambda value: None if value == "0" else rules.between(30, 900)(value),
        "loadBalancingAlgorithmType": rules.one_of("round_robin", "least_outstanding_requests", "weighted_random"),
        "stickiness.type": rules.one_word_of(_STICKINESS),
        "healthCheck.matcher": rules.matches(f"{_CODES}(,{_CODES})*", "codes such as 200 or 200-299"),
    },
    references={"vpcId": references.VPC},
)

_ACTION_RENAMES = {
    "*.arn": "TargetGroupArn",
    "*.duration": "DurationSeconds",
    "*.fixedResponse": "FixedResponseConfig",
    "*.forward": "ForwardConfig",
    "*.redirect": "RedirectConfig",
    "*.authenticateCognito": "AuthenticateCognitoConfig",
    "*.authenticateOidc": "AuthenticateOidcConfig",
    "*.jwtValidation": "JwtValidationConfig",
    "*.stickiness": "TargetGroupStickinessConfig",
}


_RESPONSE_HEADERS = "AccessControlAllowCredentials AccessControlAllowHeaders AccessControlAllowMethods "
_RESPONSE_HEADERS += "AccessControlAllowOrigin AccessControlExposeHeaders AccessControlMaxAge ContentSecurityPolicy "
_RESPONSE_HEADERS += "StrictTransportSecurity XContentTypeOptions XFrameOptions"
_REQUEST_HEADERS = "XAmznMtlsClientcert XAmznMtlsClientcertIssuer XAmznMtlsClientcertLeaf "
_REQUEST_HEADERS += "XAmznMtlsClientcertSerialNumber XAmznMtlsClientcertSubject XAmznMtlsClientcertValidity "
_REQUEST_HEADERS += "XAmznTlsCipherSuite XAmznTlsVersion"


def _words(name: str) -> str:
    """`XFrameOptions` -> `x_frame_options`, as ELB spells its attributes."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


_LISTENER_ATTRIBUTES = {
    **{
        f"routingHttpResponse{name}HeaderValue": f"routing.http.response.{_words(name)}.header_value"
        for name in _RESPONSE_HEADERS.split()
    },
    **{
        f"routingHttpRequest{name}HeaderName": f"routing.http.request.{_words(name)}.header_name"
        for name in _REQUEST_HEADERS.split()
    },
    "routingHttpResponseServerEnabled": "routing.http.response.server.enabled",
    "tcpIdleTimeoutSeconds": "tcp.idle_timeout.seconds",
}


def _listener_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    protocol = inputs.get("protocol")
    if protocol in ("HTTPS", "TLS") and inputs.get("certificateArn") is None:
        yield CheckFailure("certificateArn", f"a listener for {protocol} needs a certificate")
    if protocol == "HTTP" and inputs.get("certificateArn") is not None:
        yield CheckFailure("certificateArn", "a listener for HTTP takes no certificate")


def _certificates(inputs: Inputs) -> dict[str, Any]:
    arn = inputs.get("certificateArn")
    return {**inputs, "certificateArn": [{"arn": arn}] if arn else None}


_LISTENER = elb_type(
    "Listener",
    "Listener",
    prepare=_certificates,
    renames={**_ACTION_RENAMES, "certificateArn": "Certificates", "certificateArn.arn": "CertificateArn"},
    attributes={"certificateArn": "Certificates[0].CertificateArn", "loadBalancerArn": "LoadBalancerArn"},
    absent_outputs=f"mutualAuthentication sslPolicy {' '.join(_LISTENER_ATTRIBUTES)}",
    update=call("modify_listener", ListenerArn="id"),
    replaces_all=True,
    update_omits="loadBalancerArn",
    replace="loadBalancerArn",
    features=(attribute_list("listener", "ListenerArn", _LISTENER_ATTRIBUTES),),
    validate=_listener_rules,
    rules={
        "sslPolicy": rules.matches(r"ELBSecurityPolicy-[A-Za-z0-9-]+", "a security policy of ELB"),
        "routingHttpResponseXFrameOptionsHeaderValue": rules.matches(
            r"DENY|SAMEORIGIN|ALLOW-FROM .+", "DENY, SAMEORIGIN or ALLOW-FROM and an address"
        ),
        "routingHttpResponseXContentTypeOptionsHeaderValue": rules.one_of("nosniff"),
    },
    references={
        "loadBalancerArn": references.LOAD_BALANCER,
        "certificateArn": references.CERTIFICATE,
        "defaultActions.targetGroupArn": references.TARGET_GROUP,
        "defaultActions.forward.targetGroups.arn": references.TARGET_GROUP,
    },
)

_CONDITIONS = {
    "hostHeader": ("host-header", "HostHeaderConfig"),
    "httpHeader": ("http-header", "HttpHeaderConfig"),
    "httpRequestMethod": ("http-request-method", "HttpRequestMethodConfig"),
    "pathPattern": ("path-pattern", "PathPatternConfig"),
    "queryStrings": ("query-string", "QueryStringConfig"),
    "sourceIp": ("source-ip", "SourceIpConfig"),
}


def _conditions(inputs: Inputs) -> dict[str, Any]:
    """Each condition in ELB's form: a field, and its values in a structure named after it."""
    given = inputs.get("conditions")
    if not isinstance(given, list):
        return dict(inputs)
    return {**inputs, "conditions": [_condition(one) if isinstance(one, Mapping) else one for one in given]}


def _condition(given: Mapping[str, Any]) -> dict[str, Any]:
    condition: dict[str, Any] = {}
    for key, (name, member) in _CONDITIONS.items():
        if given.get(key):
            condition["Field"] = name
            condition[member] = {"values": given[key]} if key == "queryStrings" else _with_values(given[key])
    return condition


def _with_values(matcher: Any) -> Any:
    """The emulator keeps regular expressions, but accepts no condition without values: it gets them as both."""
    if not isinstance(matcher, Mapping) or not matcher.get("regexValues"):
        return matcher
    return {**matcher, "values": matcher["regexValues"]}


def _read_conditions(live: Live) -> list[dict[str, Any]]:
    properties: list[dict[str, Any]] = []
    for condition in live.description["Conditions"]:
        for key, (name, member) in _CONDITIONS.items():
            found = condition.get(member)
            if condition.get("Field") == name and found:
                if key == "queryStrings":
                    properties.append({key: [uncapitals(one) for one in found["Values"]]})
                else:
                    sent = without(found, "Values") if found.get("RegexValues") else found
                    properties.append({key: uncapitals(sent)})
    return properties


_NOT_IN_REGEX = re.compile(r"\(\?<?[=!]|\\[1-9]")
"""Looking ahead or back, and references to groups: AWS accepts neither in a rule."""


def _validate_rule(inputs: Inputs) -> Iterable[CheckFailure]:
    yield from required({"priority": "the sandbox needs a priority: AWS would choose one by the order of creation"})(
        inputs
    )
    for one in inputs.get("conditions") or ():
        for key in ("hostHeader", "httpHeader", "pathPattern"):
            matcher = one.get(key) if isinstance(one, Mapping) else None
            if isinstance(matcher, Mapping):
                yield from _validate_matcher(key, matcher)


def _validate_matcher(key: str, matcher: Mapping[str, Any]) -> Iterable[CheckFailure]:
    if matcher.get("values") and matcher.get("regexValues"):
        yield CheckFailure(f"conditions.{key}", "has values and regexValues; AWS accepts one of them")
    for regex in matcher.get("regexValues") or ():
        if isinstance(regex, str) and _NOT_IN_REGEX.search(regex):
            yield CheckFailure(f"conditions.{key}", "AWS's regular expressions know no look-around and no references")


def _set_priority(api: Api, live: Live) -> None:
    """The emulator takes a rule's own priority for that of another rule."""
    priority = live.state["priority"]
    [rule] = api("describe_rules", RuleArns=[live.id])["Rules"]
    if rule["Priority"] != str(priority):
        api("set_rule_priorities", RulePriorities=[{"RuleArn": live.id, "Priority": priority}])


def _transforms(inputs: Inputs, identifier: str) -> Iterable[Request]:
    transforms = [
        {"Type": one["type"], **{capital(key): _rewrites(one[key]) for key in one if key.endswith("Config")}}
        for one in inputs["transforms"]
    ]
    yield Request("modify_rule", {"RuleArn": identifier, "Transforms": transforms})


def _rewrites(config: Any) -> Any:
    if not isinstance(config, Mapping):
        return config
    rewrite = config.get("rewrite")
    return {"Rewrites": [{"Regex": rewrite["regex"], "Replace": rewrite["replace"]}]} if rewrite else {}


_LISTENER_RULE = elb_type(
    "ListenerRule",
    "Rule",
    prepare=_conditions,
    renames=_ACTION_RENAMES,
    attributes={"conditions": _read_conditions},
    write_only="listenerArn",
    update=call("modify_rule", RuleArn="id"),
    replaces_all=True,
    update_omits="listenerArn priority",
    after_update=_set_priority,
    replace="listenerArn",
    # The emulator drops transforms.
    features=(Feature(inputs="transforms", requests=_transforms, stored_only=True),),
    validate=_validate_rule,
    rules={"priority": rules.between(1, 50000)},
    references={
        "listenerArn": references.LISTENER,
        "actions.targetGroupArn": references.TARGET_GROUP,
        "actions.forward.targetGroups.arn": references.TARGET_GROUP,
    },
)

TYPES = (_LOAD_BALANCER, _TARGET_GROUP, _LISTENER, _LISTENER_RULE)
