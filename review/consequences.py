"""What a change does to those who use the platform. The figures are AWS's own, named beside each table."""

from collections.abc import Mapping
from typing import Any

from review.plan import Change, Kind

ADDRESS_RECORDS = ("A", "AAAA", "CNAME")

LOST_WITH = {
    "aws:acm/certificate:Certificate": "the certificate: HTTPS fails wherever it is still in use",
    "aws:backup/vault:Vault": "every backup in the vault",
    "aws:cognito/userPool:UserPool": "every user's account and password",
    "aws:cloudwatch/logGroup:LogGroup": "its whole log",
    "aws:docdb/cluster:Cluster": "the database's data",
    "aws:dynamodb/table:Table": "the table's data",
    "aws:ebs/volume:Volume": "the volume's data",
    "aws:ecr/repository:Repository": "every image in the repository",
    "aws:efs/fileSystem:FileSystem": "every file",
    "aws:elasticache/cluster:Cluster": "everything in the cache",
    "aws:elasticache/replicationGroup:ReplicationGroup": "everything in Redis: sessions and cached data",
    "aws:elasticache/serverlessCache:ServerlessCache": "everything in the cache",
    "aws:kinesis/stream:Stream": "what consumers have not read yet",
    "aws:kms/key:Key": "the key: what it encrypts can never be read again",
    "aws:neptune/cluster:Cluster": "the database's data",
    "aws:opensearch/domain:Domain": "every index",
    "aws:rds/cluster:Cluster": "the database's data",
    "aws:rds/clusterInstance:ClusterInstance": "an instance of the cluster, and its connections",
    "aws:rds/instance:Instance": "the database's data; a replica's copy of it",
    "aws:rds/snapshot:Snapshot": "the snapshot",
    "aws:redshift/cluster:Cluster": "the warehouse's data",
    "aws:route53/zone:Zone": "the zone: no name below it resolves any more",
    "aws:s3/bucket:Bucket": "every object in the bucket",
    "aws:s3/bucketV2:BucketV2": "every object in the bucket",
    "aws:secretsmanager/secret:Secret": "the secret's value",
    "aws:sqs/queue:Queue": "every message in the queue",
}
"""What is gone when a resource of the type is deleted or replaced. Each needs an approval."""

NONE = "no interruption"
FAILOVER = "failover: 60 to 120 s without database writes"
RESTART = "restart of the database: about a minute without connections, or a failover of 60 to 120 s with a standby"
MAJOR_UPGRADE = "major or minor upgrade: minutes without connections; primary and standby restart together"
ROLLING_REFRESH = "rolling refresh: servers are replaced one at a time, websockets reconnect"
CACHE_SWITCH = "a few seconds without Redis while it switches to the new nodes"
NAMES_SWITCH = "clients follow when the record's time to live has passed"
WITHIN = "what is in it says what that interrupts"
UNTABLED = "not in the table: look the property up in AWS's documentation"

INTERRUPTIONS: dict[str, dict[str, str]] = {
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.Settings.html; the time of a failover:
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.MultiAZSingleStandby.html
    "aws:rds/instance:Instance": {
        "allocatedStorage": "no interruption, but slower for hours, and no further change of storage for 6 hours",
        "allowMajorVersionUpgrade": NONE,
        "applyImmediately": NONE,
        "autoMinorVersionUpgrade": NONE,
        "backupRetentionPeriod": "no interruption; from or to 0 days: input and output stop for seconds",
        "backupWindow": NONE,
        "caCertIdentifier": RESTART,
        "copyTagsToSnapshot": NONE,
        "dbSubnetGroupName": RESTART,
        "deletionProtection": NONE,
        "enabledCloudwatchLogsExports": NONE,
        "engineVersion": MAJOR_UPGRADE,
        "finalSnapshotIdentifier": NONE,
        "iamDatabaseAuthenticationEnabled": NONE,
        "identifier": "restart, and the address of the database changes: every connection string with it",
        "instanceClass": FAILOVER,
        "iops": "no interruption, but slower for hours",
        "maintenanceWindow": NONE,
        "maxAllocatedStorage": NONE,
        "monitoringInterval": NONE,
        "monitoringRoleArn": NONE,
        "multiAz": "no interruption, but slower while the standby is copied",
        "parameterGroupName": "no interruption; static parameters take effect with the next restart",
        "password": "new connections need the new password at once",
        "performanceInsightsEnabled": NONE,
        "performanceInsightsKmsKeyId": NONE,
        "performanceInsightsRetentionPeriod": NONE,
        "port": RESTART,
        "publiclyAccessible": NONE,
        "skipFinalSnapshot": NONE,
        "storageThroughput": "no interruption, but slower for hours",
        "storageType": "no interruption, but slower for hours",
        "tags": NONE,
        "vpcSecurityGroupIds": "no interruption, if the new groups let the same connections in",
    },
    # https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Scaling.RedisReplGrps.html and VersionManagement.html
    "aws:elasticache/replicationGroup:ReplicationGroup": {
        "applyImmediately": NONE,
        "authToken": "new connections need the new token; the strategy decides how long the old one is valid",
        "authTokenUpdateStrategy": NONE,
        "autoMinorVersionUpgrade": NONE,
        "automaticFailoverEnabled": NONE,
        "description": NONE,
        "engine": CACHE_SWITCH,
        "engineVersion": CACHE_SWITCH,
        "logDeliveryConfigurations": NONE,
        "maintenanceWindow": NONE,
        "multiAzEnabled": NONE,
        "nodeType": CACHE_SWITCH,
        "notificationTopicArn": NONE,
        "numCacheClusters": NONE,
        "parameterGroupName": "no interruption; some parameters take effect with the next restart",
        "replicasPerNodeGroup": NONE,
        "securityGroupIds": "no interruption, if the new groups let the same connections in",
        "snapshotRetentionLimit": NONE,
        "snapshotWindow": NONE,
        "tags": NONE,
        "transitEncryptionMode": NONE,
        "userGroupIds": "whoever is no user of the new group is refused; docs/upgrades.md#from-a-token-to-users",
    },
    # https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-overview.html
    "aws:autoscaling/group:Group": {
        "launchTemplate": ROLLING_REFRESH,
        "mixedInstancesPolicy": ROLLING_REFRESH,
        "maxInstanceLifetime": "servers that are older are replaced, one after another",
        "maxSize": "no interruption; fewer than are running now: servers end, their requests are drained first",
        "minSize": NONE,
        "desiredCapacity": "servers start, or end after their requests are drained",
        "vpcZoneIdentifiers": "servers move to the new subnets one after another",
        "targetGroupArns": "requests reach only the new target groups",
    },
    "aws:ec2/launchTemplate:LaunchTemplate": {
        "userData": ROLLING_REFRESH,
        "imageId": ROLLING_REFRESH,
        "instanceType": ROLLING_REFRESH,
        "blockDeviceMappings": ROLLING_REFRESH,
        "iamInstanceProfile": ROLLING_REFRESH,
        "metadataOptions": ROLLING_REFRESH,
        "monitoring": ROLLING_REFRESH,
        "networkInterfaces": ROLLING_REFRESH,
        "tagSpecifications": ROLLING_REFRESH,
        "vpcSecurityGroupIds": ROLLING_REFRESH,
    },
    "aws:lb/loadBalancer:LoadBalancer": {
        "subnets": "no interruption for new connections; those through a removed zone end",
        "securityGroups": "no interruption, if the new groups let the same connections in",
        "idleTimeout": NONE,
    },
    "aws:lb/listener:Listener": {
        "certificateArn": NONE,
        "port": "clients of the old port are refused",
        "protocol": "clients of the old protocol are refused",
        "sslPolicy": "clients that offer only what the new policy lacks are refused",
        "defaultActions": "requests without a rule of their own go where the new action says",
    },
    "aws:lb/targetGroup:TargetGroup": {
        "healthCheck": "servers count as unhealthy if they do not pass the new check",
    },
    "aws:route53/record:Record": {
        "records": NAMES_SWITCH,
        "aliases": NAMES_SWITCH,
        "ttl": NONE,
    },
}
"""By type and input: what changing it in place interrupts, and for how long."""

COMPONENTS = "fixrx:components:"
"""Beginning of the types of components, which state what must not become lower."""

QUIET = {"tags", "tagsAll", "description", "name"}
"""Inputs whose change nobody who uses the platform can notice, whatever the type."""

REPLACEMENTS = {
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": "the vault has no lock for a moment",
    "aws:backup/vaultPolicy:VaultPolicy": "the vault has no policy for a moment",
    "aws:ec2/natGateway:NatGateway": "connections from the servers to the internet end; new ones work within minutes",
    "aws:ec2/securityGroup:SecurityGroup": "its members change groups first; connections stay if the rules do",
    "aws:ec2/subnet:Subnet": "everything in it has to move",
    "aws:ec2/vpc:Vpc": "everything in it has to be replaced",
    "aws:lb/listener:Listener": "its port is closed for some seconds",
    "aws:lb/loadBalancer:LoadBalancer": "a new address: clients follow when the record's time to live has passed",
    "aws:lb/targetGroup:TargetGroup": "servers get requests again when they have passed the new group's health checks",
    "aws:route53/record:Record": NAMES_SWITCH,
}
"""By type: what a replacement interrupts where no data is lost."""


def loss(change: Change) -> str | None:
    """What a deletion or replacement takes away that needs an approval, or None.

    That is what holds data, a zone, and a name that clients use.
    """
    if change.kind not in (Kind.DELETE, Kind.REPLACE) or change.retained:
        return None
    if change.type == "aws:route53/record:Record":
        return _name_lost(change.old) if change.kind is Kind.DELETE or _moves(change) else None
    return LOST_WITH.get(change.type)


def interruption(change: Change) -> str:
    """What a change that is no deletion interrupts, and for how long; the worst of its inputs first."""
    if change.kind is Kind.REPLACE:
        return REPLACEMENTS.get(change.type, "the old one goes when the new one is there")
    if change.kind is not Kind.UPDATE:
        return NONE
    if change.type.startswith(COMPONENTS):
        return WITHIN
    table = INTERRUPTIONS.get(change.type)
    told: list[str] = []
    for difference in change.differences:
        if difference.input in QUIET:
            continue
        effect = NONE if table is None else table.get(difference.input, UNTABLED)
        if effect != NONE and effect not in told:
            told.append(effect)
    return "; ".join(told) or NONE


def _name_lost(inputs: Mapping[str, Any]) -> str | None:
    """The name that goes dark with a record; the records that only prove ownership are named with an underscore."""
    name = str(inputs.get("name", ""))
    if inputs.get("type") not in ADDRESS_RECORDS or name.startswith("_"):
        return None
    return f"the name {name}: it no longer resolves, and what it leads to cannot be reached"


def _moves(change: Change) -> bool:
    """Whether a replaced record leaves its name behind."""
    return any(change.old.get(key) != change.new.get(key) for key in ("name", "type", "zoneId"))
