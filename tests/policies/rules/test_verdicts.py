"""What the rules say about single resources, right and wrong ones, in every notation that a program may use."""

from typing import Any

import pytest
from botocore.session import get_session
from moto.elbv2.ssl_policies import SSL_POLICIES

from policies.engine.evaluation import RuleIndex, Verdicts, evaluate_all
from policies.engine.resource import UNKNOWN_SENTINELS
from policies.engine.state import state_of
from policies.rules import ALL_RULES
from tests.policies.exported import ACCOUNT, Reference, State

INDEX = RuleIndex(ALL_RULES)
UNKNOWN = next(iter(UNKNOWN_SENTINELS))


def verdicts_on(state: State) -> Verdicts:
    read = state_of(state.exported())
    return evaluate_all(INDEX, read.inputs, read.outputs)


def problems(state: State, rule: str) -> list[str]:
    verdicts = verdicts_on(state)
    assert [verdict for verdict in verdicts.undetermined if verdict.rule.name == rule] == []
    return [finding.problem for finding in verdicts.findings if finding.rule.name == rule]


def problems_of(rule: str, resource_type: str, **inputs: Any) -> list[str]:
    state = State()
    state.add(resource_type, "subject", inputs)
    return problems(state, rule)


ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
ANY_ACCOUNT = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"


@pytest.mark.parametrize(
    ("resource_type", "inputs", "public"),
    [
        ("aws:s3/bucket", {"acl": "public-read"}, True),
        ("aws:s3/bucketAcl", {"acl": "authenticated-read"}, True),
        ("aws:s3/bucketObjectv2", {"acl": "public-read-write"}, True),
        ("aws:s3/bucketObject", {"acl": "private"}, False),
        ("aws:s3/bucket", {"grants": [{"type": "Group", "permissions": ["READ"], "uri": ALL_USERS}]}, True),
        ("aws:s3/bucketV2", {"grants": [{"type": "Group", "permissions": ["READ"], "uri": ANY_ACCOUNT}]}, True),
        ("aws:s3/bucket", {"grants": [{"type": "Group", "permissions": ["WRITE"], "uri": LOG_DELIVERY}]}, False),
        ("aws:s3/bucketAcl", {"accessControlPolicy": {"grants": [{"grantee": {"uri": ALL_USERS}}]}}, True),
        ("aws:s3/bucketAcl", {"accessControlPolicy": {"grants": [{"grantee": {"id": "a"}}]}}, False),
    ],
)
def test_public_acl(resource_type: str, inputs: dict[str, Any], public: bool) -> None:
    assert bool(problems_of("s3-acl-is-not-public", resource_type, **inputs)) is public


@pytest.mark.parametrize(
    ("bucket", "reported"),
    [
        ({}, {"s3-versioning-enabled", "s3-access-logging-enabled", "s3-incomplete-uploads-are-aborted"}),
        (
            {
                "versioning": {"enabled": True},
                "logging": {"targetBucket": "logs"},
                "lifecycleRules": [{"enabled": True, "abortIncompleteMultipartUploadDays": 7}],
            },
            set(),
        ),
        (
            {
                "versioning": {"enabled": False},
                "lifecycleRules": [{"enabled": False, "abortIncompleteMultipartUploadDays": 7}],
                "logging": {},
            },
            {"s3-versioning-enabled", "s3-access-logging-enabled", "s3-incomplete-uploads-are-aborted"},
        ),
    ],
)
def test_what_a_bucket_says_itself_is_read(bucket: dict[str, Any], reported: set[str]) -> None:
    rules = {"s3-versioning-enabled", "s3-access-logging-enabled", "s3-incomplete-uploads-are-aborted"}

    assert {rule for rule in rules if problems_of(rule, "aws:s3/bucket", **bucket)} == reported


def test_what_a_bucket_of_version_six_says_itself_is_read() -> None:
    bucket = {"versionings": [{"enabled": True}], "loggings": [{"targetBucket": "logs"}]}

    assert problems_of("s3-versioning-enabled", "aws:s3/bucketV2", **bucket) == []
    assert problems_of("s3-access-logging-enabled", "aws:s3/bucketV2", **bucket) == []


@pytest.mark.parametrize(
    ("resource_type", "rule", "inputs", "reported"),
    [
        ("aws:rds/instance", "rds-customer-managed-key-used", {"kmsKeyId": "alias/aws/rds"}, True),
        ("aws:rds/instance", "rds-customer-managed-key-used", {"kmsKeyId": "alias/fixrx"}, False),
        (
            "aws:secretsmanager/secret",
            "secrets-customer-managed-key-used",
            {"kmsKeyId": "alias/aws/secretsmanager"},
            True,
        ),
        (
            "aws:cloudwatch/logGroup",
            "cloudwatch-logs-customer-managed-key-used",
            {"kmsKeyId": f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/aws/logs"},
            True,
        ),
        ("aws:sns/topic", "sns-topics-encrypted", {"kmsMasterKeyId": "alias/aws/sns"}, True),
        ("aws:sns/topic", "sns-topics-encrypted", {"kmsMasterKeyId": "alias/topics"}, False),
        ("aws:backup/vault", "backup-vault-customer-managed-key-used", {"kmsKeyArn": "alias/aws/backup"}, True),
        ("aws:ssm/parameter", "ssm-secret-parameters-encrypted", {"name": "token", "type": "SecureString"}, True),
        (
            "aws:ssm/parameter",
            "ssm-secret-parameters-encrypted",
            {"name": "token", "type": "SecureString", "keyId": "alias/aws/ssm"},
            True,
        ),
        (
            "aws:ssm/parameter",
            "ssm-secret-parameters-encrypted",
            {"name": "token", "type": "SecureString", "keyId": "alias/fixrx"},
            False,
        ),
        ("aws:kms/key", "kms-key-rotation-enabled", {"enableKeyRotation": True}, False),
        ("aws:kms/key", "kms-key-rotation-enabled", {"enableKeyRotation": True, "rotationPeriodInDays": 365}, False),
        ("aws:kms/key", "kms-key-rotation-enabled", {"enableKeyRotation": True, "rotationPeriodInDays": 400}, True),
        ("aws:autoscaling/group", "auto-scaling-can-grow", {"minSize": 3, "maxSize": 3}, True),
        ("aws:autoscaling/group", "auto-scaling-can-grow", {"minSize": "3", "maxSize": "10"}, False),
        ("aws:appautoscaling/target", "auto-scaling-can-grow", {"minCapacity": 2, "maxCapacity": 2}, True),
        ("aws:iam/policyAttachment", "iam-users-are-not-used", {"users": ["eve"]}, True),
        ("aws:iam/policyAttachment", "iam-users-are-not-used", {"roles": ["app"]}, False),
        ("aws:iam/userLoginProfile", "iam-users-are-not-used", {"user": "eve"}, True),
        ("aws:ec2/launchTemplate", "ec2-imdsv2-is-required", {"metadataOptions": {"httpEndpoint": "disabled"}}, False),
        ("aws:ec2/launchTemplate", "ec2-imdsv2-is-required", {"metadataOptions": {"httpEndpoint": "enabled"}}, True),
        (
            "aws:ec2/instance",
            "ec2-metadata-hop-limit-is-one",
            {"metadataOptions": {"httpEndpoint": "disabled", "httpPutResponseHopLimit": 2}},
            False,
        ),
        ("aws:lb/targetGroup", "load-balancer-health-check-configured", {"protocol": "TCP", "port": 5432}, False),
        ("aws:lb/targetGroup", "load-balancer-health-check-configured", {"healthCheck": {"protocol": "TCP"}}, False),
        ("aws:lb/targetGroup", "load-balancer-health-check-configured", {"targetType": "lambda"}, False),
        ("aws:lb/targetGroup", "load-balancer-health-check-configured", {"protocol": "HTTP"}, True),
        (
            "aws:lb/targetGroup",
            "load-balancer-health-check-configured",
            {"protocol": "TCP", "healthCheck": {"enabled": False}},
            True,
        ),
        (
            "aws:lb/targetGroup",
            "load-balancer-health-check-configured",
            {"protocol": "TCP", "healthCheck": {"protocol": "HTTP"}},
            True,
        ),
    ],
)
def test_value(resource_type: str, rule: str, inputs: dict[str, Any], reported: bool) -> None:
    assert bool(problems_of(rule, resource_type, **inputs)) is reported


@pytest.mark.parametrize(
    ("engine", "logs", "missing"),
    [
        ("postgres", ["postgresql"], "upgrade"),
        ("postgres", ["postgresql", "upgrade"], None),
        ("mysql", ["postgresql"], "error, slowquery"),
        ("mysql", ["error", "slowquery", "general"], None),
        ("mariadb", [], "error, slowquery"),
        ("oracle-ee", ["alert", "audit"], None),
        ("sqlserver-se", [], "error"),
        ("custom-engine", [], None),
    ],
)
def test_exported_logs_are_those_of_the_engine(engine: str, logs: list[str], missing: str | None) -> None:
    found = problems_of("rds-log-exports-enabled", "aws:rds/instance", engine=engine, enabledCloudwatchLogsExports=logs)

    expected = f"does not export its logs to CloudWatch ({missing}): they are lost with the instance"
    assert found == ([] if missing is None else [expected])


@pytest.mark.parametrize(
    ("engine", "parameter", "value", "reported"),
    [
        ("postgres", "rds.force_ssl", "1", False),
        ("postgres", "rds.force_ssl", "0", True),
        ("postgres", "require_secure_transport", "1", True),
        ("mysql", "require_secure_transport", "ON", False),
        ("mysql", "rds.force_ssl", "1", True),
        ("sqlserver-se", "rds.force_ssl", "0", False),
    ],
)
def test_tls_is_required_by_the_parameter_of_the_engine(
    engine: str, parameter: str, value: str, reported: bool
) -> None:
    state = State()
    state.add("aws:rds/parameterGroup", "group", {"parameters": [{"name": parameter, "value": value}]})
    state.add("aws:rds/instance", "db", {"engine": engine, "parameterGroupName": Reference("group", "name")})

    assert bool(problems(state, "rds-tls-is-required")) is reported


@pytest.mark.parametrize("name", SSL_POLICIES)
def test_security_policy_is_judged_by_the_protocols_that_it_accepts(name: str) -> None:
    """SSL_POLICIES is a copy of what AWS answers."""
    found = problems_of("tls-listener-policy-is-current", "aws:lb/listener", protocol="HTTPS", sslPolicy=name)

    assert bool(found) is bool({"TLSv1", "TLSv1.1"} & set(SSL_POLICIES[name]["ssl_protocols"]))


@pytest.mark.parametrize(
    ("name", "reported"),
    [
        ("ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09", False),
        ("ELBSecurityPolicy-TLS13-1-2-Ext2-FIPS-PQ-2025-09", False),
        ("ELBSecurityPolicy-TLS13-1-3-PQ-2025-09", False),
        ("ELBSecurityPolicy-TLS13-1-0-PQ-2025-09", True),
        ("ELBSecurityPolicy-FS-1-2-Res-2020-10", False),
        ("ELBSecurityPolicy-TLS-1-2-Ext-2018-06", False),
        ("ELBSecurityPolicy-FS-2018-06", True),
        ("ELBSecurityPolicy-TLS-1-1-2017-01", True),
        ("MyPolicy", True),
        (None, True),
    ],
)
def test_security_policy_that_the_copy_does_not_have(name: str | None, reported: bool) -> None:
    found = problems_of("tls-listener-policy-is-current", "aws:lb/listener", protocol="HTTPS", sslPolicy=name)

    assert bool(found) is reported
    assert all(str(name) in problem for problem in found if name)


def cloudfront_versions() -> list[str]:
    model = get_session().get_service_model("cloudfront")
    return list(model.shape_for("MinimumProtocolVersion").enum)


@pytest.mark.parametrize("version", cloudfront_versions())
def test_every_minimum_version_of_cloudfront_is_judged_by_its_name(version: str) -> None:
    certificate = {"minimumProtocolVersion": version, "acmCertificateArn": "arn:aws:acm:us-east-1:1:certificate/1"}
    found = problems_of("cdn-tls-version-is-current", "aws:cloudfront/distribution", viewerCertificate=certificate)

    assert bool(found) is not version.startswith(("TLSv1.2", "TLSv1.3"))
    assert all(version in problem for problem in found)


def test_origin_access_identity_is_not_called_public() -> None:
    origin = {"domainName": "b.s3.amazonaws.com", "s3OriginConfig": {"originAccessIdentity": "identity/E1"}}
    rule = "cdn-origin-access-control-enabled"

    (old,) = problems_of(rule, "aws:cloudfront/distribution", origins=[origin])
    (open_bucket,) = problems_of(rule, "aws:cloudfront/distribution", origins=[{"domainName": "b.s3.amazonaws.com"}])

    assert "public" not in old and old.endswith("which AWS has replaced by origin access control")
    assert open_bucket.endswith("the bucket has to be public")


@pytest.mark.parametrize(
    ("content", "rules"),
    [
        (
            "schemaVersion: '1.0'\nsessionType: Standard_Stream\ninputs:\n  cloudWatchLogGroupName: sessions\n"
            "  cloudWatchEncryptionEnabled: true\n  idleSessionTimeout: '20'\n",
            set(),
        ),
        ("schemaVersion: '1.0'\ninputs: {}\n", {"admin-sessions-are-recorded", "admin-session-timeout-is-set"}),
        ("{inputs: [", {"admin-documents-are-valid"}),
        ('{"inputs": ', {"admin-documents-are-valid"}),
        ("just text", {"admin-documents-are-valid"}),
    ],
)
def test_session_document_is_json_or_yaml(content: str, rules: set[str]) -> None:
    state = State()
    state.add("aws:ssm/document", "subject", {"documentType": "Session", "documentFormat": "YAML", "content": content})

    found = {f.rule.name for f in verdicts_on(state).findings if f.rule.name.startswith("admin-")}

    assert found == rules


@pytest.mark.parametrize(
    ("schedule", "reported"),
    [
        ("rate(30 days)", False),
        ("rate(4 hours)", False),
        ("rate(400 days)", True),
        ("rate(91 days)", True),
        ("cron(0 8 1 * ? *)", False),
        ("cron(0 8 ? 1/2 2#1 *)", False),
        ("cron(0 8 1 1 ? *)", True),
        ("cron(0 8 1 1/12 ? *)", True),
        ("cron(0 8 1 * ? 2027)", True),
        ("sometimes", True),
    ],
)
def test_schedule_of_a_rotation(schedule: str, reported: bool) -> None:
    state = State()
    secret = state.add("aws:secretsmanager/secret", "secret", {})
    state.add("aws:secretsmanager/secretVersion", "value", {"secretId": secret.id})
    state.add(
        "aws:secretsmanager/secretRotation",
        "rotation",
        {"secretId": secret.id, "rotationRules": {"scheduleExpression": schedule}},
    )

    assert bool(problems(state, "secrets-rotation-enabled")) is reported


def alias(state: State, name: str) -> None:
    state.add("aws:route53/record", "record", {"type": "A", "aliases": [{"name": name, "zoneId": "Z"}]})


@pytest.mark.parametrize(
    ("resource_type", "outputs", "name"),
    [
        ("aws:apigateway/domainName", {"regionalDomainName": "d-1.amazonaws.com"}, "d-1.amazonaws.com"),
        (
            "aws:apigatewayv2/domainName",
            {"domainNameConfiguration": {"targetDomainName": "d-2.amazonaws.com"}},
            "d-2.amazonaws.com",
        ),
        ("aws:elasticbeanstalk/environment", {"cname": "fixrx.elasticbeanstalk.com"}, "fixrx.elasticbeanstalk.com"),
        (
            "aws:globalaccelerator/accelerator",
            {"dnsName": "a1.aws.com"},
            "a1.aws.com",
        ),
        ("aws:ec2/vpcEndpoint", {"dnsEntries": [{"dnsName": "vpce-1.amazonaws.com"}]}, "vpce-1.amazonaws.com"),
        ("aws:lb/loadBalancer", {"dnsName": "Alb-1.elb.amazonaws.com"}, "dualstack.alb-1.elb.amazonaws.com."),
    ],
)
def test_alias_of_what_is_in_the_stack(resource_type: str, outputs: dict[str, Any], name: str) -> None:
    state = State()
    state.add(resource_type, "target", **outputs)
    alias(state, name)

    assert problems(state, "dns-alias-targets-exist") == []


def test_alias_of_what_is_not_in_the_stack() -> None:
    state = State()
    state.add("aws:lb/loadBalancer", "balancer", dnsName="alb-1.us-east-1.elb.amazonaws.com")
    alias(state, "alb-2.us-east-1.elb.amazonaws.com")

    assert len(problems(state, "dns-alias-targets-exist")) == 1


@pytest.mark.parametrize("protocol", ["-1", None])
def test_rule_for_all_protocols_is_described_in_words(protocol: str | None) -> None:
    rule = {"ipProtocol": protocol, "cidrIpv4": "0.0.0.0/0"}

    found = problems_of("security-group-public-ports-are-restricted", "aws:vpc/securityGroupIngressRule", **rule)

    assert found == ["allows ingress from the internet on all ports"]


def test_rule_for_a_protocol_without_ports_names_the_protocol() -> None:
    rule = {"ipProtocol": "icmp", "fromPort": -1, "toPort": -1, "cidrIpv4": "0.0.0.0/0"}

    found = problems_of("security-group-public-ports-are-restricted", "aws:vpc/securityGroupIngressRule", **rule)

    assert found == ["allows ingress from the internet on the protocol icmp"]


def test_rule_that_takes_the_default_group_from_the_vpc_is_the_default_groups() -> None:
    state = State()
    state.add("aws:ec2/vpc", "vpc", {}, defaultSecurityGroupId="sg-default")
    state.add(
        "aws:ec2/securityGroupRule",
        "ssh",
        {"type": "ingress", "securityGroupId": Reference("vpc", "defaultSecurityGroupId")},
    )

    assert problems(state, "security-group-default-is-empty") == [
        "has in its default security group ssh: they apply to every resource that names no security group"
    ]


def selected(database: dict[str, Any], **selection: Any) -> bool:
    """Tell whether the rule finds a database with these inputs selected by a selection with those."""
    state = State()
    state.add("aws:rds/instance", "database", {"identifier": "database", **database})
    state.add("aws:backup/selection", "selection", {"planId": "plan", **state.resolve(selection)})
    return not problems(state, "backup-databases-are-selected")


DATABASE_ARN = f"arn:aws:test:us-east-1:{ACCOUNT}:database"


@pytest.mark.parametrize(
    ("database", "selection", "expected"),
    [
        ({}, {"resources": [DATABASE_ARN]}, True),
        ({}, {"resources": ["*"]}, True),
        ({}, {"resources": [f"arn:aws:test:*:{ACCOUNT}:data*"]}, True),
        ({}, {"resources": [f"arn:aws:test:*:{ACCOUNT}:other*"]}, False),
        ({}, {"resources": ["*"], "notResources": [DATABASE_ARN]}, False),
        ({}, {"resources": ["*"], "notResources": ["arn:aws:test:*:*:data*"]}, False),
        ({"tags": {"Backup": "yes"}}, {"selectionTags": [{"key": "Backup", "value": "yes"}]}, True),
        ({"tags": {"Backup": "no"}}, {"selectionTags": [{"key": "Backup", "value": "yes"}]}, False),
        (
            {"tags": {"Backup": "yes"}},
            {
                "resources": ["*"],
                "conditions": [{"stringEquals": [{"key": "aws:ResourceTag/Backup", "value": "yes"}]}],
            },
            True,
        ),
        (
            {"tags": {"Backup": "yes", "Stage": "test"}},
            {
                "resources": ["*"],
                "conditions": [
                    {
                        "stringLikes": [{"key": "aws:ResourceTag/Backup", "value": "y*"}],
                        "stringNotEquals": [{"key": "aws:ResourceTag/Stage", "value": "test"}],
                    }
                ],
            },
            False,
        ),
        # A replica has its source's data, and staging may be lost.
        ({"replicateSourceDb": "primary"}, {"resources": ["arn:another"]}, True),
        ({"tags": {"Environment": "staging"}}, {"resources": ["arn:another"]}, True),
    ],
)
def test_selection_of_a_database(database: dict[str, Any], selection: dict[str, Any], expected: bool) -> None:
    assert selected(database, **selection) is expected


@pytest.mark.parametrize(
    ("schedule", "far_enough"),
    [
        ("cron(0 5 * * ? *)", True),
        ("cron(59 4 * * ? *)", False),
        ("cron(59 4 ? * MON *)", True),
        ("cron(0 0 ? * MON *)", True),
        ("cron(1 0 ? * MON *)", False),
        ("cron(29 3 ? * MON *)", False),
        ("cron(30 3 ? * MON *)", True),
        ("cron(30 3 ? * SUN#1 *)", False),
        ("rate(12 hours)", False),
        (None, True),
    ],
)
def test_distance_of_a_plan_from_the_windows(schedule: str | None, far_enough: bool) -> None:
    """02:00 to 02:30 on every day, 03:00 to 04:00 on Sunday; a backup starts up to an hour late."""
    state = State()
    windows = {"backupWindow": "02:00-02:30", "maintenanceWindow": "sun:03:00-sun:04:00"}
    state.add("aws:rds/instance", "database", windows)
    state.add("aws:backup/plan", "plan", {"rules": [{"ruleName": "daily", "schedule": schedule}]})

    assert (problems(state, "backup-plans-start-away-from-windows") == []) is far_enough


@pytest.mark.parametrize(
    ("bucket", "expected"),
    [
        ({"bucket": "fixrx-backups", "region": "us-east-1"}, True),
        ({"bucket": "fixrx-backups", "region": "us-east-1", "tags": {"Environment": "staging"}}, False),
        ({"bucket": "fixrx-assets", "region": "us-east-1"}, False),
    ],
)
def test_backup_bucket_without_a_copy(bucket: dict[str, Any], expected: bool) -> None:
    assert bool(problems_of("s3-backups-leave-the-region", "aws:s3/bucket", **bucket)) is expected


@pytest.mark.parametrize(("region", "reported"), [("us-west-2", False), ("us-east-1", True)])
def test_copy_of_a_backup_bucket(region: str, reported: bool) -> None:
    """The copy needs no copy of its own."""
    state = State()
    state.add("aws:s3/bucket", "backups", {"bucket": "fixrx-backups", "region": "us-east-1"})
    state.add("aws:s3/bucket", "copy", {"bucket": "fixrx-backups-dr", "region": region})
    rule = {"id": "all", "status": "Enabled", "destination": {"bucket": Reference("copy", "arn")}}
    state.add(
        "aws:s3/bucketReplicationConfig", "replication", {"bucket": Reference("backups", "bucket"), "rules": [rule]}
    )

    assert bool(problems(state, "s3-backups-leave-the-region")) is reported


@pytest.mark.parametrize(
    ("kind", "name", "known", "fixed"),
    [
        ("randomId", "api-settings", True, True),
        ("randomId", "api-settings-1a2b3c4d", True, True),
        ("randomId", Reference("suffix", "hex"), True, False),
        ("randomId", Reference("suffix", "hex"), False, False),
        ("randomString", Reference("suffix", "result"), True, False),
        ("randomUuid", Reference("suffix", "result"), True, False),
        ("randomPet", Reference("suffix", "id"), True, False),
    ],
)
def test_name_with_something_random_in_it_is_not_fixed(kind: str, name: Any, known: bool, fixed: bool) -> None:
    """Nor does it have to be known: a preview shows that it will come from there."""
    state = State()
    state.add(f"random:index/{kind}", "suffix", hex="0a1b2c3d", result="0a1b2c3d")
    metadata = {"namespace": "fixrx", "name": name}
    state.add("kubernetes:core/v1:ConfigMap", "settings", {"metadata": metadata, "immutable": True})
    if not known:
        for side in ("inputs", "outputs"):
            state.find("settings")[side]["metadata"]["name"] = UNKNOWN
    assert bool(problems(state, "kubernetes-immutable-config-maps-have-no-fixed-name")) is fixed
