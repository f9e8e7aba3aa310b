"""The tables themselves: every word in them names something that exists, and nothing is claimed twice."""

import pytest

from sandbox.provider import mapping, schema
from sandbox.provider.model import Call, ResourceType
from sandbox.provider.tables import all_types, find

TYPES = sorted(all_types().values(), key=lambda kind: kind.token)


def _inputs(kind: ResourceType) -> set[str]:
    declared = schema.resource(kind.token)
    assert declared is not None
    return set(declared.inputs)


def _outputs(kind: ResourceType) -> set[str]:
    declared = schema.resource(kind.token)
    assert declared is not None
    return set(declared.outputs)


def _path_exists(kind: ResourceType, path: str) -> bool:
    declared = schema.resource(kind.token)
    assert declared is not None
    properties = declared.inputs
    for step in path.split("."):
        if step not in properties:
            return False
        found = properties[step].type
        while isinstance(found, schema.ListOf):
            found = found.item
        properties = found.properties if isinstance(found, schema.ObjectType) else {}
    return True


@pytest.fixture(params=TYPES, ids=[kind.token for kind in TYPES])
def kind(request: pytest.FixtureRequest) -> ResourceType:
    found: ResourceType = request.param
    return found


def test_the_program_finds_all_its_types() -> None:
    assert [token for token in PROGRAM if find(token) is None] == []


def test_inputs_named_in_the_table_exist(kind: ResourceType) -> None:
    named = {
        "replace": kind.replace,
        "local": kind.provider_only,
        "ordered": kind.ordered,
        "write_only": kind.write_only,
        "adopts": kind.custom_create_inputs,
        "amends": kind.custom_update_inputs,
        "update_omits": kind.update_omits,
        "update_recorded": kind.update_stored_only,
        "delete_unless": kind.delete_unless,
        "features": " ".join(kind.feature_inputs()),
        "autoname": kind.autoname.input if kind.autoname else "",
        "defaults": " ".join(kind.defaults),
    }
    unknown = {field: sorted(set(words.split()) - _inputs(kind)) for field, words in named.items()}
    assert {field: words for field, words in unknown.items() if words} == {}


def test_outputs_named_in_the_table_exist(kind: ResourceType) -> None:
    known = _inputs(kind) | _outputs(kind)
    unknown = (set(kind.attributes) | set(kind.absent_outputs.split()) | set(kind.recomputed.split())) - known
    assert sorted(unknown) == []


def test_paths_of_rules_and_references_exist(kind: ResourceType) -> None:
    assert [path for path in (*kind.rules, *kind.references) if not _path_exists(kind, path)] == []


def test_an_input_has_one_purpose(kind: ResourceType) -> None:
    local, features = set(kind.provider_only.split()), kind.feature_inputs()
    assert sorted(local & features) == []
    assert sorted(local & set(kind.replace.split())) == []
    assert sorted(features & set(kind.custom_create_inputs.split())) == []


def test_operations_exist_in_the_service_model(kind: ResourceType) -> None:
    tagging = kind.tagging
    calls = [kind.update, kind.delete, kind.read, *([tagging.add, tagging.remove, tagging.read] if tagging else [])]
    operations = [call.operation for call in calls if isinstance(call, Call)]
    operations += [kind.create] if isinstance(kind.create, str) and kind.create else []
    for operation in operations:
        assert mapping.operation(kind.service, operation)


def test_a_type_is_made_by_exactly_one_means(kind: ResourceType) -> None:
    assert bool(kind.create) != bool(kind.custom_create)
    assert kind.stored_only or kind.read is not None


def test_what_amends_says_what_it_changes(kind: ResourceType) -> None:
    assert bool(kind.custom_update) == bool(
        kind.custom_update_inputs or (kind.custom_update and kind.custom_create_inputs)
    )


def test_arguments_of_calls_are_parameters(kind: ResourceType) -> None:
    calls = [call for call in (kind.update, kind.delete, kind.read) if isinstance(call, Call)]
    for call in calls:
        members = mapping.operation(kind.service, call.operation).input_shape.members
        assert sorted(set(call.arguments) - set(members)) == []


PROGRAM = [
    "aws:acm/certificate:Certificate",
    "aws:acm/certificateValidation:CertificateValidation",
    "aws:autoscaling/group:Group",
    "aws:autoscaling/policy:Policy",
    "aws:cloudwatch/dashboard:Dashboard",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "aws:ec2/eip:Eip",
    "aws:ec2/flowLog:FlowLog",
    "aws:ec2/internetGateway:InternetGateway",
    "aws:ec2/launchTemplate:LaunchTemplate",
    "aws:ec2/natGateway:NatGateway",
    "aws:ec2/networkAcl:NetworkAcl",
    "aws:ec2/route:Route",
    "aws:ec2/routeTable:RouteTable",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/vpc:Vpc",
    "aws:ec2/vpcEndpoint:VpcEndpoint",
    "aws:ec2/vpcSecurityGroupRulesExclusive:VpcSecurityGroupRulesExclusive",
    "aws:elasticache/parameterGroup:ParameterGroup",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:elasticache/subnetGroup:SubnetGroup",
    "aws:iam/instanceProfile:InstanceProfile",
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
    "aws:iam/policy:Policy",
    "aws:iam/role:Role",
    "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
    "aws:kms/alias:Alias",
    "aws:kms/key:Key",
    "aws:lb/listener:Listener",
    "aws:lb/listenerRule:ListenerRule",
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:lb/targetGroup:TargetGroup",
    "aws:rds/eventSubscription:EventSubscription",
    "aws:rds/instance:Instance",
    "aws:rds/parameterGroup:ParameterGroup",
    "aws:rds/subnetGroup:SubnetGroup",
    "aws:route53/queryLog:QueryLog",
    "aws:route53/record:Record",
    "aws:route53/zone:Zone",
    "aws:s3/bucket:Bucket",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketLogging:BucketLogging",
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:secretsmanager/secret:Secret",
    "aws:secretsmanager/secretVersion:SecretVersion",
    "aws:sns/topic:Topic",
    "aws:sns/topicPolicy:TopicPolicy",
    "aws:sns/topicSubscription:TopicSubscription",
    "aws:ssm/document:Document",
    "aws:ssm/parameter:Parameter",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "aws:wafv2/ipSet:IpSet",
    "aws:wafv2/webAcl:WebAcl",
    "aws:wafv2/webAclAssociation:WebAclAssociation",
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
    "aws:wafv2/webAclRule:WebAclRule",
]
