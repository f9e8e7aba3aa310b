"""What is true for every resource of a stack.

Mocks show what the program asks for. Whether AWS would take it is shown in `tests/sandbox` and `tests/end_to_end`.
"""

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

import pulumi_aws as aws
import pytest

from components.shared.host import decoded
from review.drift import LEFT_TO_AWS
from tests.recorder import (
    CANARY,
    Recording,
    Registration,
    plain_strings,
    record,
    unwrap,
)

PROVIDER = ("pulumi:providers:aws", "aws", "stack")
COMPONENTS = [
    "fixrx:components:AccessLogs",
    "fixrx:components:AdminAccess",
    "fixrx:components:Alarms",
    "fixrx:components:Alarms",
    "fixrx:components:AppServers",
    "fixrx:components:BackupBucket",
    "fixrx:components:BackupVault",
    "fixrx:components:Cache",
    "fixrx:components:Cdn",
    "fixrx:components:Certificate",
    "fixrx:components:Certificate",
    "fixrx:components:Connections",
    "fixrx:components:ContinuousIntegration",
    "fixrx:components:Costs",
    "fixrx:components:Credentials",
    "fixrx:components:Dashboard",
    "fixrx:components:Database",
    "fixrx:components:DatabaseJobs",
    "fixrx:components:Dns",
    "fixrx:components:DnsFirewall",
    "fixrx:components:Encryption",
    "fixrx:components:Endpoints",
    "fixrx:components:InstanceConnect",
    "fixrx:components:LoadBalancer",
    "fixrx:components:Incidents",
    "fixrx:components:Mutes",
    "fixrx:components:Network",
    "fixrx:components:Notifications",
    "fixrx:components:Outside",
    "fixrx:components:PermissionsBoundary",
    "fixrx:components:PrivateBucket",
    "fixrx:components:PrivateBucket",
    "fixrx:components:PrivateBucket",
    "fixrx:components:ReleaseMarker",
    "fixrx:components:ReleaseMarker",
    "fixrx:components:Secrets",
    "fixrx:components:Verification",
    "fixrx:components:Vpn",
    "fixrx:components:Watchman",
    "fixrx:components:WebAcl",
    "fixrx:components:WebAcl",
]
COPIES = ["fixrx:components:PrivateBucket", "fixrx:components:PrivateBucket"]
"""In the second region, which staging does without: the copy of the backup bucket, and its access log."""
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
SCALING_GROUP = "aws:autoscaling/group:Group"
BACKUPS = {
    "aws:backup/plan:Plan",
    "aws:backup/restoreTestingPlan:RestoreTestingPlan",
    "aws:backup/vault:Vault",
}
TAGGABLE = {
    "aws:acm/certificate:Certificate",
    "aws:cloudfront/distribution:Distribution",
    "aws:budgets/budget:Budget",
    "aws:cloudwatch/alarmMuteRule:AlarmMuteRule",
    "aws:cloudwatch/compositeAlarm:CompositeAlarm",
    "aws:cloudwatch/logDelivery:LogDelivery",
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination",
    "aws:cloudwatch/logDeliverySource:LogDeliverySource",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:codebuild/project:Project",
    "aws:costexplorer/anomalyMonitor:AnomalyMonitor",
    "aws:costexplorer/anomalySubscription:AnomalySubscription",
    "aws:dynamodb/table:Table",
    "aws:lambda/eventSourceMapping:EventSourceMapping",
    "aws:sqs/queue:Queue",
    "aws:scheduler/scheduleGroup:ScheduleGroup",
    "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "aws:ec2/eip:Eip",
    "aws:ec2/flowLog:FlowLog",
    "aws:ec2/internetGateway:InternetGateway",
    "aws:ec2/launchTemplate:LaunchTemplate",
    "aws:ec2/natGateway:NatGateway",
    "aws:ec2/networkAcl:NetworkAcl",
    "aws:ec2/routeTable:RouteTable",
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/vpc:Vpc",
    "aws:ec2/vpcEndpoint:VpcEndpoint",
    "aws:elasticache/parameterGroup:ParameterGroup",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:elasticache/subnetGroup:SubnetGroup",
    "aws:elasticache/user:User",
    "aws:elasticache/userGroup:UserGroup",
    "aws:iam/instanceProfile:InstanceProfile",
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
    "aws:iam/policy:Policy",
    "aws:iam/role:Role",
    "aws:kms/key:Key",
    "aws:lambda/function:Function",
    "aws:lb/listener:Listener",
    "aws:lb/listenerRule:ListenerRule",
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:lb/targetGroup:TargetGroup",
    "aws:rds/eventSubscription:EventSubscription",
    "aws:rds/instance:Instance",
    "aws:rds/parameterGroup:ParameterGroup",
    "aws:rds/subnetGroup:SubnetGroup",
    "aws:route53/healthCheck:HealthCheck",
    "aws:route53/zone:Zone",
    "aws:s3/bucket:Bucket",
    "aws:secretsmanager/secret:Secret",
    "aws:sns/topic:Topic",
    "aws:ssm/document:Document",
    "aws:ssm/parameter:Parameter",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "aws:wafv2/webAcl:WebAcl",
}
"""Types of the platform that take tags. The scaling group takes them too, in another form."""


def _stack_tags(name: str, environment: str) -> Mapping[str, str]:
    return {
        "Name": f"fixrx-{environment}-{name}",
        "Project": "fixrx",
        "Environment": environment,
        "Owner": "ops@fixrx.com",
        "ManagedBy": "pulumi",
    }


def _expected_tags(resource: Registration, environment: str) -> Mapping[str, str]:
    tags = _stack_tags(resource.name, environment)
    if resource.type not in (ALARM, "aws:cloudwatch/compositeAlarm:CompositeAlarm"):
        return tags
    severity = resource.plain["alarmDescription"].split()[0]
    return {**tags, "Severity": severity}


def _is_taggable(resource: Registration) -> bool:
    """Tell from the SDK's own signature whether a resource takes tags."""
    if not resource.type.startswith("aws:"):
        return False
    _, module, class_name = resource.type.split(":")
    # `lambda` is a word of Python.
    area = module.split("/")[0].replace("lambda", "lambda_")
    resource_class = getattr(importlib.import_module(f"pulumi_aws.{area}"), class_name)
    return "tags" in inspect.signature(resource_class._internal_init).parameters


def _leaks(value: Any) -> bool:
    return any(CANARY in text for text in plain_strings(value))


def test_components_are_these(stack: Recording, environment: str) -> None:
    copies = COPIES if environment == "production" else []

    assert sorted(each.type for each in stack.registrations if each.is_component) == sorted([*COMPONENTS, *copies])


def test_only_components_and_the_provider_stand_by_themselves(stack: Recording) -> None:
    alone = {each.identity for each in stack.registrations if each.parent == "stack" and not each.is_component}

    assert alone == {PROVIDER}


def test_every_other_resource_is_the_child_of_a_component(stack: Recording) -> None:
    components = {each.name for each in stack.registrations if each.is_component}

    orphans = [each.identity for each in stack.registrations if each.parent not in components | {"stack"}]

    assert orphans == []


def test_every_name_begins_with_the_name_of_its_component(stack: Recording) -> None:
    others = [
        each.identity
        for each in stack.registrations
        if each.parent != "stack" and not f"{each.name}-".startswith(f"{each.parent}-")
    ]

    assert others == []


def test_every_component_registers_outputs(stack: Recording) -> None:
    silent = [each.name for each in stack.registrations if each.is_component and not stack.registered_outputs[each.urn]]

    assert silent == []


def test_every_aws_resource_comes_from_the_provider_that_knows_the_account(stack: Recording) -> None:
    """The default provider would use any account that the credentials belong to."""
    elsewhere = [
        each.identity for each in stack.registrations if each.type.startswith("aws:") and each.provider != "aws"
    ]

    assert elsewhere == []


@pytest.mark.parametrize(("environment", "account_id"), [("production", "111122223333"), ("staging", "444455556666")])
def test_the_provider_refuses_other_accounts(stack: Recording, account_id: str) -> None:
    provider = stack.named("aws")

    assert unwrap(provider.inputs["allowedAccountIds"]) == f'["{account_id}"]'
    assert provider.inputs["region"] == "us-east-1"


def test_every_taggable_resource_has_exactly_the_tags_of_its_stack(stack: Recording, environment: str) -> None:
    taggable = [each for each in stack.registrations if _is_taggable(each) and each.type != SCALING_GROUP]

    wrong = [each.identity for each in taggable if each.inputs["tags"] != _expected_tags(each, environment)]

    assert wrong == []
    assert {each.type for each in taggable} == TAGGABLE | (BACKUPS if environment == "production" else set())


def test_the_scaling_group_has_the_same_tags_in_its_own_form(stack: Recording, environment: str) -> None:
    tags = _stack_tags("app-servers-group", environment)

    assert stack.named("app-servers-group").inputs["tags"] == [
        {"key": key, "value": value, "propagateAtLaunch": False} for key, value in tags.items()
    ]


def test_what_a_server_consists_of_has_the_same_tags(stack: Recording, environment: str) -> None:
    """Tags of a group do not reach what its servers are made of."""
    tags = _stack_tags("app-servers-server", environment)

    assert stack.named("app-servers-launch-template").inputs["tagSpecifications"] == [
        {"resourceType": kind, "tags": tags} for kind in ("instance", "volume", "network-interface")
    ]


def test_no_secret_stands_in_a_plain_input(stack: Recording) -> None:
    leaks = [each.identity for each in stack.registrations if _leaks(each.inputs)]

    assert leaks == []


def test_no_secret_stands_in_an_output(stack: Recording) -> None:
    leaks = [urn for urn, outputs in stack.registered_outputs.items() if _leaks(outputs)]

    assert leaks == []
    assert not _leaks(stack.stack_outputs)


def test_no_secret_is_an_output_of_the_stack_even_if_wrapped(stack: Recording) -> None:
    """`pulumi stack output --show-secrets` would print it; secrets are read from Secrets Manager."""
    assert CANARY not in str(unwrap(stack.stack_outputs))


def test_no_secret_stands_in_user_data(stack: Recording) -> None:
    script = decoded(stack.named("app-servers-launch-template").inputs["userData"])

    assert script.startswith("#!/bin/bash\n")
    assert CANARY not in script


def test_the_program_logs_the_name_servers_only(stack: Recording, environment: str) -> None:
    prefix = "" if environment == "production" else "staging."

    assert stack.log == [
        f"The certificate of api.{prefix}fixrx.com is issued once the registrar of {prefix}fixrx.com delegates to "
        "these name servers: ns-1.awsdns-01.org"
    ]


def test_secrets_are_wrapped_and_are_these(stack: Recording) -> None:
    """The other way round: an input that holds a canary is a secret, and no other input is one."""
    assert {each.name: each.secret_inputs() for each in stack.registrations if each.secret_inputs()} == {
        "cache-user": {"authenticationMode"},
        "credentials-bootstrap": {"input"},
        "database-primary": {"password"},
    }


def test_production_protects_what_cannot_be_made_again(production: Recording) -> None:
    assert sorted(each.name for each in production.registrations if each.protect) == [
        "access-logs-store-bucket",
        "backup-vault-dr-access-logs-bucket",
        "backup-vault-dr-key",
        "backup-vault-dr-store-bucket",
        "backup-vault-dr-vault",
        "backup-vault-vault",
        "backups-store-bucket",
        "cache-replication-group",
        "cdn-store-bucket",
        "cdn-web-acl-log-key",
        "database-primary",
        "database-replica",
        "dns-query-log-key",
        "dns-zone",
        "encryption-data-key",
        "encryption-logs-key",
        "encryption-notifications-key",
        "encryption-secrets-key",
        "incidents-table",
        "load-balancer-alb",
        "network-vpc",
    ]


def test_staging_protects_nothing_and_can_be_destroyed(staging: Recording) -> None:
    assert [each.name for each in staging.registrations if each.protect] == []


def test_nothing_is_deleted_before_its_replacement_stands(stack: Recording) -> None:
    """But for the lock and the policy of a vault: the end of the old lock is the end of any, and the old policy refuses
    another one."""
    first_deleted = {"aws:backup/vaultLockConfiguration", "aws:backup/vaultPolicy"}

    assert [
        each.identity
        for each in stack.registrations
        if each.delete_before_replace and each.type.rpartition(":")[0] not in first_deleted
    ] == []


def test_changes_are_ignored_here_only(stack: Recording) -> None:
    assert {each.name: each.ignore_changes for each in stack.registrations if each.ignore_changes} == {
        "app-servers-group": ("desiredCapacity",),
        "cache-user": ("authenticationMode",),
        "cdn-web-acl-acl": ("rules",),
        "network-default-network-acl": ("subnetIds",),
        "web-acl-acl": ("rules",),
    }


def test_drift_leaves_out_what_is_ignored(stack: Recording) -> None:
    """A refresh does not know of `ignore_changes`. Of the key of a restored database there is a test of its own."""
    ignored = {(each.type, key) for each in stack.registrations for key in each.ignore_changes}
    assert ignored | {("aws:rds/instance:Instance", "kmsKeyId")} == set(LEFT_TO_AWS.items())


def test_a_program_that_looks_something_up_is_refused() -> None:
    """Proof that the recorder would notice: both stacks are recorded without a single look-up."""

    def program() -> None:
        aws.get_caller_identity()

    with pytest.raises(Exception, match="asks nothing, but it called aws:index/getCallerIdentity:getCallerIdentity"):
        record(program)


def test_outputs_of_the_stack_are_these(production: Recording) -> None:
    assert sorted(production.stack_outputs) == [
        "admin_session_document",
        "api_url",
        "app_servers",
        "backup_bucket",
        "cache",
        "connection_budget",
        "database",
        "database_replica",
        "ds_record",
        "load_balancer",
        "name_servers",
        "prometheus_rules",
        "recovery",
        "secrets",
        "workflow_roles",
    ]
    assert production.stack_outputs["api_url"] == "https://api.fixrx.com"
    assert production.stack_outputs["name_servers"] == ["ns-1.awsdns-01.org"]
    assert production.stack_outputs["database"] == "fixrx-production-postgres-primary.example.rds.amazonaws.com:5432"
    assert production.stack_outputs["backup_bucket"] == "fixrx-backups-production-111122223333"
