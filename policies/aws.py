"""What rules know about AWS: the tokens of resource types, and how resources of several types are read.

Rule modules import this module and `policies.engine`, never one another.
"""

import base64
import gzip
import json
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Final

from policies.engine.iam_documents import InvalidDocument, Statement, statements
from policies.engine.iam_patterns import arn_parts
from policies.engine.resource import StackResource, UnknownValue, part_of
from policies.engine.stack import StackGraph

GZIP: Final = b"\x1f\x8b"
"""How compressed content begins."""

# Types: the token without its class.
ACCESS_KEY: Final = "aws:iam/accessKey"
ALARM: Final = "aws:cloudwatch/metricAlarm"
ALARM_MUTE_RULE: Final = "aws:cloudwatch/alarmMuteRule"
AUTO_SCALING_ATTACHMENT: Final = "aws:autoscaling/attachment"
AUTO_SCALING_GROUP: Final = "aws:autoscaling/group"
AUTO_SCALING_POLICY: Final = "aws:autoscaling/policy"
BACKUP_PLAN: Final = "aws:backup/plan"
BACKUP_SELECTION: Final = "aws:backup/selection"
BACKUP_VAULT: Final = "aws:backup/vault"
BACKUP_VAULT_LOCK: Final = "aws:backup/vaultLockConfiguration"
BACKUP_VAULT_POLICY: Final = "aws:backup/vaultPolicy"
BUCKET: Final = "aws:s3/bucket"
BUCKET_ACL: Final = "aws:s3/bucketAcl"
BUCKET_ENCRYPTION: Final = "aws:s3/bucketServerSideEncryptionConfiguration"
BUCKET_LIFECYCLE: Final = "aws:s3/bucketLifecycleConfiguration"
BUCKET_LOGGING: Final = "aws:s3/bucketLogging"
BUCKET_OBJECT: Final = "aws:s3/bucketObject"
BUCKET_OBJECT_COPY: Final = "aws:s3/objectCopy"
BUCKET_OBJECT_CURRENT: Final = "aws:s3/bucketObjectv2"
BUCKET_OBJECT_LOCK: Final = "aws:s3/bucketObjectLockConfiguration"
BUCKET_OWNERSHIP: Final = "aws:s3/bucketOwnershipControls"
BUCKET_POLICY: Final = "aws:s3/bucketPolicy"
BUCKET_REPLICATION: Final = "aws:s3/bucketReplicationConfig"
BUCKET_PUBLIC_ACCESS_BLOCK: Final = "aws:s3/bucketPublicAccessBlock"
BUCKET_VERSIONING: Final = "aws:s3/bucketVersioning"
BUDGET: Final = "aws:budgets/budget"
BUILD_PROJECT: Final = "aws:codebuild/project"
SCHEDULE: Final = "aws:scheduler/schedule"
SCHEDULE_GROUP: Final = "aws:scheduler/scheduleGroup"
CACHE: Final = "aws:elasticache/replicationGroup"
CACHE_USER: Final = "aws:elasticache/user"
CACHE_CLUSTER: Final = "aws:elasticache/cluster"
CACHE_SUBNET_GROUP: Final = "aws:elasticache/subnetGroup"
CERTIFICATE: Final = "aws:acm/certificate"
CERTIFICATE_VALIDATION: Final = "aws:acm/certificateValidation"
COST_ANOMALIES: Final = "aws:costexplorer/anomalySubscription"
CLIENT_VPN_ENDPOINT: Final = "aws:ec2clientvpn/endpoint"
CLIENT_VPN_AUTHORIZATION: Final = "aws:ec2clientvpn/authorizationRule"
INSTANCE_CONNECT_ENDPOINT: Final = "aws:ec2transitgateway/instanceConnectEndpoint"
FIREWALL_RULE: Final = "aws:route53/resolverFirewallRule"
COMPOSITE_ALARM: Final = "aws:cloudwatch/compositeAlarm"
DB_AUTOMATED_BACKUPS: Final = "aws:rds/instanceAutomatedBackupsReplication"
DB_CLUSTER: Final = "aws:rds/cluster"
DB_CLUSTER_INSTANCE: Final = "aws:rds/clusterInstance"
DB_CLUSTER_PARAMETER_GROUP: Final = "aws:rds/clusterParameterGroup"
DB_CLUSTER_SNAPSHOT: Final = "aws:rds/clusterSnapshot"
DB_CLUSTER_SNAPSHOT_COPY: Final = "aws:rds/clusterSnapshotCopy"
DB_EVENT_SUBSCRIPTION: Final = "aws:rds/eventSubscription"
DB_INSTANCE: Final = "aws:rds/instance"
DB_PARAMETER_GROUP: Final = "aws:rds/parameterGroup"
DB_PROXY: Final = "aws:rds/proxy"
DB_SNAPSHOT: Final = "aws:rds/snapshot"
DB_SNAPSHOT_COPY: Final = "aws:rds/snapshotCopy"
DB_SUBNET_GROUP: Final = "aws:rds/subnetGroup"
DEFAULT_NETWORK_ACL: Final = "aws:ec2/defaultNetworkAcl"
DEFAULT_ROUTE_TABLE: Final = "aws:ec2/defaultRouteTable"
DEFAULT_SECURITY_GROUP: Final = "aws:ec2/defaultSecurityGroup"
DISTRIBUTION: Final = "aws:cloudfront/distribution"
DNS_QUERY_LOG: Final = "aws:route53/queryLog"
DNS_RECORD: Final = "aws:route53/record"
DNS_ZONE: Final = "aws:route53/zone"
DNSSEC: Final = "aws:route53/hostedZoneDnsSec"
DOCDB_CLUSTER: Final = "aws:docdb/cluster"
DYNAMODB_POLICY: Final = "aws:dynamodb/resourcePolicy"
EBS_VOLUME: Final = "aws:ebs/volume"
EC2_INSTANCE: Final = "aws:ec2/instance"
ECR_LIFECYCLE: Final = "aws:ecr/lifecyclePolicy"
ECR_REGISTRY_POLICY: Final = "aws:ecr/registryPolicy"
ECR_REPOSITORY: Final = "aws:ecr/repository"
ECR_REPOSITORY_POLICY: Final = "aws:ecr/repositoryPolicy"
ECS_SERVICE: Final = "aws:ecs/service"
EGRESS_RULE: Final = "aws:vpc/securityGroupEgressRule"
EKS_ADD_ON: Final = "aws:eks/addon"
EKS_CLUSTER: Final = "aws:eks/cluster"
EKS_NODE_GROUP: Final = "aws:eks/nodeGroup"
EVENT_BUS_POLICY: Final = "aws:cloudwatch/eventBusPolicy"
EVENT_TARGET: Final = "aws:cloudwatch/eventTarget"
FILE_SYSTEM_POLICY: Final = "aws:efs/fileSystemPolicy"
FLOW_LOG: Final = "aws:ec2/flowLog"
FUNCTION: Final = "aws:lambda/function"
FUNCTION_EVENT_SOURCE: Final = "aws:lambda/eventSourceMapping"
FUNCTION_CALL: Final = "aws:lambda/invocation"
HEALTH_CHECK: Final = "aws:route53/healthCheck"
FUNCTION_PERMISSION: Final = "aws:lambda/permission"
FUNCTION_URL: Final = "aws:lambda/functionUrl"
GROUP_POLICY: Final = "aws:iam/groupPolicy"
GROUP_POLICY_ATTACHMENT: Final = "aws:iam/groupPolicyAttachment"
IAM_POLICY: Final = "aws:iam/policy"
IAM_POLICY_ATTACHMENT: Final = "aws:iam/policyAttachment"
IMAGE_PERMISSION: Final = "aws:ec2/amiLaunchPermission"
INGRESS_RULE: Final = "aws:vpc/securityGroupIngressRule"
INSTANCE_PROFILE: Final = "aws:iam/instanceProfile"
INTERNET_GATEWAY: Final = "aws:ec2/internetGateway"
KINESIS_POLICY: Final = "aws:kinesis/resourcePolicy"
KMS_ALIAS: Final = "aws:kms/alias"
KMS_EXTERNAL_KEY: Final = "aws:kms/externalKey"
KMS_KEY: Final = "aws:kms/key"
KMS_KEY_POLICY: Final = "aws:kms/keyPolicy"
KMS_REPLICA_KEY: Final = "aws:kms/replicaKey"
LAUNCH_CONFIGURATION: Final = "aws:ec2/launchConfiguration"
LAUNCH_TEMPLATE: Final = "aws:ec2/launchTemplate"
LAYER_PERMISSION: Final = "aws:lambda/layerVersionPermission"
LISTENER: Final = "aws:lb/listener"
LISTENER_RULE: Final = "aws:lb/listenerRule"
LOAD_BALANCER: Final = "aws:lb/loadBalancer"
LOG_DATA_PROTECTION: Final = "aws:cloudwatch/logDataProtectionPolicy"
LOG_DELIVERY: Final = "aws:cloudwatch/logDelivery"
LOG_DELIVERY_SOURCE: Final = "aws:cloudwatch/logDeliverySource"
LOG_DESTINATION_POLICY: Final = "aws:cloudwatch/logDestinationPolicy"
LOG_GROUP: Final = "aws:cloudwatch/logGroup"
LOG_RESOURCE_POLICY: Final = "aws:cloudwatch/logResourcePolicy"
NAT_GATEWAY: Final = "aws:ec2/natGateway"
NETWORK_ACL: Final = "aws:ec2/networkAcl"
NETWORK_ACL_RULE: Final = "aws:ec2/networkAclRule"
OLDER_SECURITY_GROUP_RULE: Final = "aws:ec2/securityGroupRule"
PERMISSION_SET_POLICY: Final = "aws:ssoadmin/permissionSetInlinePolicy"
QUEUE: Final = "aws:sqs/queue"
QUEUE_POLICY: Final = "aws:sqs/queuePolicy"
REDSHIFT_CLUSTER: Final = "aws:redshift/cluster"
RESPONSE_HEADERS_POLICY: Final = "aws:cloudfront/responseHeadersPolicy"
RESTORE_TESTING_SELECTION: Final = "aws:backup/restoreTestingSelection"
ROLE: Final = "aws:iam/role"
ROLE_POLICIES_EXCLUSIVE: Final = "aws:iam/rolePoliciesExclusive"
ROLE_POLICY: Final = "aws:iam/rolePolicy"
ROLE_POLICY_ATTACHMENT: Final = "aws:iam/rolePolicyAttachment"
ROLE_POLICY_ATTACHMENTS_EXCLUSIVE: Final = "aws:iam/rolePolicyAttachmentsExclusive"
ROUTE: Final = "aws:ec2/route"
ROUTE_TABLE: Final = "aws:ec2/routeTable"
ROUTE_TABLE_ASSOCIATION: Final = "aws:ec2/routeTableAssociation"
S3_ACCESS_POINT: Final = "aws:s3/accessPoint"
S3_ACCESS_POINT_POLICY: Final = "aws:s3control/accessPointPolicy"
SCALABLE_TARGET: Final = "aws:appautoscaling/target"
SECRET: Final = "aws:secretsmanager/secret"
SECRET_POLICY: Final = "aws:secretsmanager/secretPolicy"
SECRET_ROTATION: Final = "aws:secretsmanager/secretRotation"
SECRET_VERSION: Final = "aws:secretsmanager/secretVersion"
SECURITY_GROUP: Final = "aws:ec2/securityGroup"
SECURITY_GROUP_RULES_EXCLUSIVE: Final = "aws:ec2/vpcSecurityGroupRulesExclusive"
SERVERLESS_CACHE: Final = "aws:elasticache/serverlessCache"
SLACK_CHANNEL: Final = "aws:chatbot/slackChannelConfiguration"
SSM_DOCUMENT: Final = "aws:ssm/document"
SSM_PARAMETER: Final = "aws:ssm/parameter"
SUBNET: Final = "aws:ec2/subnet"
TABLE: Final = "aws:dynamodb/table"
TARGET_GROUP: Final = "aws:lb/targetGroup"
TARGET_GROUP_ATTACHMENT: Final = "aws:lb/targetGroupAttachment"
TEAMS_CHANNEL: Final = "aws:chatbot/teamsChannelConfiguration"
TOPIC: Final = "aws:sns/topic"
TOPIC_POLICY: Final = "aws:sns/topicPolicy"
TOPIC_SUBSCRIPTION: Final = "aws:sns/topicSubscription"
TRAIL: Final = "aws:cloudtrail/trail"
USER_LOGIN_PROFILE: Final = "aws:iam/userLoginProfile"
USER_POLICY: Final = "aws:iam/userPolicy"
USER_POLICY_ATTACHMENT: Final = "aws:iam/userPolicyAttachment"
VPC: Final = "aws:ec2/vpc"
VPC_ENDPOINT: Final = "aws:ec2/vpcEndpoint"
VPC_ENDPOINT_POLICY: Final = "aws:ec2/vpcEndpointPolicy"
WEB_ACL: Final = "aws:wafv2/webAcl"
WEB_ACL_ASSOCIATION: Final = "aws:wafv2/webAclAssociation"
WEB_ACL_LOGGING: Final = "aws:wafv2/webAclLoggingConfiguration"
WEB_ACL_RULE: Final = "aws:wafv2/webAclRule"

JOINED_TYPES: Final = frozenset(
    value for name, value in list(globals().items()) if name.isupper() and str(value).startswith("aws:")
)
"""All types above: what a rule does not judge itself it reads together with another."""
TYPES_WITHOUT_RULES: Final = frozenset(
    f"aws:{module}/{resource}"
    for module, resources in {
        "acm": "certificateValidation",
        "backup": "restoreTestingPlan",
        "autoscaling": "attachment lifecycleHook notification schedule tag trafficSourceAttachment",
        "cloudfront": "cachePolicy function originAccessControl originRequestPolicy",
        "costexplorer": "anomalyMonitor",
        "cloudwatch": "dashboard eventRule eventTarget logDeliveryDestination logMetricFilter logStream "
        "queryDefinition",
        "ec2clientvpn": "networkAssociation",
        "eks": "accessEntry accessPolicyAssociation podIdentityAssociation",
        "ec2": "eip eipAssociation egressOnlyInternetGateway keyPair mainRouteTableAssociation networkAclAssociation "
        "placementGroup vpcDhcpOptions vpcDhcpOptionsAssociation vpcEndpointRouteTableAssociation "
        "vpcEndpointSecurityGroupAssociation vpcEndpointSubnetAssociation vpcIpv4CidrBlockAssociation",
        "elasticache": "parameterGroup",
        "iam": "group openIdConnectProvider samlProvider serviceLinkedRole",
        "lb": "listenerCertificate targetGroupAttachment",
        "rds": "clusterParameterGroup optionGroup",
        "route53": "delegationSet resolverFirewallDomainList resolverFirewallRuleGroup "
        "resolverFirewallConfig resolverFirewallRuleGroupAssociation resolverQueryLogConfig "
        "resolverQueryLogConfigAssociation",
        "servicediscovery": "privateDnsNamespace service",
        "ssm": "maintenanceWindow maintenanceWindowTarget maintenanceWindowTask patchBaseline patchGroup",
        "wafv2": "ipSet regexPatternSet",
    }.items()
    for resource in resources.split()
)
"""Types about which there is nothing to demand, apart from tags."""
_TAGGABLE: Final[Mapping[str, str]] = {
    "acm": "certificate",
    "apigatewayv2": "api",
    "autoscaling": "group",
    "backup": "plan restoreTestingPlan vault",
    "cloudfront": "distribution",
    "budgets": "budget",
    "costexplorer": "anomalyMonitor anomalySubscription",
    "chatbot": "slackChannelConfiguration teamsChannelConfiguration",
    "cloudwatch": "alarmMuteRule compositeAlarm eventRule logDelivery logDeliveryDestination logDeliverySource "
    "logGroup metricAlarm",
    "codebuild": "project",
    "cognito": "userPool",
    "docdb": "cluster",
    "dynamodb": "table",
    "ebs": "volume",
    "ec2": "defaultNetworkAcl defaultSecurityGroup eip flowLog instance internetGateway keyPair launchTemplate "
    "natGateway networkAcl routeTable securityGroup subnet vpc vpcEndpoint vpcPeeringConnection",
    "ec2clientvpn": "endpoint",
    "ec2transitgateway": "instanceConnectEndpoint",
    "ecr": "repository",
    "ecs": "cluster service",
    "efs": "fileSystem",
    "eks": "accessEntry addon cluster nodeGroup podIdentityAssociation",
    "elasticache": "cluster parameterGroup replicationGroup subnetGroup user userGroup",
    "iam": "instanceProfile openIdConnectProvider policy role user",
    "kinesis": "stream",
    "kms": "key",
    "lambda": "eventSourceMapping function",
    "lb": "listener listenerRule loadBalancer targetGroup",
    "opensearch": "domain",
    "rds": "cluster eventSubscription instance parameterGroup subnetGroup",
    "route53": "healthCheck resolverFirewallDomainList resolverFirewallRuleGroup resolverFirewallRuleGroupAssociation "
    "resolverQueryLogConfig zone",
    "s3": "bucket",
    "scheduler": "scheduleGroup",
    "secretsmanager": "secret",
    "sfn": "stateMachine",
    "sns": "topic",
    "sqs": "queue",
    "ssm": "document maintenanceWindow parameter",
    "synthetics": "canary",
    "vpc": "securityGroupEgressRule securityGroupIngressRule",
    "wafv2": "webAcl",
}
TAGGABLE_TYPES: Final = frozenset(
    f"aws:{module}/{resource}" for module, resources in _TAGGABLE.items() for resource in resources.split()
)
"""Types that take tags. Tags from the provider's defaults do not count: a preview does not show them to the pack."""

IDENTITY_DOCUMENTS: Final[Mapping[str, str]] = {
    IAM_POLICY: "policy",
    ROLE_POLICY: "policy",
    USER_POLICY: "policy",
    GROUP_POLICY: "policy",
    PERMISSION_SET_POLICY: "inlinePolicy",
    ROLE: "inlinePolicies",
}
"""Types that say what an identity may do, and the property that says it; a role has a list of such policies."""
RESOURCE_DOCUMENTS: Final[Mapping[str, str]] = {
    BACKUP_VAULT_POLICY: "policy",
    BUCKET: "policy",
    BUCKET_POLICY: "policy",
    DYNAMODB_POLICY: "policy",
    ECR_REGISTRY_POLICY: "policy",
    ECR_REPOSITORY_POLICY: "policy",
    EVENT_BUS_POLICY: "policy",
    FILE_SYSTEM_POLICY: "policy",
    KINESIS_POLICY: "policy",
    KMS_EXTERNAL_KEY: "policy",
    KMS_KEY: "policy",
    KMS_KEY_POLICY: "policy",
    KMS_REPLICA_KEY: "policy",
    LOG_DESTINATION_POLICY: "accessPolicy",
    LOG_RESOURCE_POLICY: "policyDocument",
    QUEUE: "policy",
    QUEUE_POLICY: "policy",
    S3_ACCESS_POINT: "policy",
    S3_ACCESS_POINT_POLICY: "policy",
    SECRET: "policy",
    SECRET_POLICY: "policy",
    TOPIC: "policy",
    TOPIC_POLICY: "policy",
}
"""Types that say who may use a resource, and the property that says it."""
ENDPOINT_DOCUMENTS: Final[Mapping[str, str]] = {VPC_ENDPOINT: "policy", VPC_ENDPOINT_POLICY: "policy"}
KEY_POLICY_TYPES: Final = frozenset({KMS_EXTERNAL_KEY, KMS_KEY, KMS_KEY_POLICY, KMS_REPLICA_KEY})
EVENT_BRIDGE: Final = "events.amazonaws.com"
SOURCE_CONDITION_KEYS: Final = (
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceOwner",
    "kms:EncryptionContext:aws:cloudtrail:arn",
    "kms:EncryptionContext:aws:events:event-bus:arn",
    "kms:EncryptionContext:aws:logs:arn",
)
"""Condition keys for the account or resource on whose behalf a service acts."""

SERVER_TYPES: Final = frozenset({LAUNCH_TEMPLATE, EC2_INSTANCE, LAUNCH_CONFIGURATION})
"""Types that start EC2 instances."""
TARGET_GROUP_BINDING: Final = "kubernetes:TargetGroupBinding"
"""Of the AWS Load Balancer Controller: puts pods into a target group."""
ADMINISTRATOR_POLICIES: Final = ("AdministratorAccess", "PowerUserAccess", "FullAccess")
"""Endings of the names of AWS managed policies that give an administrator's permissions."""
REMOTE_LOGIN_PORTS: Final = {22: "SSH", 3389: "Remote Desktop"}


def starts_servers(server: StackResource) -> bool:
    """Tell whether a resource starts servers by itself: EKS completes a template that has neither image nor type."""
    parts = ("imageId", "instanceType", "userData")
    return server.type != LAUNCH_TEMPLATE or any(server.is_set(part) for part in parts)


# Environments.
ENVIRONMENT_TAG: Final = "Environment"
LESSER_ENVIRONMENTS: Final = frozenset({"staging", "development", "test"})


def tags_of(resource: StackResource) -> Mapping[str, Any]:
    """Return a resource's tags. Auto Scaling groups have theirs as a list of keys and values."""
    tags = resource.get("tags")
    if isinstance(tags, list):
        return {str(tag.get("key")): tag.get("value") for tag in tags if isinstance(tag, Mapping)}
    return tags or {}


def in_production(resource: StackResource) -> bool:
    """Tell whether production depends on the resource. One without a tag counts: no resource escapes by omission."""
    return tags_of(resource).get(ENVIRONMENT_TAG) not in LESSER_ENVIRONMENTS


def same_region(one: StackResource, other: StackResource) -> bool:
    """Tell whether two resources are in the same region: a name may exist in each. Without one it is the provider's."""
    return bool(one.get("region") == other.get("region"))


# Policy documents.
def documents_of(resource: StackResource) -> Iterator[tuple[StackResource, str]]:
    """Yield the policy documents of a resource: what has the property, and the property."""
    if resource.type == ROLE:
        yield resource, "assumeRolePolicy"
        yield from ((inline, "policy") for inline in resource.items("inlinePolicies"))
        return
    for documents in (IDENTITY_DOCUMENTS, RESOURCE_DOCUMENTS, ENDPOINT_DOCUMENTS):
        if resource.type in documents:
            yield resource, documents[resource.type]


def identity_statements(resource: StackResource) -> Sequence[Sequence[Statement]]:
    """Return the statements of each document that says what an identity may do."""
    return [
        statements(owner, path)
        for owner, path in documents_of(resource)
        if resource.type in IDENTITY_DOCUMENTS and path != "assumeRolePolicy"
    ]


def invalid_documents(resource: StackResource) -> Iterator[str | UnknownValue]:
    """Yield what is wrong with the policy documents of a resource."""
    for owner, path in documents_of(resource):
        try:
            statements(owner, path)
        except InvalidDocument as error:
            yield f"has a policy that AWS refuses: it {error}"
        except UnknownValue as unknown:
            yield unknown


def keys_of(resource: StackResource, path: str, stack: StackGraph) -> Sequence[StackResource]:
    """Return the keys of the stack that a property names, directly or by an alias."""
    aliases = stack.targets(resource, path, KMS_ALIAS)
    return [
        *stack.targets(resource, path, KMS_KEY),
        *(key for alias in aliases for key in stack.targets(alias, "targetKeyId", KMS_KEY)),
    ]


def key_grants(key: StackResource, stack: StackGraph) -> Sequence[Statement]:
    """Return what a key's policy allows, whether it is on the key or a resource of its own."""
    owners = [key, *stack.referrers(key, KMS_KEY_POLICY, "keyId")]
    return [statement for owner in owners for statement in statements(owner, "policy") if statement.allows]


def other_accounts(statement: Statement, resource: StackResource, stack: StackGraph) -> Sequence[str]:
    """Return the accounts, other than the stack's own, whose principals a statement names.

    Raises UnknownValue where the stack's own account cannot be known: no resource has an ARN yet.
    """
    named = {account: None for each in statement.principals.get("AWS", ()) if (account := _account_of(each))}
    own = stack.derived(_own_account) if named else None
    if named and own is None:
        raise resource.unknown("arn")
    return [account for account in named if account != own]


def _account_of(principal: str) -> str:
    """Return the number of a principal's account; nothing where the principal is no account's."""
    account = arn_parts(principal)[3] if principal.startswith("arn:") else principal
    return part_of(principal, account) if account.isdecimal() else ""


def _own_account(stack: StackGraph) -> str | None:
    arns = (resource.properties.get("arn") for resource in stack.resources)
    accounts = Counter(account for arn in arns if isinstance(arn, str) and (account := arn_parts(arn)[3]).isdecimal())
    return max(accounts, key=accounts.__getitem__, default=None)


# Databases and servers.
REPLICATION_SOURCES: Final = {DB_INSTANCE: "replicateSourceDb", DB_CLUSTER: "replicationSourceIdentifier"}
MAINTENANCE_WINDOWS: Final = {
    CACHE: "maintenanceWindow",
    CACHE_CLUSTER: "maintenanceWindow",
    DB_CLUSTER: "preferredMaintenanceWindow",
    DB_INSTANCE: "maintenanceWindow",
}
"""Data stores that AWS restarts, and where each has its window."""
BACKUP_WINDOWS: Final = {
    CACHE: "snapshotWindow",
    DB_CLUSTER: "preferredBackupWindow",
    DB_INSTANCE: "backupWindow",
}


def engine_of(database: StackResource) -> str:
    """Return the engine of a database; a replica does not repeat its source's, which here is PostgreSQL."""
    return str(database.get("engine") or "postgres")


def is_separate_cache(cache: StackResource) -> bool:
    """Tell whether a cache has settings of its own: a member of a replication group has the group's."""
    return cache.type != CACHE_CLUSTER or not cache.is_set("replicationGroupId")


def is_replica(database: StackResource) -> bool:
    """Tell whether a database is a read replica, which inherits most of its settings from its source."""
    path = REPLICATION_SOURCES.get(database.type)
    return path is not None and database.is_set(path)


def is_primary(database: StackResource) -> bool:
    """Tell whether a database is not a read replica."""
    return not is_replica(database)


def user_data(server: StackResource) -> str:
    """Return a server's user data as text; launch templates have it in base64."""
    paths = ("userData",) if server.type == LAUNCH_TEMPLATE else ("userDataBase64", "userData")
    return script_of(next((value for value in map(server.get, paths) if value), ""))


def script_of(encoded: Any) -> str:
    """Return user data as cloud-init runs it: out of base64 and gzip, where it is in them."""
    try:
        content = base64.b64decode(encoded, validate=True)
        return (gzip.decompress(content) if content.startswith(GZIP) else content).decode()
    except (ValueError, EOFError, OSError, zlib.error):
        return str(encoded)


# Keys.
AWS_MANAGED_KEY: Final = "alias/aws/"
"""In the names of keys that AWS makes for a service: nobody can change their policy."""


def uses_own_key(resource: StackResource, path: str) -> bool:
    """Tell whether a property names a key, and not one that AWS manages."""
    if not resource.is_set(path):
        return False
    try:
        return AWS_MANAGED_KEY not in resource.get(path)
    except UnknownValue:
        # It comes out of another resource: an alias of AWS is a text that the program writes.
        return True


# Load balancers, listeners and distributions.
def is_application_load_balancer(balancer: StackResource) -> bool:
    """Tell whether a load balancer takes HTTP requests."""
    return balancer.get("loadBalancerType") in (None, "application")


def is_public_application_load_balancer(balancer: StackResource) -> bool:
    """Tell whether the internet sends HTTP requests to a load balancer."""
    return is_application_load_balancer(balancer) and balancer.get("internal") is not True


def is_https(listener: StackResource) -> bool:
    """Tell whether clients connect to a listener by HTTPS."""
    return bool(listener.get("protocol") == "HTTPS")


def cache_behaviors(distribution: StackResource) -> Sequence[StackResource]:
    """Return the default cache behavior of a distribution and those of its path patterns."""
    return [*distribution.items("defaultCacheBehavior"), *distribution.items("orderedCacheBehaviors")]


def is_backup_bucket(bucket: StackResource) -> bool:
    """Tell whether backups are in a bucket, by its name."""
    return "backup" in str(bucket.get("bucket") or bucket.get("bucketPrefix") or "")


def receives_service_logs(bucket: StackResource, stack: StackGraph) -> bool:
    """Tell whether AWS delivers access logs into a bucket; its deliveries cannot use a customer-managed key."""
    return any(
        stack.referrers(bucket, resource_type, path)
        for resource_type, path in (
            (LOAD_BALANCER, "accessLogs.bucket"),
            (LOAD_BALANCER, "connectionLogs.bucket"),
            (BUCKET_LOGGING, "targetBucket"),
        )
    )


def feeds_distribution(bucket: StackResource, stack: StackGraph) -> bool:
    """Tell whether a distribution serves a bucket's objects to everybody: encryption hides them from nobody.

    Raises UnknownValue where that cannot be known.
    """
    distributions = stack.of_type(DISTRIBUTION)
    origins = [str(origin.get("domainName")) for each in distributions for origin in each.items("origins")]
    return bool(origins) and any(origin.startswith(f"{bucket.get('bucket')}.s3.") for origin in origins)


def inline_aspect(bucket: StackResource, name: str, older_name: str) -> Sequence[StackResource]:
    """Return what a bucket says itself about an aspect that has a resource of its own today.

    The older BucketV2 spells it in another way.
    """
    return bucket.items(older_name if bucket.type_token.endswith(":BucketV2") else name)


def covers_objects(statement: Statement, bucket: StackResource) -> bool:
    """Tell whether a statement is about every object of a bucket.

    Raises UnknownValue where that cannot be known: the bucket's name and ARN are not.
    """
    if statement.covers_resource("*"):
        return True
    unknown: UnknownValue | None = None
    for path, form in (("bucket", "arn:aws:s3:::{}/*"), ("arn", "{}/*")):
        try:
            if bucket.is_set(path) and statement.covers_resource(form.format(bucket.get(path))):
                return True
        except UnknownValue as error:
            unknown = error
    if unknown is not None:
        raise unknown
    return False


# Security groups: their rules in one shape, in each of the four notations that a program may use.
INGRESS_TYPES: Final = frozenset({INGRESS_RULE, OLDER_SECURITY_GROUP_RULE, SECURITY_GROUP})
"""Types that hold ingress rules of security groups other than a VPC's default group."""
EGRESS_TYPES: Final = frozenset({EGRESS_RULE, OLDER_SECURITY_GROUP_RULE, SECURITY_GROUP})

ALL_PROTOCOLS: Final = "-1"
PROTOCOL_NUMBERS: Final = {ALL_PROTOCOLS: "all", "6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
"""AWS takes a protocol by number as well as by name."""
ALL_PORTS: Final = range(65536)
WIDEST_PRIVATE_PREFIX: Final = {4: 8, 6: 7}
"""10.0.0.0/8 and fc00::/7 are the widest private blocks; what is wider includes addresses of the internet."""


@dataclass(frozen=True)
class SecurityGroupRule:
    """One permission of a security group."""

    protocol: str
    """`tcp`, `udp`, another protocol, or `all`."""
    ports: range
    blocks: Sequence[str]

    @property
    def is_open_to_the_internet(self) -> bool:
        """Whether the other side includes addresses of the internet."""
        return any(is_internet(block) for block in self.blocks)

    def admits(self, port: int) -> bool:
        """Tell whether a TCP connection on the port is allowed."""
        return self.protocol in ("tcp", "all") and port in self.ports

    @property
    def described_ports(self) -> str:
        """Protocol and ports in words."""
        if self.protocol == "all":
            return "all ports"
        if self.protocol not in ("tcp", "udp"):
            return f"the protocol {self.protocol}"
        if len(self.ports) == 1:
            return f"{self.protocol} port {self.ports.start}"
        return f"{self.protocol} ports {self.ports.start}-{self.ports.stop - 1}"


def is_internet(block: str) -> bool:
    """Tell whether an address block is wider than any private network, for instance `0.0.0.0/1`."""
    network = ip_network(block, strict=False)
    return network.prefixlen < WIDEST_PRIVATE_PREFIX[network.version]


def ingress_rules(resource: StackResource) -> Iterator[SecurityGroupRule | UnknownValue]:
    """Yield the ingress rules of a security group or rule resource, and each rule that cannot be known."""
    yield from _rules(resource, "ingress", INGRESS_RULE)


def egress_rules(resource: StackResource) -> Iterator[SecurityGroupRule | UnknownValue]:
    """Yield the egress rules of a security group or rule resource, and each rule that cannot be known."""
    yield from _rules(resource, "egress", EGRESS_RULE)


def groups_of_rule(resource: StackResource, stack: StackGraph) -> Sequence[StackResource]:
    """Return the security group that a rule resource belongs to, or the group itself where its rules are inline."""
    if resource.type == SECURITY_GROUP:
        return [resource]
    return stack.targets(resource, "securityGroupId", SECURITY_GROUP)


def _rules(resource: StackResource, direction: str, rule_type: str) -> Iterator[SecurityGroupRule | UnknownValue]:
    if resource.type in (SECURITY_GROUP, DEFAULT_SECURITY_GROUP):
        yield from map(_known, resource.items(direction))
    elif resource.type == rule_type or _is_older_rule(resource, direction):
        yield _known(resource)


def _is_older_rule(resource: StackResource, direction: str) -> bool:
    return bool(resource.type == OLDER_SECURITY_GROUP_RULE and resource.get("type") == direction)


def _known(item: StackResource) -> SecurityGroupRule | UnknownValue:
    try:
        return _security_group_rule(item)
    except UnknownValue as unknown:
        return unknown


def _security_group_rule(item: StackResource) -> SecurityGroupRule:
    if item.type in (INGRESS_RULE, EGRESS_RULE):
        protocol_path, block_paths = "ipProtocol", ("cidrIpv4", "cidrIpv6")
    else:
        protocol_path, block_paths = "protocol", ("cidrBlocks", "ipv6CidrBlocks")
    named = str(item.get(protocol_path) or ALL_PROTOCOLS).lower()
    protocol = PROTOCOL_NUMBERS.get(named, named)
    first, last = item.number("fromPort"), item.number("toPort")
    all_ports = protocol == "all" or first in (None, -1)
    return SecurityGroupRule(
        protocol=protocol,
        ports=ALL_PORTS if all_ports or first is None else range(int(first), int(first if last is None else last) + 1),
        blocks=[block for path in block_paths for block in item.texts(path)],
    )


# Alarms: which of them watches which resource, through its dimensions or through metric math.
ABOVE: Final = frozenset({"GreaterThanThreshold", "GreaterThanOrEqualToThreshold"})
BELOW: Final = frozenset({"LessThanThreshold", "LessThanOrEqualToThreshold"})
CACHE_NODE_DIMENSION: Final = "CacheClusterId"
GLOBAL_METRICS_REGION: Final = "us-east-1"
"""Where the metrics of CloudFront and Route 53 are."""
WATCHED_TYPES: Final = (
    AUTO_SCALING_GROUP,
    BACKUP_VAULT,
    BUILD_PROJECT,
    CACHE,
    CERTIFICATE,
    DB_INSTANCE,
    DISTRIBUTION,
    DNSSEC,
    FUNCTION,
    HEALTH_CHECK,
    LOAD_BALANCER,
    NAT_GATEWAY,
    QUEUE,
    SCHEDULE_GROUP,
)
"""Types that CloudWatch's dimensions name."""


@dataclass(frozen=True)
class Measurement:
    """One metric that an alarm watches."""

    metric: str
    statistic: str
    period_seconds: float
    dimensions_path: str


@dataclass(frozen=True)
class AlarmIndex:
    """Which alarms watch which resource, by URN, and which of their references are unknown."""

    alarms: Mapping[str, Sequence[tuple[StackResource, Measurement]]]
    unknown_references: Sequence[UnknownValue]

    def on(self, subject: StackResource) -> Sequence[tuple[StackResource, Measurement]]:
        """Return the alarms on a resource, each with what it measures."""
        return self.alarms.get(subject.urn, ())

    def require_known(self) -> None:
        """Raise UnknownValue if there may be more alarms than are known: before reporting that one is missing."""
        for unknown in self.unknown_references:
            raise unknown


def is_watched_elsewhere(resource: StackResource, stack: StackGraph) -> bool:
    """Tell whether a resource's metrics are in another region than the stack: an alarm there reaches no topic here.

    The stack's region is that of its subnets.
    """
    is_global = resource.type in (DISTRIBUTION, DNSSEC, HEALTH_CHECK)
    region = GLOBAL_METRICS_REGION if is_global else resource.get("region")
    subnets = [subnet for subnet in stack.of_type(SUBNET) if subnet.is_set("availabilityZone")]
    zones = [str(subnet.get("availabilityZone")) for subnet in subnets]
    return bool(region) and bool(zones) and not any(zone.startswith(str(region)) for zone in zones)


def queues_in(resource: StackResource, path: str, key: str, stack: StackGraph) -> Sequence[StackResource]:
    """Return the queues of the stack that a document of a resource names by their ARN.

    While the document is not known, those that it depends on are returned.
    """
    try:
        document = json.loads(str(resource.get(path) or "{}"))
    except UnknownValue:
        found = [stack.find(urn) for urn in resource.property_dependencies.get(path, ())]
        return [each for each in found if each is not None and each.type == QUEUE]
    name = str(document.get(key) if isinstance(document, dict) else "").rpartition(":")[2]
    return stack.named(QUEUE, name)


def notifying_alarms(topic: StackResource, stack: StackGraph) -> Sequence[StackResource]:
    """Return the alarms that publish to a topic."""
    return [each for kind in (ALARM, COMPOSITE_ALARM) for each in stack.referrers(topic, kind, "alarmActions")]


_BEGINS: Final = re.compile(r"""(?<!NOT )\bALARM\s*\(\s*"?([^")]+?)"?\s*\)""")


def begins(composite: StackResource, alarm: StackResource) -> bool:
    """Tell whether an alarm can make a composite alarm begin: its rule asks for this alarm's state ALARM.

    Raises UnknownValue where that cannot be known.
    """
    try:
        rule = str(composite.get("alarmRule") or "")
    except UnknownValue:
        urns = composite.property_dependencies.get("alarmRule")
        if urns:
            return alarm.urn in urns
        raise
    name = str(alarm.get("alarmName" if alarm.type == COMPOSITE_ALARM else "name"))
    return any(each == name or each.endswith(f":alarm:{name}") for each in _BEGINS.findall(rule))


def index_alarms(stack: StackGraph) -> AlarmIndex:
    """Return the alarms of a stack by what they watch."""
    alarms: dict[str, list[tuple[StackResource, Measurement]]] = defaultdict(list)
    unknown_references: list[UnknownValue] = []
    for alarm in stack.of_type(ALARM):
        try:
            for measurement in measurements_of(alarm):
                for subject in _subjects(alarm, measurement, stack):
                    alarms[subject.urn].append((alarm, measurement))
        except UnknownValue as unknown:
            unknown_references.append(unknown)
    return AlarmIndex(alarms, unknown_references)


def measurements_of(alarm: StackResource) -> Sequence[Measurement]:
    """Return the metrics that an alarm watches."""
    if alarm.is_set("metricName"):
        statistic = alarm.get("extendedStatistic") or alarm.get("statistic")
        return [Measurement(alarm.get("metricName"), str(statistic), alarm.number("period") or 0, "dimensions")]
    return [
        Measurement(
            query.get("metric.metricName"),
            str(query.get("metric.stat")),
            query.number("metric.period") or 0,
            f"metricQueries.{index}.metric.dimensions",
        )
        for index, query in enumerate(alarm.items("metricQueries"))
        if query.is_set("metric")
    ]


def _subjects(alarm: StackResource, measurement: Measurement, stack: StackGraph) -> Iterator[StackResource]:
    for name, value in (alarm.get(measurement.dimensions_path) or {}).items():
        path = f"{measurement.dimensions_path}.{name}"
        for watched_type in WATCHED_TYPES:
            yield from stack.targets(alarm, path, watched_type)
        if isinstance(value, str) and name == CACHE_NODE_DIMENSION:
            # The dimension names a node of a replication group; ElastiCache names nodes after the group: "<group>-001".
            yield from stack.named(CACHE, value.rpartition("-")[0])
