"""Small programs in the shape in which other teams write them, older resource types included.

None of them was written with the pack in mind. Each says which of its resources violate which rules; tags are given
where the program would have them, so that the lists show what matters.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.policies.exported import SECRET, Reference, State, document, encoded, tags


@dataclass(frozen=True)
class Program:
    """One program and what is wrong with it."""

    build: Callable[[State], object]
    violations: Mapping[str, tuple[str, ...]]
    """Logical name to the rules that it violates, in alphabetical order."""


def rule(first: int, last: int, *blocks: str, protocol: str = "tcp") -> dict[str, Any]:
    return {"protocol": protocol, "fromPort": first, "toPort": last, "cidrBlocks": list(blocks)}


def inline_security_group(state: State) -> None:
    state.add(
        "aws:ec2/securityGroup",
        "web",
        {
            "description": "Web servers",
            "ingress": [
                rule(22, 22, "0.0.0.0/0"),
                rule(80, 80, "0.0.0.0/0"),
                rule(5432, 5432, "10.0.0.0/8"),
            ],
            "egress": [rule(0, 0, "0.0.0.0/0", protocol="-1")],
            "tags": tags("web"),
        },
    )


def older_rule_resources(state: State) -> None:
    group = state.add("aws:ec2/securityGroup", "db", {"description": "MySQL", "tags": tags("db")})
    for name, direction, first, last, protocol in (
        ("mysql", "ingress", 3306, 3306, "tcp"),
        ("everything-out", "egress", 0, 0, "-1"),
    ):
        state.add(
            "aws:ec2/securityGroupRule",
            name,
            {
                "type": direction,
                "securityGroupId": group.id,
                "fromPort": first,
                "toPort": last,
                "protocol": protocol,
                "cidrBlocks": ["0.0.0.0/0"],
            },
        )


def single_instance(state: State) -> None:
    state.add("aws:ec2/keyPair", "laptop", {"publicKey": "ssh-ed25519 AAAA", "tags": tags("laptop")})
    state.add(
        "aws:ec2/instance",
        "server",
        {
            "ami": "ami-1",
            "instanceType": "t3.micro",
            "keyName": "laptop",
            "associatePublicIpAddress": True,
            "userData": "#!/bin/bash\nexport DB_PASSWORD=hunter2\ncurl https://deb.nodesource.com/setup_16.x | bash\n",
            "tags": tags("server"),
        },
    )


def public_database(state: State) -> None:
    state.add(
        "aws:rds/instance",
        "database",
        {
            "engine": "postgres",
            "engineVersion": "12.7",
            "username": "postgres",
            "password": "correct horse battery staple",
            "publiclyAccessible": True,
            "skipFinalSnapshot": True,
            "tags": tags("database"),
        },
    )


def plain_http_load_balancer(state: State) -> None:
    group = state.add("aws:ec2/securityGroup", "alb-group", {"description": "ALB", "tags": tags("alb-group")})
    balancer = state.add(
        "aws:alb/loadBalancer",
        "alb",
        {"subnets": ["subnet-1", "subnet-2"], "securityGroups": [group.id], "tags": tags("alb")},
    )
    target = state.add("aws:alb/targetGroup", "target", {"port": 80, "protocol": "HTTP", "tags": tags("target")})
    state.add(
        "aws:alb/listener",
        "http",
        {
            "loadBalancerArn": balancer.arn,
            "port": 80,
            "protocol": "HTTP",
            "defaultActions": [{"type": "forward", "targetGroupArn": target.arn}],
            "tags": tags("http"),
        },
    )


def website_bucket(state: State) -> None:
    bucket = state.add(
        "aws:s3/bucket",
        "site",
        {"acl": "public-read", "website": {"indexDocument": "index.html"}, "tags": tags("site")},
    )
    state.add(
        "aws:s3/bucketPolicy",
        "public-read",
        {
            "bucket": bucket.id,
            "policy": document({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}),
        },
    )


def bucket_of_version_six(state: State) -> None:
    """A careful team on the provider's version 6: every aspect is there, in the types with V2."""
    bucket = state.add("aws:s3/bucketV2", "data", {"bucket": "team-data", "tags": tags("data")}, protect=True)
    key = "arn:aws:kms:us-east-1:111122223333:key/1"
    aspects: Mapping[str, Mapping[str, Any]] = {
        "bucketVersioningV2": {"versioningConfiguration": {"status": "Enabled"}},
        "bucketServerSideEncryptionConfigurationV2": {
            "rules": [
                {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": key}},
            ]
        },
        "bucketPublicAccessBlock": dict.fromkeys(
            ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True
        ),
        "bucketOwnershipControls": {"rule": {"objectOwnership": "BucketOwnerEnforced"}},
        "bucketLifecycleConfigurationV2": {
            "rules": [{"status": "Enabled", "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7}}]
        },
        "bucketLoggingV2": {"targetBucket": "logs-of-another-stack"},
        "bucketPolicy": {
            "policy": document(
                {
                    "Effect": "Deny",
                    "Principal": {"AWS": "*"},
                    "Action": ["s3:*"],
                    "Resource": "arn:aws:s3:::team-data/*",
                    "Condition": {"Bool": {"aws:SecureTransport": False}},
                }
            )
        },
    }
    for kind, inputs in aspects.items():
        state.add(f"aws:s3/{kind}", f"data-{kind}", {"bucket": bucket.id, **inputs})


def bucket_that_says_everything_itself(state: State) -> None:
    """A program from before the separate resources, whose bucket is shared by grants."""
    state.add(
        "aws:s3/bucket",
        "archive",
        {
            "bucket": "team-archive",
            "grants": [
                {"type": "Group", "permissions": ["READ"], "uri": "http://acs.amazonaws.com/groups/global/AllUsers"}
            ],
            "versioning": {"enabled": True},
            "logging": {"targetBucket": "logs-of-another-stack"},
            "lifecycleRules": [{"enabled": True, "abortIncompleteMultipartUploadDays": 7}],
            "serverSideEncryptionConfiguration": {
                "rule": {
                    "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "alias/archive"}
                }
            },
            "policy": document(
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": ["arn:aws:s3:::team-archive", "arn:aws:s3:::team-archive/*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ),
            "tags": tags("archive"),
        },
        protect=True,
    )
    state.add(
        "aws:s3/bucketAcl",
        "archive-acl",
        {
            "bucket": Reference("archive", "id"),
            "accessControlPolicy": {
                "grants": [
                    {
                        "permission": "READ",
                        "grantee": {
                            "type": "Group",
                            "uri": "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
                        },
                    }
                ]
            },
        },
    )


def users_and_slow_rotation(state: State) -> None:
    state.add(
        "aws:iam/policyAttachment",
        "readers",
        {"name": "readers", "users": ["eve"], "policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"},
    )
    secret = state.add(
        "aws:secretsmanager/secret", "key", {"kmsKeyId": "alias/aws/secretsmanager", "tags": tags("key")}
    )
    state.add("aws:secretsmanager/secretVersion", "value", {"secretId": secret.id, "secretString": SECRET})
    state.add(
        "aws:secretsmanager/secretRotation",
        "rotation",
        {"secretId": secret.id, "rotationRules": {"scheduleExpression": "rate(400 days)"}},
    )


def launch_configuration(state: State) -> None:
    state.add(
        "aws:ec2/launchConfiguration",
        "old",
        {
            "imageId": "ami-1",
            "associatePublicIpAddress": True,
            "securityGroups": ["sg-1"],
            "iamInstanceProfile": "web",
            "rootBlockDevice": {"encrypted": True},
        },
    )
    state.add(
        "aws:autoscaling/group",
        "fleet",
        {
            "launchConfiguration": Reference("old", "name"),
            "vpcZoneIdentifiers": ["subnet-1"],
            "minSize": 1,
            "maxSize": 4,
            "tags": [{"key": key, "value": value} for key, value in tags("fleet").items()],
        },
    )


def open_cache(state: State) -> None:
    state.add(
        "aws:elasticache/replicationGroup",
        "sessions",
        {"engine": "redis", "engineVersion": "6.2", "numCacheClusters": 1, "tags": tags("sessions")},
    )


def generous_permissions(state: State) -> None:
    state.add("aws:iam/user", "deployer", {"tags": tags("deployer")})
    state.add("aws:iam/accessKey", "deployer-key", {"user": Reference("deployer", "name")})
    state.add(
        "aws:iam/userPolicyAttachment",
        "deployer-admin",
        {"user": Reference("deployer", "name"), "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
    )
    state.add(
        "aws:iam/role",
        "public-role",
        {
            "assumeRolePolicy": json.dumps(
                {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}
            ),
            "inlinePolicies": [
                {"name": "all", "policy": document({"Effect": "Allow", "Action": "*", "Resource": "*"})}
            ],
            "managedPolicyArns": ["arn:aws:iam::aws:policy/AmazonS3FullAccess"],
            "tags": tags("public-role"),
        },
    )


def public_topic_and_lazy_key(state: State) -> None:
    state.add("aws:kms/key", "key", {"deletionWindowInDays": 7, "tags": tags("key")})
    topic = state.add("aws:sns/topic", "alerts", {"tags": tags("alerts")})
    state.add(
        "aws:sns/topicPolicy",
        "alerts-policy",
        {
            "arn": topic.arn,
            "policy": document(
                {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sns:Publish", "Resource": "*"}
            ),
        },
    )
    state.add(
        "aws:cloudwatch/metricAlarm",
        "cpu",
        {
            "metricName": "CPUUtilization",
            "threshold": 900,
            "comparisonOperator": "GreaterThanThreshold",
            "tags": tags("cpu"),
        },
    )
    state.add("aws:cloudwatch/logGroup", "lambda", {"retentionInDays": 3, "tags": tags("lambda")})


def inline_web_acl(state: State) -> None:
    """A rate limit in the older shape, inside the web ACL, and far too generous."""
    state.add(
        "aws:wafv2/webAcl",
        "acl",
        {
            "scope": "REGIONAL",
            "defaultAction": {"allow": {}},
            "visibilityConfig": {"cloudwatchMetricsEnabled": True, "metricName": "acl"},
            "rules": [
                {
                    "name": "rate",
                    "priority": 1,
                    "action": {"block": {}},
                    "statement": {"rateBasedStatement": {"limit": 10000, "aggregateKeyType": "IP"}},
                    "visibilityConfig": {"cloudwatchMetricsEnabled": False, "metricName": "rate"},
                }
            ],
            "tags": tags("acl"),
        },
    )


def kubernetes_as_in_the_tutorial(state: State) -> None:
    labels = {"app": "web"}
    container = {
        "name": "web",
        "image": "nginx",
        "env": [{"name": "DATABASE_PASSWORD", "value": "hunter2"}],
        "ports": [{"containerPort": 80}],
    }
    state.add(
        "kubernetes:apps/v1:Deployment",
        "web",
        {
            "metadata": {"name": "web"},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        },
    )
    state.add("kubernetes:core/v1:Service", "service", {"spec": {"type": "ClusterIP", "selector": labels}})
    state.add("random:index/randomPet", "pet", {})


def kubernetes_agent_on_every_node(state: State) -> None:
    container = {
        "name": "agent",
        "image": "registry.example.com/agent:2.3.0",
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": {"privileged": True, "runAsUser": 0},
    }
    volumes = [{"name": "docker", "hostPath": {"path": "/var/run/docker.sock"}}]
    pod = {"hostPID": True, "containers": [container], "volumes": volumes}
    state.add("kubernetes:apps/v1:DaemonSet", "agent", {"spec": {"template": {"spec": pod}}})
    state.add(
        "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
        "autoscaler",
        {"spec": {"minReplicas": 1, "maxReplicas": 50, "scaleTargetRef": {"kind": "Deployment", "name": "web"}}},
    )


def hasty_operations(state: State) -> None:
    state.add(
        "aws:cloudwatch/metricAlarm",
        "down",
        {
            "alarmActions": ["arn:aws:sns:us-east-1:111122223333:pager"],
            "alarmDescription": "The site is down",
            "metricName": "HealthyHostCount",
            "threshold": 1,
            "comparisonOperator": "LessThanThreshold",
            "period": 60,
            "evaluationPeriods": 1,
            "tags": {**tags("down"), "Severity": "P1"},
        },
    )
    state.add(
        "aws:cloudwatch/alarmMuteRule",
        "quiet-nights",
        {"muteTargets": {"alarmNames": [Reference("down", "name")]}, "tags": tags("quiet-nights")},
    )
    state.add("aws:chatbot/slackChannelConfiguration", "chat", {"slackChannelId": "C1", "tags": tags("chat")})
    state.add("aws:backup/vault", "vault", {"tags": tags("vault")})
    state.add(
        "aws:backup/plan",
        "plan",
        {"rules": [{"ruleName": "nightly", "lifecycle": {"deleteAfter": 3}}], "tags": tags("plan")},
    )


def forgotten_tags(state: State) -> None:
    state.add("aws:sqs/queue", "jobs", {})
    state.add("aws:ec2/eip", "address", {"tags": {"Name": "address"}})


def secrets_everywhere(state: State) -> None:
    state.add("aws:ssm/parameter", "token", {"name": "/app/api-token", "type": "String", "tags": tags("token")})
    state.add(
        "aws:lambda/function",
        "function",
        {
            "environment": {"variables": {"DATABASE_URL": "postgresql://app:hunter2@db.internal:5432/app"}},
            "tags": tags("function"),
        },
    )
    state.add(
        "aws:ec2/launchTemplate",
        "template",
        {
            "userData": encoded("#!/bin/sh\nexport AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY\n"),
            "vpcSecurityGroupIds": ["sg-1"],
            "iamInstanceProfile": {"name": "web"},
            "metadataOptions": {"httpTokens": "required"},
            "blockDeviceMappings": [{"ebs": {"encrypted": "true"}}],
            "tagSpecifications": [{"resourceType": kind, "tags": tags("web")} for kind in ("instance", "volume")],
            "tags": tags("template"),
        },
    )


PROGRAMS: Mapping[str, Program] = {
    "inline_security_group": Program(
        inline_security_group,
        {
            "web": (
                "admin-remote-login-is-not-public",
                "security-group-egress-ports-are-restricted",
                "security-group-public-ingress-is-load-balancer-only",
                "security-group-rules-are-exclusive",
                "security-group-rules-are-separate-resources",
            ),
        },
    ),
    "older_rule_resources": Program(
        older_rule_resources,
        {
            "db": ("security-group-rules-are-exclusive",),
            "everything-out": (
                "security-group-descriptions-are-set",
                "security-group-egress-ports-are-restricted",
            ),
            "mysql": (
                "security-group-descriptions-are-set",
                "security-group-public-ingress-is-load-balancer-only",
                "security-group-public-ports-are-restricted",
            ),
        },
    ),
    "single_instance": Program(
        single_instance,
        {
            "server": (
                "admin-session-document-exists",
                "admin-session-manager-enabled",
                "admin-ssh-key-pairs-are-not-used",
                "ec2-block-devices-encrypted",
                "ec2-imdsv2-is-required",
                "ec2-instance-profile-is-set",
                "ec2-nodejs-version-is-supported",
                "ec2-public-ip-disabled",
                "secrets-are-not-in-user-data",
                "security-group-assignment-is-explicit",
            ),
        },
    ),
    "public_database": Program(
        public_database,
        {
            "database": (
                "availability-stateful-resources-are-protected",
                "backup-databases-are-selected",
                "maintenance-backup-window-is-used",
                "maintenance-weekly-window-is-used",
                "monitoring-database-connection-alarm-exists",
                "monitoring-has-required-alarms",
                "rds-automated-backups-are-retained",
                "rds-backup-retention-is-sufficient",
                "rds-customer-managed-key-used",
                "rds-deletion-protection-enabled",
                "rds-engine-version-is-supported",
                "rds-enhanced-monitoring-enabled",
                "rds-event-subscription-exists",
                "rds-extended-support-disabled",
                "rds-final-snapshot-enabled",
                "rds-iam-authentication-enabled",
                "rds-log-exports-enabled",
                "rds-master-username-is-not-default",
                "rds-minor-upgrades-enabled",
                "rds-multi-az-enabled",
                "rds-performance-insights-enabled",
                "rds-public-access-disabled",
                "rds-read-replica-exists",
                "rds-security-groups-are-set",
                "rds-snapshot-tags-are-copied",
                "rds-storage-autoscaling-enabled",
                "rds-storage-encrypted",
                "rds-subnet-group-is-set",
                "rds-tls-is-required",
                "secrets-are-marked",
            ),
        },
    ),
    "plain_http_load_balancer": Program(
        plain_http_load_balancer,
        {
            "alb": (
                "availability-stateful-resources-are-protected",
                "load-balancer-access-logs-enabled",
                "load-balancer-connection-logs-enabled",
                "load-balancer-deletion-protection-enabled",
                "load-balancer-invalid-headers-dropped",
                "load-balancer-web-acl-is-associated",
                "monitoring-has-required-alarms",
                "monitoring-response-time-alarm-exists",
                "monitoring-server-error-alarm-exists",
                "tls-load-balancer-has-https-listener",
            ),
            "alb-group": ("security-group-rules-are-exclusive",),
            "http": ("tls-http-listener-redirects",),
            "target": (
                "load-balancer-health-check-configured",
                "load-balancer-health-check-is-timely",
            ),
        },
    ),
    "website_bucket": Program(
        website_bucket,
        {
            "public-read": ("iam-resource-policy-is-not-public",),
            "site": (
                "availability-stateful-resources-are-protected",
                "s3-access-logging-enabled",
                "s3-acl-is-not-public",
                "s3-acls-disabled",
                "s3-customer-managed-key-used",
                "s3-incomplete-uploads-are-aborted",
                "s3-public-access-blocked",
                "s3-tls-is-required",
                "s3-versioning-enabled",
            ),
        },
    ),
    "bucket_of_version_six": Program(
        bucket_of_version_six,
        {},
    ),
    "bucket_that_says_everything_itself": Program(
        bucket_that_says_everything_itself,
        {
            "archive": ("s3-acl-is-not-public", "s3-acls-disabled", "s3-public-access-blocked"),
            "archive-acl": ("s3-acl-is-not-public",),
        },
    ),
    "users_and_slow_rotation": Program(
        users_and_slow_rotation,
        {
            "readers": ("iam-users-are-not-used",),
            "key": ("secrets-customer-managed-key-used", "secrets-rotation-enabled"),
            "rotation": ("secrets-rotated-have-no-version",),
        },
    ),
    "launch_configuration": Program(
        launch_configuration,
        {
            "fleet": (
                "auto-scaling-launch-template-used",
                "auto-scaling-minimum-size-is-sufficient",
                "auto-scaling-policy-exists",
                "availability-zones-are-multiple",
                "monitoring-has-required-alarms",
            ),
            "old": (
                "admin-session-document-exists",
                "ec2-imdsv2-is-required",
                "ec2-public-ip-disabled",
            ),
        },
    ),
    "open_cache": Program(
        open_cache,
        {
            "sessions": (
                "availability-stateful-resources-are-protected",
                "elasticache-authentication-enabled",
                "elasticache-automatic-failover-enabled",
                "elasticache-customer-managed-key-used",
                "elasticache-engine-version-is-supported",
                "elasticache-log-delivery-enabled",
                "elasticache-minor-upgrades-enabled",
                "elasticache-security-groups-are-set",
                "elasticache-snapshot-retention-is-sufficient",
                "elasticache-storage-encrypted",
                "elasticache-subnet-group-is-set",
                "elasticache-tls-is-required",
                "maintenance-backup-window-is-used",
                "maintenance-weekly-window-is-used",
                "monitoring-has-required-alarms",
            ),
        },
    ),
    "generous_permissions": Program(
        generous_permissions,
        {
            "public-role": (
                "iam-administrator-access-is-not-attached",
                "iam-policy-actions-are-explicit",
                "iam-policy-resources-are-explicit",
                "iam-privilege-escalation-is-impossible",
                "iam-role-trust-is-not-public",
                "iam-roles-have-permissions-boundary",
            ),
            "deployer-admin": (
                "iam-administrator-access-is-not-attached",
                "iam-users-are-not-used",
            ),
            "deployer-key": ("iam-users-are-not-used",),
        },
    ),
    "public_topic_and_lazy_key": Program(
        public_topic_and_lazy_key,
        {
            "alerts": (
                "monitoring-topics-have-subscriptions",
                "sns-tls-is-required",
                "sns-topics-encrypted",
            ),
            "alerts-policy": ("iam-resource-policy-is-not-public",),
            "cpu": (
                "monitoring-alarm-thresholds-are-reachable",
                "monitoring-alarms-have-actions",
                "monitoring-alarms-have-runbook",
                "monitoring-alarms-have-severity",
            ),
            "key": (
                "availability-stateful-resources-are-protected",
                "kms-deletion-window-is-sufficient",
                "kms-key-policy-is-set",
                "kms-key-rotation-enabled",
            ),
            "lambda": (
                "cloudwatch-logs-customer-managed-key-used",
                "cloudwatch-logs-retention-is-sufficient",
            ),
        },
    ),
    "inline_web_acl": Program(
        inline_web_acl,
        {
            "acl": (
                "waf-logging-enabled",
                "waf-managed-groups-are-used",
                "waf-metrics-enabled",
                "waf-paid-messages-are-limited",
                "waf-rate-limit-is-enforced",
            ),
        },
    ),
    "kubernetes_as_in_the_tutorial": Program(
        kubernetes_as_in_the_tutorial,
        {
            "web": (
                "kubernetes-container-resources-are-set",
                "kubernetes-containers-are-unprivileged",
                "kubernetes-containers-run-as-non-root",
                "kubernetes-deployments-have-autoscalers",
                "kubernetes-deployments-have-disruption-budgets",
                "kubernetes-environment-has-no-plain-secrets",
                "kubernetes-images-are-pinned",
                "kubernetes-readiness-probes-are-set",
                "kubernetes-root-filesystem-is-read-only",
            ),
        },
    ),
    "kubernetes_agent_on_every_node": Program(
        kubernetes_agent_on_every_node,
        {
            "agent": (
                "kubernetes-containers-are-unprivileged",
                "kubernetes-containers-run-as-non-root",
                "kubernetes-pods-are-isolated-from-host",
                "kubernetes-root-filesystem-is-read-only",
            ),
            "autoscaler": ("kubernetes-autoscaler-limits-match-guide",),
        },
    ),
    "hasty_operations": Program(
        hasty_operations,
        {
            "chat": ("monitoring-chat-guardrails-are-restricted",),
            "down": ("monitoring-alarms-have-runbook",),
            "plan": (
                "backup-copies-leave-the-region",
                "backup-plan-retention-is-sufficient",
                "backup-plans-have-selections",
                "backup-restore-is-tested",
            ),
            "quiet-nights": ("monitoring-p1-alarms-are-not-muted",),
            "vault": (
                "availability-stateful-resources-are-protected",
                "backup-vault-customer-managed-key-used",
                "backup-vaults-are-locked",
                "backup-vaults-refuse-deletion",
                "monitoring-has-required-alarms",
            ),
        },
    ),
    "forgotten_tags": Program(
        forgotten_tags,
        {
            "address": ("tagging-required-tags-are-set",),
            "jobs": ("sqs-tls-is-required", "tagging-required-tags-are-set"),
        },
    ),
    "secrets_everywhere": Program(
        secrets_everywhere,
        {
            "function": ("secrets-are-not-in-plain-text",),
            "template": (
                "admin-session-document-exists",
                "secrets-are-not-in-user-data",
            ),
            "token": ("ssm-secret-parameters-encrypted",),
        },
    ),
}
