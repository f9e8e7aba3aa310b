"""A small platform that violates no rule, for tests to weaken one property at a time.

It is not FixRx's program: rules are tested against a platform that changes only together with them.
"""

import copy
import json
from functools import cache
from typing import Any

from tests.policies.exported import (
    ACCOUNT,
    SECRET,
    Added,
    Reference,
    State,
    arn,
    data_protection,
    document,
    encoded,
    tags,
)
from tests.policies.other_services import add_other_services

TLS_ONLY = {
    "Sid": "TlsOnly",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "sns:Publish",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
SECRET_VARIABLES = (
    "DATABASE_URL",
    "REPLICA_DATABASE_URL",
    "REDIS_URL",
    "JWT_SECRET",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
    "SENDGRID_API_KEY",
    "FIREBASE_PROJECT_ID",
    "FIREBASE_SERVICE_ACCOUNT",
    "OAUTH_GOOGLE_CLIENT_SECRET",
)


GIB = 1024**3


COST_PUBLISHERS = ["budgets.amazonaws.com", "costalerts.amazonaws.com"]


def good_platform() -> State:
    """Return a platform that violates no rule, for the caller to change."""
    return copy.deepcopy(_platform())


@cache
def _platform() -> State:
    state = State()
    _keys(state)
    _buckets(state)
    _network(state)
    _edge(state)
    _cdn(state)
    _servers(state)
    _vpn(state)
    _workflows(state)
    _databases(state)
    _cache(state)
    _secrets(state)
    _nightly_dump(state)
    _alarms(state)
    _chat(state)
    _backup_plan(state)
    _kubernetes(state)
    add_other_services(state)
    return state


def _keys(state: State) -> None:
    root = {
        "Sid": "AccountAdministers",
        "Effect": "Allow",
        "Principal": {"AWS": arn("root")},
        "Action": "kms:*",
        "Resource": "*",
    }
    publishers = {
        "Sid": "AlarmPublishers",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }
    of_costs = {**publishers, "Principal": {"Service": COST_PUBLISHERS}}
    for name, grants in (("data-key", []), ("topic-key", [publishers]), ("costs-key", [of_costs])):
        state.add(
            "aws:kms/key",
            name,
            {
                "enableKeyRotation": True,
                "deletionWindowInDays": 30,
                "policy": document(root, *grants),
                "tags": tags(name),
            },
            protect=True,
        )

    state.add("aws:kms/alias", "topic-alias", {"name": "alias/topic", "targetKeyId": Reference("topic-key", "id")})
    spare = state.add(
        "aws:kms/key",
        "spare-key",
        {"enableKeyRotation": True, "deletionWindowInDays": 30, "tags": tags("spare-key")},
        protect=True,
    )
    state.add("aws:kms/keyPolicy", "spare-policy", {"keyId": spare.id, "policy": document(root)})


def _buckets(state: State) -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:BypassGovernanceRetention", "Resource": "*"}
    _bucket(state, "logs", "fixrx-logs", {"sseAlgorithm": "AES256"}, {"filter": {"prefix": ""}})
    _bucket(
        state,
        "backups",
        "fixrx-backups",
        {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": Reference("data-key", "arn")},
        {"filter": {"prefix": "database/"}, "expiration": {"days": 7}},
        deny,
        objectLockEnabled=True,
    )
    state.add(
        "aws:s3/bucketLogging",
        "backups-logging",
        {"bucket": Reference("backups", "bucket"), "targetBucket": Reference("logs", "bucket")},
    )
    state.add(
        "aws:s3/bucketObjectLockConfiguration",
        "backups-lock",
        {
            "bucket": Reference("backups", "bucket"),
            "rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 7}},
        },
    )


def _bucket(
    state: State,
    name: str,
    physical_name: str,
    encryption: dict[str, Any],
    lifecycle_rule: dict[str, Any],
    *policy_statements: dict[str, Any],
    **inputs: Any,
) -> None:
    bucket = state.add("aws:s3/bucket", name, {"bucket": physical_name, "tags": tags(name), **inputs}, protect=True)
    state.add(
        "aws:s3/bucketPublicAccessBlock",
        f"{name}-block",
        {
            "bucket": bucket.bucket,
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        },
    )
    state.add(
        "aws:s3/bucketOwnershipControls",
        f"{name}-ownership",
        {"bucket": bucket.bucket, "rule": {"objectOwnership": "BucketOwnerEnforced"}},
    )
    state.add(
        "aws:s3/bucketVersioning",
        f"{name}-versioning",
        {"bucket": bucket.bucket, "versioningConfiguration": {"status": "Enabled"}},
    )
    state.add(
        "aws:s3/bucketServerSideEncryptionConfiguration",
        f"{name}-encryption",
        {"bucket": bucket.bucket, "rules": [{"applyServerSideEncryptionByDefault": encryption}]},
    )
    state.add(
        "aws:s3/bucketLifecycleConfiguration",
        f"{name}-lifecycle",
        {
            "bucket": bucket.bucket,
            "rules": [
                {**lifecycle_rule, "status": "Enabled"},
                {"status": "Enabled", "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1}},
            ],
        },
    )
    tls_only = {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn(name), f"{arn(name)}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    state.add(
        "aws:s3/bucketPolicy",
        f"{name}-policy",
        {"bucket": bucket.bucket, "policy": document(tls_only, *policy_statements)},
    )


def _network(state: State) -> None:
    vpc = state.add("aws:ec2/vpc", "vpc", {"cidrBlock": "10.0.0.0/16", "tags": tags("vpc")})
    state.add("aws:ec2/defaultSecurityGroup", "default", {"vpcId": vpc.id, "tags": tags("default")})
    flows = _log_group(state, "flows", "flows")
    state.add(
        "aws:ec2/flowLog",
        "flow-log",
        {"vpcId": vpc.id, "trafficType": "ALL", "logDestination": flows.arn, "tags": tags("flow-log")},
    )
    gateway = state.add("aws:ec2/internetGateway", "gateway", {"vpcId": vpc.id, "tags": tags("gateway")})
    for tier in ("public", "app", "data"):
        table = state.add("aws:ec2/routeTable", f"{tier}-table", {"vpcId": vpc.id, "tags": tags(f"{tier}-table")})
        for zone in "ab":
            subnet = state.add(
                "aws:ec2/subnet",
                f"{tier}-{zone}",
                {
                    "vpcId": vpc.id,
                    "mapPublicIpOnLaunch": False,
                    "availabilityZone": f"us-east-1{zone}",
                    "tags": tags(f"{tier}-{zone}"),
                },
            )
            state.add(
                "aws:ec2/routeTableAssociation",
                f"{tier}-{zone}-association",
                {"routeTableId": table.id, "subnetId": subnet.id},
            )
        if tier == "public":
            state.add(
                "aws:ec2/route",
                "public-internet",
                {"routeTableId": table.id, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateway.id},
            )
            nat = state.add("aws:ec2/natGateway", "nat", {"subnetId": Reference("public-a", "id"), "tags": tags("nat")})
        if tier == "app":
            state.add(
                "aws:ec2/route",
                "app-internet",
                {"routeTableId": table.id, "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": nat.id},
            )
    state.add(
        "aws:ec2/vpcEndpoint",
        "s3-endpoint",
        {
            "vpcId": vpc.id,
            "policy": document(
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": "*"},
                    "Action": "*",
                    "Resource": "*",
                    "Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}},
                }
            ),
            "tags": tags("s3-endpoint"),
        },
    )
    state.add(
        "aws:ec2/networkAcl",
        "public-acl",
        {
            "vpcId": vpc.id,
            "ingress": [
                _acl_entry(100, "deny", 22),
                _acl_entry(101, "deny", 3389),
                _acl_entry(200, "allow", 443),
                {**_acl_entry(300, "allow", 1024), "toPort": 65535},
            ],
            "tags": tags("public-acl"),
        },
    )
    for name, description in (("alb", "Way in"), ("app", "Servers"), ("db", "PostgreSQL"), ("redis", "Redis")):
        state.add(
            "aws:ec2/securityGroup",
            f"{name}-group",
            {"vpcId": vpc.id, "description": description, "tags": tags(f"{name}-group")},
        )
    for name in ("alb", "app", "db", "redis"):
        state.add(
            "aws:ec2/vpcSecurityGroupRulesExclusive",
            f"{name}-exclusive",
            {"securityGroupId": Reference(f"{name}-group", "id")},
        )
    for port in (80, 443):
        _ingress(state, f"web-{port}", "alb-group", port, cidrIpv4="0.0.0.0/0")
    _ingress(state, "app-from-alb", "app-group", 3000, referencedSecurityGroupId=Reference("alb-group", "id"))
    _ingress(state, "db-from-app", "db-group", 5432, referencedSecurityGroupId=Reference("app-group", "id"))
    _ingress(state, "redis-from-app", "redis-group", 6379, referencedSecurityGroupId=Reference("app-group", "id"))
    state.add(
        "aws:vpc/securityGroupEgressRule",
        "app-to-internet",
        {
            "securityGroupId": Reference("app-group", "id"),
            "ipProtocol": "tcp",
            "fromPort": 443,
            "toPort": 443,
            "cidrIpv4": "0.0.0.0/0",
            "description": "Twilio, SendGrid, Firebase, OAuth",
            "tags": tags("app-to-internet"),
        },
    )


def _log_group(state: State, name: str, physical_name: str) -> Added:
    return state.add(
        "aws:cloudwatch/logGroup",
        name,
        {
            "name": physical_name,
            "retentionInDays": 30,
            "kmsKeyId": Reference("data-key", "arn"),
            "tags": tags(name),
        },
    )


def _acl_entry(number: int, action: str, port: int) -> dict[str, Any]:
    return {
        "ruleNo": number,
        "action": action,
        "protocol": "tcp",
        "fromPort": port,
        "toPort": port,
        "cidrBlock": "0.0.0.0/0",
    }


def _ingress(state: State, name: str, group: str, port: int, **source: Any) -> None:
    state.add(
        "aws:vpc/securityGroupIngressRule",
        name,
        {
            "securityGroupId": Reference(group, "id"),
            "ipProtocol": "tcp",
            "fromPort": port,
            "toPort": port,
            "description": f"Port {port}",
            "tags": tags(name),
            **source,
        },
    )


def _edge(state: State) -> None:
    balancer = state.add(
        "aws:lb/loadBalancer",
        "balancer",
        {
            "loadBalancerType": "application",
            "internal": False,
            "subnets": [Reference("public-a", "id"), Reference("public-b", "id")],
            "securityGroups": [Reference("alb-group", "id")],
            "enableDeletionProtection": True,
            "dropInvalidHeaderFields": True,
            "desyncMitigationMode": "defensive",
            "accessLogs": {"enabled": True, "bucket": Reference("logs", "bucket")},
            "connectionLogs": {"enabled": True, "bucket": Reference("logs", "bucket")},
            "tags": tags("balancer"),
        },
        protect=True,
        dnsName="balancer.elb.amazonaws.com",
        arnSuffix="app/balancer/1",
    )
    _dns(state)
    state.add(
        "aws:lb/listener",
        "http",
        {
            "loadBalancerArn": balancer.arn,
            "port": 80,
            "protocol": "HTTP",
            "defaultActions": [
                {
                    "type": "redirect",
                    "redirect": {"port": "443", "protocol": "HTTPS", "statusCode": "HTTP_301"},
                }
            ],
            "tags": tags("http"),
        },
    )
    certificate = state.add(
        "aws:acm/certificate",
        "certificate",
        {
            "domainName": "api.fixrx.com",
            "validationMethod": "DNS",
            "keyAlgorithm": "RSA_2048",
            "options": {"certificateTransparencyLoggingPreference": "ENABLED"},
            "tags": tags("certificate"),
        },
    )
    validation = state.add("aws:acm/certificateValidation", "validation", {"certificateArn": certificate.arn})
    target_group = state.add(
        "aws:lb/targetGroup", "targets", {"healthCheck": {"path": "/ready", "interval": 10}, "tags": tags("targets")}
    )
    https = state.add(
        "aws:lb/listener",
        "https",
        {
            "loadBalancerArn": balancer.arn,
            "port": 443,
            "protocol": "HTTPS",
            "sslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
            "certificateArn": validation.certificateArn,
            "defaultActions": [{"type": "forward", "targetGroupArn": target_group.arn}],
            "routingHttpResponseXFrameOptionsHeaderValue": "DENY",
            "routingHttpResponseXContentTypeOptionsHeaderValue": "nosniff",
            "routingHttpResponseStrictTransportSecurityHeaderValue": "max-age=31536000; includeSubDomains",
            "routingHttpResponseServerEnabled": False,
            "tags": tags("https"),
        },
    )
    state.add(
        "aws:lb/listenerRule",
        "health",
        {
            "listenerArn": https.arn,
            "actions": [{"type": "forward", "targetGroupArn": target_group.arn}],
            "tags": tags("health"),
        },
    )
    acl = state.add(
        "aws:wafv2/webAcl", "acl", {"visibilityConfig": _visibility(), "scope": "REGIONAL", "tags": tags("acl")}
    )
    state.add(
        "aws:wafv2/webAclRule",
        "rate-limit",
        {
            "webAclArn": acl.arn,
            "action": {"block": {}},
            "statement": {"rateBasedStatement": {"limit": 620, "evaluationWindowSec": 60, "aggregateKeyType": "IP"}},
            "visibilityConfig": _visibility(),
        },
    )
    lower = {"textTransformations": [{"priority": 0, "type": "LOWERCASE"}], "regexString": "^/otp$"}
    state.add(
        "aws:wafv2/webAclRule",
        "paid-messages",
        {
            "webAclArn": acl.arn,
            "action": {"block": {}},
            "statement": {
                "rateBasedStatement": {
                    "limit": 10,
                    "evaluationWindowSec": 300,
                    "aggregateKeyType": "IP",
                    "scopeDownStatement": {"regexMatchStatement": lower},
                }
            },
            "visibilityConfig": _visibility(),
        },
    )
    for group, override in (
        ("AmazonIpReputationList", "none"),
        ("KnownBadInputsRuleSet", "none"),
        ("CommonRuleSet", "count"),
        ("SQLiRuleSet", "count"),
    ):
        state.add(
            "aws:wafv2/webAclRule",
            group,
            {
                "webAclArn": acl.arn,
                "overrideAction": {override: {}},
                "statement": {"managedRuleGroupStatement": {"vendorName": "AWS", "name": f"AWSManagedRules{group}"}},
                "visibilityConfig": _visibility(),
            },
        )
    state.add("aws:wafv2/webAclAssociation", "acl-association", {"resourceArn": balancer.arn, "webAclArn": acl.arn})
    state.add(
        "aws:wafv2/webAclLoggingConfiguration",
        "acl-log",
        {
            "resourceArn": acl.arn,
            "redactedFields": [
                {"singleHeader": {"name": "authorization"}},
                {"singleHeader": {"name": "cookie"}},
            ],
        },
    )


def _dns(state: State) -> None:
    zone = state.add("aws:route53/zone", "zone", {"name": "fixrx.com", "tags": tags("zone")}, protect=True)
    state.add("aws:route53/queryLog", "query-log", {"zoneId": zone.id})
    signing = {"hostedZoneId": zone.id, "signingStatus": "SIGNING"}
    state.add("aws:route53/hostedZoneDnsSec", "dnssec", signing, id="zone-id")
    writes_queries = {
        "Effect": "Allow",
        "Principal": {"Service": "route53.amazonaws.com"},
        "Action": "logs:PutLogEvents",
        "Resource": arn("queries"),
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }
    state.add("aws:cloudwatch/logResourcePolicy", "query-permission", {"policyDocument": document(writes_queries)})
    state.add("aws:route53/record", "caa", {"zoneId": zone.id, "type": "CAA", "records": ['0 issue "amazon.com"']})
    state.add(
        "aws:route53/record",
        "api",
        {
            "zoneId": zone.id,
            "name": "api.fixrx.com",
            "type": "A",
            "aliases": [{"name": Reference("balancer", "dnsName"), "zoneId": "Z1"}],
        },
    )


def _cdn(state: State) -> None:
    headers = state.add(
        "aws:cloudfront/responseHeadersPolicy",
        "cdn-headers",
        {
            "securityHeadersConfig": {
                "frameOptions": {"frameOption": "DENY", "override": True},
                "contentTypeOptions": {"override": True},
                "strictTransportSecurity": {
                    "accessControlMaxAgeSec": 31536000,
                    "includeSubdomains": True,
                    "override": True,
                },
                "xssProtection": {"protection": True, "modeBlock": True, "override": True},
            }
        },
    )
    state.add(
        "aws:cloudfront/distribution",
        "cdn",
        {
            "origins": [
                {"domainName": "assets", "originId": "assets", "originAccessControlId": "control"},
                {
                    "domainName": "api.fixrx.com",
                    "originId": "api",
                    "customOriginConfig": {"originProtocolPolicy": "https-only", "originSslProtocols": ["TLSv1.2"]},
                },
            ],
            "defaultRootObject": "index.html",
            "defaultCacheBehavior": {
                "viewerProtocolPolicy": "redirect-to-https",
                "responseHeadersPolicyId": headers.id,
            },
            "viewerCertificate": {
                "acmCertificateArn": arn("cdn-certificate"),
                "minimumProtocolVersion": "TLSv1.2_2021",
            },
            "webAclId": arn("global-acl"),
            "tags": tags("cdn"),
        },
    )
    state.add(
        "aws:cloudwatch/logDeliverySource",
        "cdn-log-source",
        {"resourceArn": Reference("cdn", "arn"), "logType": "ACCESS_LOGS", "tags": tags("cdn-log-source")},
    )
    state.add(
        "aws:cloudwatch/logDelivery",
        "cdn-log",
        {
            "deliverySourceName": Reference("cdn-log-source", "name"),
            "deliveryDestinationArn": arn("destination"),
            "recordFields": ["date", "time", "cs-uri-stem"],
            "tags": tags("cdn-log"),
        },
    )


def _visibility() -> dict[str, Any]:
    return {"cloudwatchMetricsEnabled": True, "sampledRequestsEnabled": True, "metricName": "acl"}


def _servers(state: State) -> None:
    state.add(
        "aws:iam/role",
        "app-role",
        {
            "assumeRolePolicy": document(
                {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ),
            "permissionsBoundary": arn("boundary"),
            "tags": tags("app-role"),
        },
    )
    state.add(
        "aws:iam/rolePolicyAttachment",
        "session-manager",
        {"role": Reference("app-role", "name"), "policyArn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"},
    )
    state.add(
        "aws:iam/rolePolicy",
        "app-policy",
        {
            "role": Reference("app-role", "name"),
            "policy": document(
                {
                    "Sid": "ReadReleases",
                    "Effect": "Allow",
                    "Action": ["s3:GetObject"],
                    "Resource": f"{arn('backups')}/releases/*",
                },
                {"Sid": "Describe", "Effect": "Allow", "Action": "ec2:DescribeTags", "Resource": "*"},
            ),
        },
    )
    for kind in ("rolePoliciesExclusive", "rolePolicyAttachmentsExclusive"):
        state.add(f"aws:iam/{kind}", kind, {"roleName": Reference("app-role", "name")})
    profile = state.add(
        "aws:iam/instanceProfile", "profile", {"role": Reference("app-role", "name"), "tags": tags("profile")}
    )
    state.add(
        "aws:ec2/launchTemplate",
        "template",
        {
            "iamInstanceProfile": {"arn": profile.arn},
            "vpcSecurityGroupIds": [Reference("app-group", "id")],
            "userData": encoded("#!/bin/sh\ndnf install nodejs24\nexport DATABASE_SECRET=arn:aws:secret\n"),
            "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
            "tagSpecifications": [{"resourceType": kind, "tags": tags("server")} for kind in ("instance", "volume")],
            "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"encrypted": "true"}}],
            "tags": tags("template"),
        },
    )
    state.add(
        "aws:autoscaling/group",
        "servers",
        {
            "vpcZoneIdentifiers": [Reference("app-a", "id"), Reference("app-b", "id")],
            "minSize": 3,
            "maxSize": 10,
            "healthCheckType": "ELB",
            "targetGroupArns": [Reference("targets", "arn")],
            "launchTemplate": {"id": Reference("template", "id"), "version": "7"},
            "tags": [{"key": key, "value": value, "propagateAtLaunch": True} for key, value in tags("servers").items()],
        },
    )
    state.add("aws:autoscaling/policy", "by-cpu", {"autoscalingGroupName": Reference("servers", "name")})
    state.add("aws:ebs/volume", "scratch", {"encrypted": True, "tags": tags("scratch")})
    state.add(
        "aws:ssm/parameter",
        "token",
        {
            "name": "/fixrx/token",
            "type": "SecureString",
            "keyId": Reference("data-key", "arn"),
            "tags": tags("token"),
        },
    )
    state.add(
        "aws:ssm/document",
        "session",
        {
            "documentType": "Session",
            "content": json.dumps(
                {
                    "schemaVersion": "1.0",
                    "sessionType": "Standard_Stream",
                    "inputs": {
                        "cloudWatchLogGroupName": "sessions",
                        "cloudWatchEncryptionEnabled": True,
                        "idleSessionTimeout": "20",
                    },
                }
            ),
            "tags": tags("session"),
        },
    )


def _vpn(state: State) -> None:
    state.add(
        "aws:ec2clientvpn/endpoint",
        "vpn",
        {
            "connectionLogOptions": {"enabled": True, "cloudwatchLogGroup": "vpn"},
            "splitTunnel": True,
            "securityGroupIds": [Reference("app-group", "id")],
            "disconnectOnSessionTimeout": True,
            "tags": tags("vpn"),
        },
    )
    state.add(
        "aws:ec2clientvpn/authorizationRule",
        "vpn-authorization",
        {
            "clientVpnEndpointId": Reference("vpn", "id"),
            "targetNetworkCidr": "10.0.0.0/16",
            "accessGroupId": "operators",
        },
    )


def _workflows(state: State) -> None:
    state.add(
        "aws:iam/role",
        "workflow-role",
        {
            "assumeRolePolicy": workflow_trust(),
            "permissionsBoundary": arn("workflow-boundary"),
            "tags": tags("workflow-role"),
        },
    )

    state.add(
        "aws:iam/policy",
        "workflow-policy",
        {"policy": document(MAKE_ROLES, PASS_ROLES), "tags": tags("workflow-policy")},
    )


MAKE_ROLES = {
    "Effect": "Allow",
    "Action": ["iam:CreateRole", "iam:PutRolePolicy"],
    "Resource": f"arn:aws:iam::{ACCOUNT}:role/fixrx/*",
    "Condition": {"StringEquals": {"iam:PermissionsBoundary": arn("boundary")}},
}
PASS_ROLES = {
    "Effect": "Allow",
    "Action": "iam:PassRole",
    "Resource": f"arn:aws:iam::{ACCOUNT}:role/fixrx/*",
    "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
}


def workflow_trust(**conditions: Any) -> str:
    """Return a trust policy for the deployments of one repository, or with other conditions."""
    issuer = "token.actions.githubusercontent.com"
    exactly = {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": "repo:fixrx/platform:environment:production"}
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": conditions or {"StringEquals": exactly},
        }
    )


def _databases(state: State) -> None:
    state.add(
        "aws:rds/subnetGroup",
        "db-subnets",
        {"subnetIds": [Reference("data-a", "id"), Reference("data-b", "id")], "tags": tags("db-subnets")},
    )
    state.add(
        "aws:rds/parameterGroup",
        "parameters",
        {"parameters": [{"name": "rds.force_ssl", "value": "1"}], "tags": tags("parameters")},
    )
    common = {
        "publiclyAccessible": False,
        "vpcSecurityGroupIds": [Reference("db-group", "id")],
        "parameterGroupName": Reference("parameters", "name"),
        "iamDatabaseAuthenticationEnabled": True,
        "caCertIdentifier": "rds-ca-rsa2048-g1",
        "storageEncrypted": True,
        "kmsKeyId": Reference("data-key", "arn"),
        "performanceInsightsEnabled": True,
        "performanceInsightsKmsKeyId": Reference("data-key", "arn"),
        "maxAllocatedStorage": 1000,
        "autoMinorVersionUpgrade": True,
        "maintenanceWindow": "sun:03:00-sun:04:00",
        "copyTagsToSnapshot": True,
        "deletionProtection": True,
        "enabledCloudwatchLogsExports": ["postgresql", "upgrade"],
        "monitoringInterval": 60,
    }
    for role in ("primary", "replica"):
        for log in ("postgresql", "upgrade"):
            _log_group(state, f"{role}-{log}", f"/aws/rds/instance/fixrx-{role}/{log}")
        state.add(
            "aws:cloudwatch/logDataProtectionPolicy",
            f"{role}-personal-data",
            {"logGroupName": Reference(f"{role}-postgresql", "name"), "policyDocument": data_protection()},
        )
    primary = state.add(
        "aws:rds/instance",
        "primary",
        {
            **common,
            "identifier": "fixrx-primary",
            "engine": "postgres",
            "engineVersion": "17",
            "engineLifecycleSupport": "open-source-rds-extended-support-disabled",
            "username": "fixrx_admin",
            "password": SECRET,
            "dbSubnetGroupName": Reference("db-subnets", "name"),
            "multiAz": True,
            "backupRetentionPeriod": 7,
            "backupWindow": "02:00-02:30",
            "skipFinalSnapshot": False,
            "deleteAutomatedBackups": False,
            "tags": tags("primary"),
        },
        protect=True,
    )
    replica = state.add(
        "aws:rds/instance",
        "replica",
        {
            **common,
            "identifier": "fixrx-replica",
            "replicateSourceDb": primary.identifier,
            "tags": tags("replica"),
        },
        protect=True,
    )
    state.add(
        "aws:rds/eventSubscription",
        "events",
        {"sourceIds": [primary.identifier, replica.identifier], "tags": tags("events")},
    )


def _cache(state: State) -> None:
    state.add(
        "aws:elasticache/subnetGroup",
        "cache-subnets",
        {"subnetIds": [Reference("data-a", "id")], "tags": tags("cache-subnets")},
    )
    state.add("random:index/randomPassword", "password", {"length": 32})
    state.add(
        "aws:elasticache/replicationGroup",
        "cache",
        {
            "replicationGroupId": "fixrx-cache",
            "engine": "redis",
            "engineVersion": "7.1",
            "securityGroupIds": [Reference("redis-group", "id")],
            "subnetGroupName": Reference("cache-subnets", "name"),
            "authToken": SECRET,
            "transitEncryptionEnabled": True,
            "transitEncryptionMode": "required",
            "atRestEncryptionEnabled": True,
            "kmsKeyId": Reference("data-key", "arn"),
            "automaticFailoverEnabled": True,
            "multiAzEnabled": True,
            "numCacheClusters": 2,
            "autoMinorVersionUpgrade": True,
            "snapshotRetentionLimit": 7,
            "snapshotWindow": "02:00-03:00",
            "maintenanceWindow": "sun:03:00-sun:04:00",
            "logDeliveryConfigurations": [{"logType": "slow-log"}],
            "tags": tags("cache"),
        },
        protect=True,
    )


def _secrets(state: State) -> None:
    for variable in SECRET_VARIABLES:
        state.add(
            "aws:secretsmanager/secret",
            variable.lower(),
            {
                "namePrefix": f"fixrx/production/{variable}-",
                "kmsKeyId": Reference("data-key", "arn"),
                "recoveryWindowInDays": 30,
                "tags": tags(variable.lower()),
            },
        )
    state.add("aws:lambda/function", "rotator", {"runtime": "python3.13", "tags": tags("rotator")})
    for variable in ("database_url", "replica_database_url", "redis_url", "jwt_secret"):
        state.add(
            "aws:secretsmanager/secretRotation",
            f"{variable}-rotation",
            {
                "secretId": Reference(variable, "id"),
                "rotationLambdaArn": Reference("rotator", "arn"),
                "rotationRules": {"automaticallyAfterDays": 30},
            },
        )
    state.add(
        "aws:elasticache/user",
        "cache-user",
        {
            "accessString": "on ~* +@all",
            "authenticationMode": {"type": "password", "passwords": [SECRET]},
            "tags": tags("cache-user"),
        },
    )


def _alarms(state: State) -> None:
    topic = state.add(
        "aws:sns/topic", "topic", {"kmsMasterKeyId": Reference("topic-alias", "name"), "tags": tags("topic")}
    )
    publish = {
        "Sid": "AlarmsPublish",
        "Effect": "Allow",
        "Principal": {"Service": ["cloudwatch.amazonaws.com"]},
        "Action": "sns:Publish",
        "Resource": arn("topic"),
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }
    state.add("aws:sns/topicPolicy", "topic-policy", {"arn": topic.arn, "policy": document(publish, TLS_ONLY)})
    state.add("aws:sns/topicSubscription", "mail", {"topic": topic.arn, "protocol": "email"})
    _costs(state)
    balancer = {"LoadBalancer": Reference("balancer", "arnSuffix")}
    primary = {"DBInstanceIdentifier": Reference("primary", "identifier")}
    replica = {"DBInstanceIdentifier": Reference("replica", "identifier")}
    _alarm(
        state,
        "errors",
        30,
        metricQueries=[
            {"id": "sum", "expression": "FILL(target, 0) + FILL(own, 0)", "returnData": True},
            _query("target", "HTTPCode_Target_5XX_Count", balancer),
            _query("own", "HTTPCode_ELB_5XX_Count", balancer),
        ],
    )
    _alarm(
        state,
        "latency",
        1,
        metricName="TargetResponseTime",
        extendedStatistic="p95",
        period=60,
        evaluationPeriods=5,
        dimensions=balancer,
    )
    _alarm(
        state,
        "connections",
        80,
        metricName="DatabaseConnections",
        statistic="Maximum",
        period=60,
        evaluationPeriods=2,
        dimensions=primary,
    )
    _alarm(
        state,
        "DumpMissing",
        26,
        metricName="Age",
        statistic="Maximum",
        period=3600,
        evaluationPeriods=2,
        treatMissingData="breaching",
        dimensions={"Check": "dump"},
    )
    _alarm(
        state,
        "IncidentLate",
        300,
        metricName="ApproximateAgeOfOldestMessage",
        statistic="Maximum",
        period=300,
        evaluationPeriods=1,
        dimensions={"QueueName": "jobs"},
    )
    _alarm(
        state,
        "SecretsNotLoaded",
        3600,
        metricName="SecretsBehindSeconds",
        statistic="Maximum",
        period=600,
        evaluationPeriods=2,
        treatMissingData="breaching",
        dimensions={},
    )
    state.add(
        "aws:route53/healthCheck",
        "outside",
        {
            "type": "HTTPS",
            "fqdn": "api.fixrx.com",
            "port": 443,
            "resourcePath": "/health",
            "enableSni": True,
            "requestInterval": 30,
            "failureThreshold": 3,
            "tags": tags("outside"),
        },
    )
    for name, metric, threshold, dimensions in (
        ("ApiUnreachable", "HealthCheckStatus", 1, {"HealthCheckId": Reference("outside", "id")}),
        ("primary-cpu", "CPUUtilization", 80, primary),
        ("DatabaseStorageLow", "FreeStorageSpace", 20 * GIB, primary),
        ("replica-cpu", "CPUUtilization", 80, replica),
        ("ReplicaStorageLow", "FreeStorageSpace", 20 * GIB, replica),
        ("replica-lag", "ReplicaLag", 30, replica),
        ("ReplicaStopped", "ReplicaLag", 0, replica),
        ("NoHealthyServer", "HealthyHostCount", 1, balancer),
        ("bad-server", "UnHealthyHostCount", 0, balancer),
        ("rejected", "RejectedConnectionCount", 0, balancer),
        ("server-cpu", "CPUUtilization", 90, {"AutoScalingGroupName": Reference("servers", "name")}),
        ("server-disk", "disk_used_percent", 80, {"AutoScalingGroupName": Reference("servers", "name")}),
        ("dump-failed", "FailedBuilds", 0, {"ProjectName": Reference("dump", "name")}),
        ("not-started", "InvocationDroppedCount", 0, {"ScheduleGroup": Reference("schedules", "name")}),
        ("nat-ports", "ErrorPortAllocation", 0, {"NatGatewayId": Reference("nat", "id")}),
        ("CdnErrors", "5xxErrorRate", 5, {"DistributionId": Reference("cdn", "id"), "Region": "Global"}),
        ("rotation-failed", "Errors", 0, {"FunctionName": Reference("rotator", "name")}),
        ("dnssec-fails", "DNSSECInternalFailure", 0, {"HostedZoneId": Reference("dnssec", "hostedZoneId")}),
        ("dnssec-key", "DNSSECKeySigningKeysNeedingAction", 0, {"HostedZoneId": Reference("dnssec", "hostedZoneId")}),
        ("CertificateExpiresSoon", "DaysToExpiry", 30, {"CertificateArn": Reference("certificate", "arn")}),
    ):
        _baseline(state, name, metric, threshold, dimensions)
    for node in ("001", "002"):
        watch_cache_node(state, node)
    _composite(state, "ApiDown", "NoHealthyServer", {})
    suppressor = {"alarm": Reference("ApiDown", "alarmName"), "waitPeriod": 240, "extensionPeriod": 360}
    _composite(state, "bad-server-unless-down", "bad-server", {"actionsSuppressor": suppressor})


def costs_statement(*services: str) -> dict[str, Any]:
    """Return the statement of the topic of costs for these services, or for both that tell of them."""
    return {
        "Sid": "CostsPublish",
        "Effect": "Allow",
        "Principal": {"Service": list(services or COST_PUBLISHERS)},
        "Action": "sns:Publish",
        "Resource": arn("costs-topic"),
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }


def _costs(state: State) -> None:
    topic = state.add(
        "aws:sns/topic",
        "costs-topic",
        {"kmsMasterKeyId": Reference("costs-key", "arn"), "tags": tags("costs-topic")},
    ).arn
    state.add("aws:sns/topicPolicy", "costs-policy", {"arn": topic, "policy": document(costs_statement(), TLS_ONLY)})
    state.add("aws:sns/topicSubscription", "costs-mail", {"topic": topic, "protocol": "email"})
    state.add(
        "aws:budgets/budget",
        "budget",
        {
            "budgetType": "COST",
            "notifications": [
                {"notificationType": kind, "threshold": threshold, "subscriberSnsTopicArns": [topic]}
                for kind, threshold in (("ACTUAL", 80), ("FORECASTED", 100))
            ],
            "tags": tags("budget"),
        },
    )
    monitor = {"monitorType": "DIMENSIONAL", "monitorDimension": "SERVICE", "tags": tags("costs")}
    state.add("aws:costexplorer/anomalyMonitor", "costs", monitor)
    state.add(
        "aws:costexplorer/anomalySubscription",
        "anomalies",
        {
            "monitorArnLists": [Reference("costs", "arn")],
            "subscribers": [{"type": "SNS", "address": topic}],
            "tags": tags("anomalies"),
        },
    )


def _composite(state: State, name: str, child: str, inputs: dict[str, Any]) -> None:
    """Add an alarm that tells of another one, which then tells nobody itself."""
    watched = state.find(child)
    for side in ("inputs", "outputs"):
        watched[side]["name"] = f"fixrx-{child}"
        del watched[side]["alarmActions"]
    del watched["propertyDependencies"]["alarmActions"]
    state.add(
        "aws:cloudwatch/compositeAlarm",
        name,
        {
            "alarmName": f"fixrx-{name}",
            "alarmRule": f'ALARM("fixrx-{child}")',
            "alarmActions": [Reference("topic", "arn")],
            "alarmDescription": "P1 (Critical). It is down. Runbook: docs/runbooks.md#apidown",
            "tags": {**tags(name), "Severity": "P1"},
            **inputs,
        },
    )
    state.find(name)["propertyDependencies"]["alarmRule"] = [watched["urn"]]


def watch_cache_node(state: State, node: str) -> None:
    """Add the alarms of one node of the cache, whose id CloudWatch knows by the group's with a number."""
    for metric, threshold in (("EngineCPUUtilization", 70), ("DatabaseMemoryUsagePercentage", 80), ("Evictions", 0)):
        name = f"{metric}-{node}"
        _baseline(state, name, metric, threshold, {"CacheClusterId": f"fixrx-cache-{node}"})
        state.find(name)["propertyDependencies"]["dimensions"] = [state.find("cache")["urn"]]


def _period(metric: str) -> int:
    """How often AWS reports the metric, in seconds."""
    if metric in ("DaysToExpiry", "NumberOfBackupJobsCompleted"):
        return 86400
    return 4 * 3600 if metric.startswith("DNSSEC") else 300


def _baseline(state: State, name: str, metric: str, threshold: float, dimensions: dict[str, Any]) -> None:
    falling = (
        "FreeStorageSpace",
        "HealthCheckStatus",
        "HealthyHostCount",
        "DaysToExpiry",
        "NumberOfBackupJobsCompleted",
    )
    falls = metric in falling or name == "ReplicaStopped"
    _alarm(
        state,
        name,
        threshold,
        comparisonOperator="LessThanThreshold" if falls else "GreaterThanThreshold",
        metricName=metric,
        statistic="Average",
        period=_period(metric),
        dimensions=dimensions,
    )


def _alarm(state: State, name: str, threshold: float, **inputs: Any) -> None:
    state.add(
        "aws:cloudwatch/metricAlarm",
        name,
        {
            "comparisonOperator": "GreaterThanThreshold",
            "threshold": threshold,
            "evaluationPeriods": 1,
            "alarmActions": [Reference("topic", "arn")],
            "alarmDescription": "P3 (Medium). Something is wrong. Runbook: docs/runbooks.md#something",
            "tags": {**tags(name), "Severity": "P3"},
            **inputs,
        },
    )


def _query(key: str, metric: str, dimensions: dict[str, Any]) -> dict[str, Any]:
    return {"id": key, "metric": {"metricName": metric, "stat": "Sum", "period": 300, "dimensions": dimensions}}


def _chat(state: State) -> None:
    state.add(
        "aws:chatbot/slackChannelConfiguration",
        "chat",
        {
            "slackChannelId": "C07EZ1ABC23",
            "snsTopicArns": [Reference("topic", "arn")],
            "guardrailPolicyArns": ["arn:aws:iam::aws:policy/CloudWatchReadOnlyAccess"],
            "tags": tags("chat"),
        },
    )
    state.add(
        "aws:cloudwatch/alarmMuteRule",
        "mute",
        {"muteTargets": {"alarmNames": [Reference("server-cpu", "name")]}, "tags": tags("mute")},
    )


def _nightly_dump(state: State) -> None:
    state.add(
        "aws:codebuild/project",
        "dump",
        {
            "name": "fixrx-dump",
            "environment": {"privilegedMode": False},
            "logsConfig": {"cloudwatchLogs": {"status": "ENABLED"}},
            "tags": tags("dump"),
        },
    )
    state.add("aws:scheduler/scheduleGroup", "schedules", {"name": "fixrx-jobs", "tags": tags("schedules")})
    state.add(
        "aws:scheduler/schedule",
        "nightly",
        {
            "groupName": Reference("schedules", "name"),
            "scheduleExpression": "cron(0 2 * * ? *)",
            "state": "ENABLED",
            "target": {
                "arn": "arn:aws:scheduler:::aws-sdk:codebuild:startBuild",
                "input": '{"ProjectName": "fixrx-dump"}',
            },
        },
    )


def _backup_plan(state: State) -> None:
    _vault(state, "vault")
    copies = _vault(state, "copies", region="us-west-2")
    plan = state.add(
        "aws:backup/plan",
        "plan",
        {
            "rules": [
                {
                    "ruleName": "daily",
                    "targetVaultName": Reference("vault", "name"),
                    "schedule": "cron(0 5 * * ? *)",
                    "startWindow": 60,
                    "lifecycle": {"deleteAfter": 35},
                    "copyActions": [{"destinationVaultArn": copies.arn}],
                }
            ],
            "tags": tags("plan"),
        },
    )
    state.add("aws:backup/selection", "selection", {"planId": plan.id, "resources": [Reference("primary", "arn")]})
    state.add("aws:backup/restoreTestingPlan", "restore-plan", {"name": "fixrx", "tags": tags("restore-plan")})
    state.add(
        "aws:backup/restoreTestingSelection",
        "restore-test",
        {
            "protectedResourceType": "RDS",
            "protectedResourceArns": [Reference("primary", "arn")],
            "restoreMetadataOverrides": {
                "dbSubnetGroupName": Reference("db-subnets", "name"),
                "publiclyAccessible": "false",
                "vpcSecurityGroupIds": '["sg-3"]',
            },
        },
    )
    state.add(
        "aws:rds/instanceAutomatedBackupsReplication",
        "replicated",
        {
            "sourceDbInstanceArn": Reference("primary", "arn"),
            "kmsKeyId": Reference("data-key", "arn"),
            "retentionPeriod": 14,
            "region": "us-west-2",
        },
    )
    watched = {"BackupVaultName": Reference("vault", "name")}
    for metric, threshold in (
        ("NumberOfBackupJobsAborted", 0),
        ("NumberOfBackupJobsExpired", 0),
        ("NumberOfBackupJobsFailed", 0),
        ("NumberOfCopyJobsFailed", 0),
        ("NumberOfRestoreJobsFailed", 0),
    ):
        _baseline(state, metric, metric, threshold, watched)
    _baseline(state, "VaultBackupMissing", "NumberOfBackupJobsCompleted", 1, watched)
    state.add(
        "aws:s3/bucketReplicationConfig",
        "replication",
        {
            "bucket": Reference("backups", "bucket"),
            "rules": [
                {
                    "id": "database",
                    "status": "Enabled",
                    "sourceSelectionCriteria": {"sseKmsEncryptedObjects": {"status": "Enabled"}},
                    "destination": {
                        "bucket": "arn:aws:s3:::fixrx-copies",
                        "encryptionConfiguration": {"replicaKmsKeyId": Reference("data-key", "arn")},
                    },
                }
            ],
        },
    )


def _vault(state: State, name: str, **region: str) -> Added:
    """In the region of the plan, unless another one is given; both have the same name."""
    vault = state.add(
        "aws:backup/vault",
        name,
        {"name": "fixrx-backups", "kmsKeyArn": Reference("data-key", "arn"), "tags": tags(name), **region},
        protect=True,
    )
    state.add(
        "aws:backup/vaultLockConfiguration",
        f"{name}-lock",
        {"backupVaultName": Reference(name, "name"), "minRetentionDays": 7, **region},
    )
    deny = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": [
            "backup:DeleteRecoveryPoint",
            "backup:PutBackupVaultAccessPolicy",
            "backup:UpdateRecoveryPointLifecycle",
        ],
        "Resource": "*",
    }
    state.add(
        "aws:backup/vaultPolicy",
        f"{name}-policy",
        {"backupVaultName": Reference(name, "name"), "policy": document(deny), **region},
    )
    return vault


def _kubernetes(state: State) -> None:
    labels = {"app": "api"}
    metadata = {"name": "api", "namespace": "fixrx"}
    container = {
        "name": "api",
        "image": "registry.fixrx.com/api:1.4.2",
        "env": [{"name": "JWT_SECRET", "valueFrom": {"secretKeyRef": {"name": "api", "key": "jwt"}}}],
        "readinessProbe": {"httpGet": {"path": "/api/v1/system/ready", "port": 3000}},
        "livenessProbe": {"httpGet": {"path": "/live", "port": 3000}},
        "lifecycle": {"preStop": {"sleep": {"seconds": 15}}},
        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    zones = {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "DoNotSchedule",
        "nodeTaintsPolicy": "Honor",
        "labelSelector": {"matchLabels": labels},
    }
    pod = {
        "securityContext": {"runAsNonRoot": True},
        "containers": [container],
        "terminationGracePeriodSeconds": 90,
        "topologySpreadConstraints": [zones],
    }
    standard = {"pod-security.kubernetes.io/enforce": "restricted"}
    state.add("kubernetes:core/v1:Namespace", "fixrx", {"metadata": {"name": "fixrx", "labels": standard}})
    state.add(
        "kubernetes:networking.k8s.io/v1:NetworkPolicy",
        "default-deny",
        {
            "metadata": {"name": "default-deny", "namespace": "fixrx"},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
        },
    )
    suffix = state.add(
        "random:index/randomId",
        "api-settings-name",
        {"byteLength": 2, "prefix": "api-settings-", "keepers": {"LOG_LEVEL": "info"}},
        hex="api-settings-1a2b",
    )
    autonamed = {"namespace": "fixrx", "annotations": {"pulumi.com/autonamed": "true"}}
    state.add(
        "kubernetes:core/v1:ConfigMap",
        "api-settings",
        {
            "metadata": {"namespace": "fixrx", "name": suffix.hex},
            "immutable": True,
            "data": {"LOG_LEVEL": "info"},
        },
    )
    plain = {key: container[key] for key in ("name", "image", "resources", "securityContext")}
    state.add(
        "kubernetes:batch/v1:Job",
        "migration",
        {
            "metadata": {**autonamed, "name": "migration-1a2b"},
            "spec": {"template": {"spec": {"securityContext": {"runAsNonRoot": True}, "containers": [plain]}}},
        },
    )
    state.add(
        "kubernetes:apps/v1:Deployment",
        "api-deployment",
        {"metadata": metadata, "spec": {"template": {"metadata": {"labels": labels}, "spec": pod}}},
    )
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}
    state.add(
        "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
        "api-autoscaler",
        {
            "metadata": metadata,
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
                "minReplicas": 3,
                "maxReplicas": 10,
                "metrics": [{"type": "Resource", "resource": cpu}],
            },
        },
    )
    state.add(
        "kubernetes:policy/v1:PodDisruptionBudget",
        "api-budget",
        {"metadata": metadata, "spec": {"minAvailable": 2, "selector": {"matchLabels": labels}}},
    )
