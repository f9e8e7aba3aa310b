"""Small programs in the shape in which other teams write them, older resource types included.

None of them was written with the pack in mind. Each says which of its resources break which rules; tags are given where
the program would have them, so that the lists show what matters.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.policies.exported import Reference, State, document, encoded, tags


@dataclass(frozen=True)
class Program:
    """One program and what is wrong with it."""

    build: Callable[[State], object]
    violations: Mapping[str, tuple[str, ...]]
    """Logical name to the policies that it breaks, in alphabetical order."""


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
        "everybody-reads",
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
        "anybody",
        {
            "assumeRolePolicy": json.dumps(
                {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}
            ),
            "inlinePolicies": [
                {"name": "all", "policy": document({"Effect": "Allow", "Action": "*", "Resource": "*"})}
            ],
            "managedPolicyArns": ["arn:aws:iam::aws:policy/AmazonS3FullAccess"],
            "tags": tags("anybody"),
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
                "admin-no-remote-login-from-the-internet",
                "firewall-egress-is-narrow",
                "firewall-groups-refuse-other-rules",
                "firewall-internet-meets-load-balancer-first",
                "firewall-rules-are-separate-resources",
            ),
        },
    ),
    "older_rule_resources": Program(
        older_rule_resources,
        {
            "db": ("firewall-groups-refuse-other-rules",),
            "everything-out": (
                "firewall-egress-is-narrow",
                "firewall-rules-are-described",
            ),
            "mysql": (
                "firewall-internet-meets-load-balancer-first",
                "firewall-internet-reaches-web-ports-only",
                "firewall-rules-are-described",
            ),
        },
    ),
    "single_instance": Program(
        single_instance,
        {
            "server": (
                "admin-no-key-pair",
                "admin-session-document-exists",
                "admin-session-manager-reaches-servers",
                "encryption-of-server-disks",
                "firewall-members-name-their-groups",
                "firewall-servers-have-no-public-address",
                "identity-servers-ask-for-a-token",
                "identity-servers-have-a-role",
                "runtime-is-supported",
                "secrets-are-not-in-user-data",
            ),
        },
    ),
    "public_database": Program(
        public_database,
        {
            "database": (
                "availability-of-databases-deletion-protection",
                "availability-of-databases-end-of-support",
                "availability-of-databases-minor-upgrades",
                "availability-of-databases-replica",
                "availability-of-databases-standby",
                "availability-of-databases-storage",
                "availability-of-databases-version",
                "availability-protects-what-holds-state",
                "backup-of-databases-ends-with-a-snapshot",
                "backup-of-databases-is-kept-long-enough",
                "backup-of-databases-is-tagged",
                "backup-of-databases-outlives-them",
                "database-has-its-own-administrator",
                "database-has-its-own-subnet-group",
                "database-is-not-public",
                "database-knows-iam-identities",
                "database-names-its-security-groups",
                "encryption-of-databases",
                "encryption-of-databases-under-own-key",
                "maintenance-backs-up-in-the-daily-window",
                "maintenance-happens-in-the-weekly-window",
                "monitoring-database-events-are-sent",
                "monitoring-database-exports-logs",
                "monitoring-database-machine-is-measured",
                "monitoring-database-queries-are-measured",
                "monitoring-of-database-connections",
                "monitoring-of-what-holds-state",
                "secrets-are-marked",
                "tls-database-refuses-plain-connections",
            ),
        },
    ),
    "plain_http_load_balancer": Program(
        plain_http_load_balancer,
        {
            "alb": (
                "availability-of-load-balancers-deletion-protection",
                "availability-protects-what-holds-state",
                "load-balancer-drops-invalid-headers",
                "monitoring-load-balancer-logs-connections",
                "monitoring-load-balancer-logs-requests",
                "monitoring-of-response-time",
                "monitoring-of-server-errors",
                "monitoring-of-what-holds-state",
                "rate-limit-guards-every-load-balancer",
                "tls-load-balancer-speaks-https",
            ),
            "alb-group": ("firewall-groups-refuse-other-rules",),
            "http": ("tls-plain-http-only-redirects",),
            "target": (
                "load-balancer-asks-servers-how-they-are",
                "load-balancer-notices-a-dead-server",
            ),
        },
    ),
    "website_bucket": Program(
        website_bucket,
        {
            "everybody-reads": ("identity-resources-are-not-public",),
            "site": (
                "availability-protects-what-holds-state",
                "encryption-of-buckets",
                "storage-blocks-public-access",
                "storage-has-no-acl",
                "storage-is-not-public-by-acl",
                "storage-keeps-versions",
                "storage-logs-access",
                "storage-tidies-up",
                "tls-bucket-refuses-plain-http",
            ),
        },
    ),
    "bucket_of_version_six": Program(
        bucket_of_version_six,
        {},
    ),
    "launch_configuration": Program(
        launch_configuration,
        {
            "fleet": (
                "availability-of-servers",
                "availability-of-servers-by-launch-template",
                "availability-of-servers-scales",
                "availability-over-zones",
                "monitoring-of-what-holds-state",
            ),
            "old": (
                "admin-session-document-exists",
                "firewall-servers-have-no-public-address",
                "identity-servers-ask-for-a-token",
            ),
        },
    ),
    "open_cache": Program(
        open_cache,
        {
            "sessions": (
                "availability-of-caches",
                "availability-of-caches-minor-upgrades",
                "availability-of-caches-version",
                "availability-protects-what-holds-state",
                "backup-of-caches-is-kept-long-enough",
                "cache-asks-who-connects",
                "cache-has-its-own-subnet-group",
                "cache-names-its-security-groups",
                "encryption-of-caches",
                "encryption-of-caches-under-own-key",
                "maintenance-backs-up-in-the-daily-window",
                "maintenance-happens-in-the-weekly-window",
                "monitoring-cache-exports-logs",
                "monitoring-of-what-holds-state",
                "tls-cache-refuses-plain-connections",
            ),
        },
    ),
    "generous_permissions": Program(
        generous_permissions,
        {
            "anybody": (
                "identity-is-no-administrator",
                "identity-names-actions",
                "identity-names-resources",
                "identity-roles-have-a-boundary",
                "identity-roles-trust-somebody",
            ),
            "deployer-admin": (
                "identity-is-no-administrator",
                "identity-users-have-no-rights-of-their-own",
            ),
            "deployer-key": ("identity-users-have-no-rights-of-their-own",),
        },
    ),
    "public_topic_and_lazy_key": Program(
        public_topic_and_lazy_key,
        {
            "alerts": (
                "encryption-of-notifications",
                "monitoring-topics-reach-a-person",
                "tls-topic-refuses-plain-http",
            ),
            "alerts-policy": ("identity-resources-are-not-public",),
            "cpu": (
                "monitoring-alarms-can-fire",
                "monitoring-alarms-name-a-runbook",
                "monitoring-alarms-name-a-severity",
                "monitoring-alarms-tell-somebody",
            ),
            "key": (
                "availability-protects-what-holds-state",
                "encryption-keys-outlive-mistakes",
                "encryption-keys-rotate",
                "identity-keys-say-who-uses-them",
            ),
            "lambda": (
                "encryption-of-logs",
                "monitoring-logs-are-kept-long-enough",
            ),
        },
    ),
    "inline_web_acl": Program(
        inline_web_acl,
        {
            "acl": (
                "rate-limit-is-within-budget",
                "rate-limit-log-is-kept",
                "rate-limit-rules-are-measured",
            ),
        },
    ),
    "kubernetes_as_in_the_tutorial": Program(
        kubernetes_as_in_the_tutorial,
        {
            "web": (
                "kubernetes-containers-are-asked-how-they-are",
                "kubernetes-containers-are-not-root",
                "kubernetes-containers-cannot-change-themselves",
                "kubernetes-containers-gain-no-privileges",
                "kubernetes-containers-have-their-share",
                "kubernetes-containers-hold-no-plain-secrets",
                "kubernetes-deployments-scale",
                "kubernetes-deployments-survive-drains",
                "kubernetes-images-are-pinned",
            ),
        },
    ),
    "kubernetes_agent_on_every_node": Program(
        kubernetes_agent_on_every_node,
        {
            "agent": (
                "kubernetes-containers-are-not-root",
                "kubernetes-containers-cannot-change-themselves",
                "kubernetes-containers-gain-no-privileges",
                "kubernetes-pods-stay-off-the-node",
            ),
            "autoscaler": ("kubernetes-autoscalers-keep-the-guides-figures",),
        },
    ),
    "hasty_operations": Program(
        hasty_operations,
        {
            "chat": ("monitoring-chat-channels-act-within-limits",),
            "down": ("monitoring-alarms-name-a-runbook",),
            "plan": (
                "backup-plans-are-tried",
                "backup-plans-keep-backups-long-enough",
                "backup-plans-select-something",
            ),
            "quiet-nights": ("monitoring-never-mutes-outages",),
            "vault": (
                "backup-vaults-are-locked",
                "backup-vaults-are-under-own-key",
            ),
        },
    ),
    "forgotten_tags": Program(
        forgotten_tags,
        {
            "address": ("tagging-is-complete",),
            "jobs": ("tagging-is-complete",),
        },
    ),
    "secrets_everywhere": Program(
        secrets_everywhere,
        {
            "function": ("secrets-are-not-in-plain-properties",),
            "template": (
                "admin-session-document-exists",
                "secrets-are-not-in-user-data",
            ),
            "token": ("encryption-of-secret-parameters",),
        },
    ),
}
