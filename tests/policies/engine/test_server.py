"""The pack as the engine meets it: over gRPC, with unknown values, secrets, floats and levels."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2
from pulumi.runtime import proto
from pulumi.runtime.proto import analyzer_pb2_grpc
from pulumi_policy import policy

from policies.engine.checklist_items import ChecklistItem
from policies.engine.evaluation import RuleIndex
from policies.engine.resource import StackResource
from policies.engine.rule import ANY_TYPE, Context, Rule, RuleSeverity, Scope, Setting
from policies.engine.server import Analyzer, describe, start
from policies.engine.waivers import Waiver, Waivers
from policies.rules import ALL_RULES
from tests.policies.platform import good_platform

TODAY = date(2026, 11, 24)
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SECRET = "aMarkerThatMustNeverBePrinted"
"""Text of every secret in these tests."""


PROPERTIES_OF_GOOD_PLATFORM = {name for entry in good_platform().entries for name in entry["inputs"]}


def secret(value: Any) -> Mapping[str, Any]:
    return {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": value}


@pytest.fixture
def connect() -> Iterator[Any]:
    """Serve a pack and return a client of it."""
    servers = []

    def serve(
        rules: Any = ALL_RULES, waivers: tuple[Waiver, ...] = (), known_types: frozenset[str] | None = None
    ) -> Any:
        server, port = start(Analyzer(RuleIndex(rules), Waivers(waivers, TODAY), "1.0.0", known_types))
        channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.max_send_message_length", -1)])
        servers.append((server, channel))
        return analyzer_pb2_grpc.AnalyzerStub(channel)

    yield serve
    for server, channel in servers:
        channel.close()
        server.stop(None)


def struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update(properties)
    return message


def urn(type_token: str, name: str) -> str:
    return f"urn:pulumi:production::fixrx::{type_token}::{name}"


def resource(type_token: str, name: str, /, **properties: Any) -> Any:
    return proto.AnalyzeRequest(type=type_token, name=name, urn=urn(type_token, name), properties=struct(properties))


def stack(*resources: Any) -> Any:
    return proto.AnalyzeStackRequest(
        resources=[
            proto.AnalyzerResource(type=r.type, name=r.name, urn=r.urn, properties=r.properties, options=r.options)
            for r in resources
        ]
    )


def findings(response: Any) -> list[tuple[str, str]]:
    return [(d.policyName, d.urn.rpartition("::")[2]) for d in response.diagnostics]


DATABASE = "aws:rds/instance:Instance"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
PUBLIC_IS_WRONG = [rule for rule in ALL_RULES if rule.name == "rds-public-access-disabled"]


PUBLIC_MESSAGE = (
    "primary is publicly accessible: it has an address that the internet can connect to (RDS.2).\n"
    "Set publicly_accessible=False."
)


def test_diagnostic_carries_name_level_severity_and_both_sentences(connect: Any) -> None:
    response = connect(PUBLIC_IS_WRONG).Analyze(resource(DATABASE, "primary", publiclyAccessible=True))

    (diagnostic,) = response.diagnostics
    assert diagnostic == proto.AnalyzeDiagnostic(
        policyName="rds-public-access-disabled",
        policyPackName="fixrx-checklist",
        policyPackVersion="1.0.0",
        description="Databases are not publicly accessible.",
        message=PUBLIC_MESSAGE,
        urn=urn(DATABASE, "primary"),
        enforcementLevel=proto.MANDATORY,
        severity=proto.POLICY_SEVERITY_CRITICAL,
    )


def test_a_rule_that_advises_is_described_and_reported_so(connect: Any) -> None:
    advice = [rule for rule in ALL_RULES if rule.name == "waf-maintenance-is-off"]
    answer = {"block": {"customResponse": {"responseCode": 503}}}
    found = connect(advice).Analyze(resource("aws:wafv2/webAclRule:WebAclRule", "maintenance", action=answer))

    assert [each.enforcementLevel for each in found.diagnostics] == [proto.ADVISORY]
    assert describe(advice[0]).enforcementLevel == proto.ADVISORY


ABOUT_DATABASES = [
    next(rule for rule in ALL_RULES if rule.name == name)
    for name in ("rds-iam-authentication-enabled", "rds-public-access-disabled")
]


def not_decided(response: Any) -> list[str]:
    return sorted(each.policy_name for each in response.not_applicable)


def test_only_what_was_decided_counts_as_passed(connect: Any) -> None:
    """The engine counts a rule as passed for a resource unless it hears otherwise."""
    client = connect(
        [*ABOUT_DATABASES, *(rule for rule in ALL_RULES if rule.name == "security-group-default-is-managed")]
    )
    database = resource(DATABASE, "primary", publiclyAccessible=UNKNOWN, iamDatabaseAuthenticationEnabled=True)

    assert not_decided(client.Analyze(resource(GROUP, "group"))) == [rule.name for rule in ABOUT_DATABASES]
    assert not_decided(client.Analyze(database)) == ["rds-public-access-disabled"]
    assert not_decided(client.AnalyzeStack(stack(database))) == ["security-group-default-is-managed"]


def test_one_unknown_value_hides_no_other_finding_of_its_rule(connect: Any) -> None:
    ingress = [
        {"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlocks": ["0.0.0.0/0"]},
        {"protocol": "tcp", "fromPort": UNKNOWN, "toPort": 1, "cidrBlocks": ["0.0.0.0/0"]},
        {"protocol": "tcp", "fromPort": 3389, "toPort": 3389, "cidrBlocks": ["0.0.0.0/0"]},
    ]
    rules = [rule for rule in ALL_RULES if rule.name == "admin-remote-login-is-not-public"]
    client = connect(rules)
    bad = resource(GROUP, "bad", ingress=ingress)

    during = client.Analyze(bad)
    after = client.AnalyzeStack(stack(bad))

    assert findings(during) == [("admin-remote-login-is-not-public", "bad")] * 2
    (undetermined,) = after.diagnostics
    assert (undetermined.policyName, undetermined.enforcementLevel) == (
        "pack-verdicts-are-determined",
        proto.ADVISORY,
    )
    assert undetermined.message.splitlines()[1:] == ["admin-remote-login-is-not-public: bad.ingress.1.fromPort"]


def test_unknown_in_one_resource_hides_nothing_of_another_in_a_joining_rule(connect: Any) -> None:
    rules = [rule for rule in ALL_RULES if rule.name == "s3-versioning-enabled"]
    buckets = [resource("aws:s3/bucket:Bucket", name, id=name, bucket=name) for name in ("first", "second", "third")]
    versioning = "aws:s3/bucketVersioning:BucketVersioning"
    hidden = resource(versioning, "of-second", bucket="second", versioningConfiguration=UNKNOWN)

    response = connect(rules).AnalyzeStack(stack(*buckets, hidden))

    assert findings(response) == [
        ("s3-versioning-enabled", "first"),
        ("s3-versioning-enabled", "third"),
        ("pack-verdicts-are-determined", ""),
    ]
    assert response.diagnostics[-1].message.splitlines()[1:] == [
        "s3-versioning-enabled: of-second.versioningConfiguration.status"
    ]


def test_value_that_comes_out_of_another_resource_counts_as_given(connect: Any) -> None:
    rules = [rule for rule in ALL_RULES if rule.name == "rds-customer-managed-key-used"]
    client = connect(rules)
    database = resource(DATABASE, "primary", kmsKeyId=UNKNOWN)
    in_stack = stack(database)
    in_stack.resources[0].propertyDependencies["kmsKeyId"].urns.append(urn("aws:kms/key:Key", "data"))

    assert findings(client.Analyze(database)) == []
    assert findings(client.AnalyzeStack(in_stack)) == []


def test_reference_is_followed_through_property_dependencies_while_ids_are_unknown(connect: Any) -> None:
    rules = [rule for rule in ALL_RULES if rule.name == "s3-versioning-enabled"]
    bucket = resource("aws:s3/bucket:Bucket", "first", id=UNKNOWN, bucket=UNKNOWN)
    versioning = resource(
        "aws:s3/bucketVersioning:BucketVersioning",
        "versioning",
        bucket=UNKNOWN,
        versioningConfiguration={"status": "Enabled"},
    )
    request = stack(bucket, versioning)
    request.resources[1].propertyDependencies["bucket"].urns.append(bucket.urn)

    assert findings(connect(rules).AnalyzeStack(request)) == []


def test_what_the_program_does_not_declare_and_aws_has_not_computed_is_not_there(connect: Any) -> None:
    rules = [rule for rule in ALL_RULES if rule.name == "security-group-public-ingress-is-load-balancer-only"]
    client = connect(rules)
    client.Analyze(resource(GROUP, "without-rules", description="No rules inside"))
    client.Analyze(resource(GROUP, "with-rules", ingress=UNKNOWN))

    response = client.AnalyzeStack(
        stack(resource(GROUP, "without-rules", ingress=UNKNOWN), resource(GROUP, "with-rules", ingress=UNKNOWN))
    )

    (undetermined,) = response.diagnostics
    assert undetermined.message.splitlines()[1:] == [
        "security-group-public-ingress-is-load-balancer-only: with-rules.ingress"
    ]


def test_inputs_count_while_the_provider_waits_for_its_cluster(connect: Any) -> None:
    """The engine has no outputs of what it will make in a cluster that is yet to be made."""
    client = connect()
    labels = {"app": "api"}
    deployment = resource(
        "kubernetes:apps/v1:Deployment",
        "api",
        metadata={"name": "api", "namespace": "api"},
        spec={"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}},
    )
    autoscaler = resource(
        "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
        "api",
        metadata={"name": "api", "namespace": "api"},
        spec={"scaleTargetRef": {"kind": "Deployment", "name": "api"}, "minReplicas": 3, "maxReplicas": 10},
    )

    def unscaled(*declared: Any) -> bool:
        for each in declared:
            client.Analyze(each)
        waiting = [proto.AnalyzerResource(type=each.type, name=each.name, urn=each.urn) for each in declared]
        answer = client.AnalyzeStack(proto.AnalyzeStackRequest(resources=waiting))
        return ("kubernetes-deployments-have-autoscalers", "api") in findings(answer)

    assert unscaled(deployment)
    assert not unscaled(deployment, autoscaler)


def test_what_a_cluster_has_set_itself_is_not_the_programs(connect: Any) -> None:
    """An autoscaler writes the number of pods into the Deployment, and the provider reports it."""
    client = connect()
    spec = {"selector": {"matchLabels": {"app": "api"}}}
    names = {"name": "api", "namespace": "api"}
    target = {"scaleTargetRef": {"kind": "Deployment", "name": "api"}}
    autoscaler = resource("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "api", metadata=names, spec=target)

    def sets_replicas(declared: Mapping[str, Any], reported: Mapping[str, Any]) -> bool:
        inputs, outputs = (
            resource("kubernetes:apps/v1:Deployment", "api", metadata=names, spec=each) for each in (declared, reported)
        )
        client.Analyze(inputs)
        client.Analyze(autoscaler)
        found = findings(client.AnalyzeStack(stack(outputs, autoscaler)))
        return ("kubernetes-autoscaled-replicas-are-unset", "api") in found

    assert not sets_replicas(spec, {**spec, "replicas": 3})
    assert sets_replicas({**spec, "replicas": 3}, {**spec, "replicas": 3})


def test_certain_answer_counts_beside_an_unknown_one(connect: Any) -> None:
    rules = [rule for rule in ALL_RULES if rule.name == "dns-caa-record-exists"]
    zone = resource("aws:route53/zone:Zone", "zone", id="Z1", zoneId="Z1")
    record = "aws:route53/record:Record"

    response = connect(rules).AnalyzeStack(
        stack(
            zone,
            resource(record, "other", zoneId="Z1", type=UNKNOWN),
            resource(record, "caa", zoneId="Z1", type="CAA"),
        )
    )

    assert findings(response) == []


def test_whole_numbers_arrive_without_a_decimal_point(connect: Any) -> None:
    rules = [rule for rule in ALL_RULES if rule.name == "rds-backup-retention-is-sufficient"]

    response = connect(rules).Analyze(resource(DATABASE, "primary", backupRetentionPeriod=3))

    assert response.diagnostics[0].message.startswith("primary keeps automated backups for 3 days;")


def test_no_message_of_any_rule_prints_a_secret(connect: Any) -> None:
    client = connect()
    document = {"Statement": [{"Effect": "Allow", "Action": f"s3:{SECRET}", "Resource": "*", "Principal": "*"}]}
    address = f"postgresql://u:{SECRET}@h/d"
    texts = [[SECRET, {"cidrBlocks": [SECRET]}], json.dumps(document), address, 12345678, True]
    resource_types = sorted(
        {resource_type for rule in ALL_RULES for resource_type in rule.resource_types if resource_type != ANY_TYPE}
    )
    properties = sorted({*PROPERTIES_OF_GOOD_PLATFORM, "ingress", "egress", "acl", "inlinePolicies"})

    requests = [
        resource(f"{resource_type}:Class", "subject", **{name: secret(text) for name in properties})
        for resource_type in resource_types
        for text in texts
    ]
    responses = [client.Analyze(request) for request in requests]
    responses.append(client.AnalyzeStack(stack(*requests)))

    messages = [diagnostic.message for response in responses for diagnostic in response.diagnostics]
    assert len(messages) == 5060
    assert [message for message in messages if SECRET in message or "12345678" in message] == []


def test_secret_value_that_is_unknown_counts_as_secret_and_as_given(connect: Any) -> None:
    cache = resource("aws:elasticache/replicationGroup:ReplicationGroup", "cache", authToken=secret(UNKNOWN))
    rules = [rule for rule in ALL_RULES if rule.name in ("elasticache-authentication-enabled", "secrets-are-marked")]
    client = connect(rules)

    assert findings(client.Analyze(cache)) == []
    assert findings(client.AnalyzeStack(stack(cache))) == []


def test_rule_that_fails_is_a_finding_and_no_crash(connect: Any) -> None:
    def fails(subject: StackResource, context: Context) -> list[str]:
        raise ZeroDivisionError

    rule = Rule(
        name="broken-rule",
        description="It breaks.",
        item=ChecklistItem.DNS,
        severity=RuleSeverity.LOW,
        documentation="https://example.com",
        resource_types=frozenset({"aws:rds/instance"}),
        check=fails,
        remediation="Repair it.",
    )

    response = connect([rule]).Analyze(resource(DATABASE, "primary"))

    assert [d.message for d in response.diagnostics] == [
        "primary could not be checked (ZeroDivisionError): the rule broken-rule does not understand this shape.\n"
        "Repair it."
    ]


def configuration(**entries: Any) -> Any:
    return proto.ConfigureAnalyzerRequest(
        policyConfig={
            name.replace("_", "-"): proto.PolicyConfig(enforcementLevel=level, properties=struct(settings))
            for name, (level, settings) in entries.items()
        }
    )


def test_level_of_the_configuration_is_the_level_of_the_diagnostic(connect: Any) -> None:
    client = connect(PUBLIC_IS_WRONG)
    client.Configure(configuration(rds_public_access_disabled=(proto.ADVISORY, {})))

    response = client.Analyze(resource(DATABASE, "primary", publiclyAccessible=True))

    assert [d.enforcementLevel for d in response.diagnostics] == [proto.ADVISORY]


def test_disabled_rule_is_not_reported(connect: Any) -> None:
    client = connect(PUBLIC_IS_WRONG)
    client.Configure(configuration(rds_public_access_disabled=(proto.DISABLED, {})))

    assert findings(client.Analyze(resource(DATABASE, "primary", publiclyAccessible=True))) == []


def test_setting_of_the_configuration_is_used(connect: Any) -> None:
    client = connect([rule for rule in ALL_RULES if rule.name == "rds-backup-retention-is-sufficient"])
    client.Configure(configuration(rds_backup_retention_is_sufficient=(proto.MANDATORY, {"days": 30.0})))

    assert len(client.Analyze(resource(DATABASE, "primary", backupRetentionPeriod=14)).diagnostics) == 1


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        (
            {"rds_public_access_disable": (proto.ADVISORY, {})},
            "there is no rule 'rds-public-access-disable' (did you mean 'rds-public-access-disabled'?)",
        ),
        (
            {"rds_backup_retention_is_sufficient": (proto.MANDATORY, {"day": 8})},
            "rds-backup-retention-is-sufficient has no setting 'day' (did you mean 'days'?)",
        ),
        (
            {"rds_backup_retention_is_sufficient": (proto.MANDATORY, {"days": 0})},
            "rds-backup-retention-is-sufficient.days must be a whole number from 1 to 35",
        ),
        (
            {"rds_public_access_disabled": (proto.REMEDIATE, {})},
            "rds-public-access-disabled has the level 'remediate', and there are mandatory, advisory, disabled",
        ),
    ],
)
def test_wrong_configuration_is_refused(connect: Any, entries: Any, complaint: str) -> None:
    with pytest.raises(grpc.RpcError) as refusal:
        connect().Configure(configuration(**entries))

    assert refusal.value.details() == f"The configuration of the rules cannot be used: {complaint}."


def test_waiver_is_one_line_however_many_resources_it_covers(connect: Any) -> None:
    waiver = Waiver(
        rule="rds-public-access-disabled",
        urn="*::primary-*",
        owner="ops@fixrx.com",
        reason="Migration from\n  the old provider\n",
        expires=date(2026, 11, 24),
    )
    client = connect(PUBLIC_IS_WRONG, (waiver,))
    databases = [resource(DATABASE, f"primary-{number}", publiclyAccessible=True) for number in range(3)]

    during = [findings(client.Analyze(database)) for database in databases]
    (diagnostic,) = client.AnalyzeStack(stack(*databases)).diagnostics

    assert during == [[], [], []]
    assert (diagnostic.policyName, diagnostic.enforcementLevel) == ("rds-public-access-disabled", proto.ADVISORY)
    assert diagnostic.message == (
        "Waived for 3 resources by ops@fixrx.com, until 24 November 2026: Migration from the old provider"
    )
    assert findings(client.AnalyzeStack(stack(*databases))) == []


def test_types_that_no_rule_judges_are_named_in_one_line(connect: Any) -> None:
    client = connect(PUBLIC_IS_WRONG, known_types=frozenset({"aws:rds/instance"}))
    strangers = [resource(f"aws:{name}", "x") for name in ("glue/job:Job", "appsync/api:Api", "glue/job:Job")]
    others = [resource(DATABASE, "primary"), resource("random:index/randomPassword:RandomPassword", "p")]

    (diagnostic,) = client.AnalyzeStack(stack(*strangers, *others)).diagnostics

    assert (diagnostic.policyName, diagnostic.enforcementLevel) == ("pack-types-are-known", proto.ADVISORY)
    assert diagnostic.message == "No rule judges these types; review them by hand: aws:appsync/api, aws:glue/job"
    assert findings(client.AnalyzeStack(stack(*others))) == []


def test_expired_waiver_is_a_violation_and_its_finding_counts(connect: Any) -> None:
    waiver = Waiver(
        rule="rds-public-access-disabled",
        urn="*::primary",
        owner="ops@fixrx.com",
        reason="Migration from the old provider",
        expires=date(2026, 11, 23),
    )
    client = connect(PUBLIC_IS_WRONG, (waiver,))
    database = resource(DATABASE, "primary", publiclyAccessible=True)

    during = client.Analyze(database)
    after = client.AnalyzeStack(stack(database))

    assert [d.enforcementLevel for d in during.diagnostics] == [proto.MANDATORY]
    assert [(d.policyName, d.enforcementLevel) for d in after.diagnostics] == [
        ("pack-waivers-are-current", proto.MANDATORY)
    ]


def test_expired_waiver_of_another_stack_is_none_of_our_business(connect: Any) -> None:
    waiver = Waiver(
        rule="rds-public-access-disabled",
        urn="urn:pulumi:staging::*",
        owner="ops@fixrx.com",
        reason="Migration from the old provider",
        expires=date(2026, 11, 23),
    )

    response = connect(PUBLIC_IS_WRONG, (waiver,)).AnalyzeStack(stack(resource(DATABASE, "primary")))

    assert findings(response) == []


def test_protect_option_reaches_the_rules(connect: Any) -> None:
    client = connect([rule for rule in ALL_RULES if rule.name == "availability-stateful-resources-are-protected"])
    protected = resource(DATABASE, "primary")
    protected.options.protect = True

    assert findings(client.Analyze(protected)) == []
    assert len(client.Analyze(resource(DATABASE, "primary")).diagnostics) == 1


def test_rules_change_nothing(connect: Any) -> None:
    response = connect(ABOUT_DATABASES).Remediate(resource(DATABASE, "primary", publiclyAccessible=True))

    assert list(response.remediations) == []
    assert not_decided(response) == [rule.name for rule in ABOUT_DATABASES]


def test_engine_learns_the_same_about_a_rule_as_from_pulumis_own_sdk() -> None:
    """The SDK's servicer is driven directly, because its PolicyPack never stops serving."""
    rule = Rule(
        name="some-rule",
        description="Something holds.",
        item=ChecklistItem.RATE_LIMITING,
        severity=RuleSeverity.HIGH,
        security_hub=("WAF.10",),
        resource_types=frozenset({"aws:wafv2/webAcl"}),
        check=lambda subject, context: (),
        remediation="Set it.",
        scope=Scope.STACK,
        settings={"days": Setting(default=7, minimum=1, maximum=35, description="Days")},
    )
    sdk_policy = policy.StackValidationPolicy(
        name=rule.name,
        description=rule.description,
        validate=lambda args, report: None,
        enforcement_level=policy.EnforcementLevel.MANDATORY,
        severity=policy.Severity.HIGH,
        framework=policy.PolicyComplianceFramework(
            name="FixRx pre-deployment checklist",
            version="1.0.0",
            reference="Security Configuration",
            specification="API rate limiting configured",
        ),
        tags=["WAF.10"],
        remediation_steps=rule.remediation,
        url=rule.url,
        config_schema=policy.PolicyConfigSchema(
            {
                "days": {
                    "type": "integer",
                    "default": 7,
                    "minimum": 1,
                    "maximum": 35,
                    "description": "Days",
                }
            }
        ),
    )
    servicer: Any = policy._PolicyAnalyzerServicer("pack", "1.0.0", [sdk_policy], policy.EnforcementLevel.ADVISORY)

    (from_sdk,) = servicer.GetAnalyzerInfo(None, None).policies

    assert describe(rule) == from_sdk
