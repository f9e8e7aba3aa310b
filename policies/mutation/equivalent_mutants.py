"""Mutants that no rule has to report, each with the reason: they are refused, no weaker, or an outage.

Every mutant that is not listed here has to be killed. An outage is not harmless: rules report the worst, and of the
others the report says how many there are.
"""

import re
from dataclasses import dataclass
from typing import Final

from policies.mutation.operators import Mutant


@dataclass(frozen=True)
class EquivalentMutant:
    """Mutants that need no rule, and why."""

    resource_type: str
    """Regular expression for the type without its package, for instance `ec2/.*Acl`."""
    path: str
    """Regular expression for the property; empty for the resource as a whole."""
    operator: str
    """Regular expression for what was done."""
    reason: str
    name: str = ".*"
    """Regular expression for the logical name."""

    def covers(self, mutant: Mutant) -> bool:
        """Tell whether this is one of the mutants."""
        resource_type, name = mutant.type_token.split(":")[1], mutant.urn.rpartition("::")[2]
        wanted = (
            (self.resource_type, resource_type),
            (self.path, mutant.path),
            (self.operator, mutant.operator),
            (self.name, name),
        )
        return all(re.fullmatch(pattern, text) is not None for pattern, text in wanted)


ANY: Final = ".*"

AWS_REFUSES: Final = "AWS and the sandbox refuse it: the deployment fails and nothing is weakened."
SAME_AS_DEFAULT: Final = "AWS's default is the same."
OUTAGE: Final = "An outage: the platform or a part of it stops working, and alarms report it."
CLOSED: Final = "An outage: less is allowed than the platform needs."
OUTAGES: Final = frozenset({OUTAGE, CLOSED})
"""Reasons of mutants that are weaker in nothing, and after which the platform or a part of it does not work."""
STRICTER: Final = "The change makes the stack stricter."
FOR_READERS: Final = "A description; nothing depends on it."
COST_OR_SPEED: Final = "Changes cost or speed, not access."
INHERITED: Final = "A replica takes this from its source; AWS ignores or refuses it here."

EQUIVALENT_MUTANTS: Final[tuple[EquivalentMutant, ...]] = (
    EquivalentMutant("backup/selection", r"notResources.*", "emptied|left out", STRICTER),
    EquivalentMutant("backup/restoreTestingPlan", r"recoveryPointSelection(\..*)?", "emptied|left out", AWS_REFUSES),
    EquivalentMutant("backup/vaultLockConfiguration", "maxRetentionDays", "reduced to 1", AWS_REFUSES),
    EquivalentMutant("rds/instanceAutomatedBackupsReplication", "retentionPeriod", "left out", SAME_AS_DEFAULT),
    EquivalentMutant("backup/plan", r".*enableContinuousBackup", "left out", SAME_AS_DEFAULT),
    # What AWS does not accept.
    EquivalentMutant("lb/listener", r"defaultActions", "emptied|left out", AWS_REFUSES),
    EquivalentMutant("lb/listenerRule", r"actions|conditions.*", "emptied|left out", AWS_REFUSES),
    EquivalentMutant("ec2/subnet|ec2/vpc", r"(ipv6)?[cC]idrBlock", "left out|widened .*", AWS_REFUSES),
    EquivalentMutant("ec2/route", r"destination.*", "left out", AWS_REFUSES),
    EquivalentMutant("ec2/networkAcl", r".*gress\.\d+\.(action|cidrBlock|ipv6CidrBlock)", "left out", AWS_REFUSES),
    EquivalentMutant("vpc/securityGroup.*", "referencedSecurityGroupId|securityGroupId", "left out", AWS_REFUSES),
    EquivalentMutant("(elasticache|rds)/subnetGroup|ec2/vpcEndpoint", "subnetIds", "emptied", AWS_REFUSES),
    EquivalentMutant("route53/record", "aliases|records", "emptied", AWS_REFUSES),
    EquivalentMutant("wafv2/webAcl", "defaultAction", "left out", AWS_REFUSES),
    EquivalentMutant("wafv2/webAclLoggingConfiguration", "logDestinationConfigs", "emptied", AWS_REFUSES),
    EquivalentMutant("iam/role", "assumeRolePolicy", "left out", AWS_REFUSES),
    EquivalentMutant("iam/(rolePolicy|policy)", "policy", "left out", AWS_REFUSES),
    EquivalentMutant("rds/instance", "monitoringRoleArn|finalSnapshotIdentifier", "left out", AWS_REFUSES),
    EquivalentMutant("rds/instance", "performanceInsightsRetentionPeriod", "reduced to 1", AWS_REFUSES),
    EquivalentMutant(
        "sns/topic",
        "fifoTopic|contentBasedDeduplication",
        "flipped",
        "A FIFO topic takes no e-mail subscription, and no other topic deduplicates: the deployment fails.",
    ),
    EquivalentMutant("s3/bucketPolicy", "policy", "statement .*: every resource", AWS_REFUSES),
    EquivalentMutant("cloudwatch/metricAlarm", r"metricQueries(\.\d+\.returnData)?", "emptied|flipped", AWS_REFUSES),
    EquivalentMutant("cloudwatch/metricAlarm", "dimensions.CertificateArn", "left out", OUTAGE),
    EquivalentMutant("cloudfront/distribution", "origins", "emptied", AWS_REFUSES),
    EquivalentMutant("cloudfront/distribution", ".*originSslProtocols", "emptied|left out", AWS_REFUSES),
    EquivalentMutant("cloudfront/distribution", "viewerCertificate.acmCertificateArn", "left out", AWS_REFUSES),
    EquivalentMutant(
        "cloudfront/distribution",
        r".*\.(allowedMethods|cachedMethods)|viewerCertificate\.sslSupportMethod",
        "emptied|left out",
        AWS_REFUSES,
    ),
    EquivalentMutant("cloudfront/cachePolicy", ".*headersConfig.*", "left out", AWS_REFUSES),
    EquivalentMutant("backup/plan", "rules", "emptied", AWS_REFUSES),
    EquivalentMutant(
        "route53/hostedZoneDnsSec", "", "removed", "AWS refuses it while the registrar publishes the DS record."
    ),
    EquivalentMutant("backup/vault", "", "removed", "AWS deletes no vault that holds backups."),
    EquivalentMutant("lambda/permission", "action", "left out", AWS_REFUSES),
    EquivalentMutant("lambda/functionUrl", "authorizationType", "left out", AWS_REFUSES),
    EquivalentMutant("ecr/lifecyclePolicy", "policy", "left out", AWS_REFUSES),
    # What AWS does anyway.
    EquivalentMutant("codebuild/project", "logsConfig.*", "left out", SAME_AS_DEFAULT),
    EquivalentMutant("eks/cluster", "vpcConfig.endpointPublicAccess", "left out", SAME_AS_DEFAULT),
    EquivalentMutant("eks/cluster", "version", "left out", "AWS's default is a current version."),
    EquivalentMutant("rds/cluster(Instance)?", "publiclyAccessible|skipFinalSnapshot", "left out", SAME_AS_DEFAULT),
    EquivalentMutant("sqs/queue", "kmsMasterKeyId", "left out", "SQS encrypts with a key of its own."),
    EquivalentMutant("acm/certificate", "options.certificateTransparency.*", "left out", SAME_AS_DEFAULT),
    EquivalentMutant("ec2/launchTemplate", "metadataOptions.httpPutResponseHopLimit", "left out", SAME_AS_DEFAULT),
    EquivalentMutant("ec2/subnet", "mapPublicIpOnLaunch", "left out", SAME_AS_DEFAULT),
    EquivalentMutant("elasticache/replicationGroup", "transitEncryptionMode", "left out", SAME_AS_DEFAULT),
    EquivalentMutant("kms/key", "deletionWindowInDays", "left out", SAME_AS_DEFAULT),
    EquivalentMutant("s3/bucketObjectLockConfiguration", "objectLockEnabled", "left out", SAME_AS_DEFAULT),
    EquivalentMutant("secretsmanager/secret", "recoveryWindowInDays", "left out", SAME_AS_DEFAULT),
    EquivalentMutant("rds/instance", "publiclyAccessible|skipFinalSnapshot", "left out", SAME_AS_DEFAULT),
    EquivalentMutant("rds/instance", "performanceInsightsRetentionPeriod", "left out", SAME_AS_DEFAULT),
    EquivalentMutant(
        "rds/eventSubscription", "eventCategories", "emptied", "Without categories every event is reported."
    ),
    EquivalentMutant("kms/keyPolicy", "policy", "left out", AWS_REFUSES),
    EquivalentMutant(
        "kms/key(Policy)?", "policy", "statement AccountAdministers: every action", "On a key, * means kms:*."
    ),
    EquivalentMutant(
        "sns/topicPolicy", "policy", "statement .*: every resource", "A topic's policy is about that topic."
    ),
    # What a replica inherits.
    EquivalentMutant(
        "rds/instance",
        "deleteAutomatedBackups|engineLifecycleSupport|kmsKeyId|skipFinalSnapshot|storageEncrypted|username",
        ANY,
        INHERITED,
    ),
    # Stricter, or less.
    EquivalentMutant("eks/cluster", "vpcConfig.endpointPublicAccess", "flipped", STRICTER),
    EquivalentMutant("rds/(clusterS|s)napshot(Copy)?", "sharedAccounts", "emptied", STRICTER),
    EquivalentMutant("iam/role(Policies|PolicyAttachments)Exclusive", "policy(Names|Arns)", "emptied", CLOSED),
    EquivalentMutant("iam/rolePolicy(Attachment)?", "", "removed", CLOSED),
    EquivalentMutant("ec2clientvpn/endpoint", "splitTunnel", "flipped", STRICTER),
    EquivalentMutant("secretsmanager/secretRotation", "rotationRules.automaticallyAfterDays", "reduced to 1", STRICTER),
    EquivalentMutant("secretsmanager/secretRotation", "rotationLambdaArn", "left out", AWS_REFUSES),
    EquivalentMutant("secretsmanager/secretRotation", "rotateImmediately", "flipped", "One rotation more."),
    EquivalentMutant("lambda/function", r"vpcConfig\..*", "emptied|left out", OUTAGE),
    # After a major upgrade the rotation may not alter its roles.
    EquivalentMutant("lambda/invocation", r"triggers\.version", "left out", OUTAGE),
    # The judge of a restore cannot log in.
    EquivalentMutant(
        "backup/restoreTestingSelection", r".*enableIamDatabaseAuthentication", "flipped|left out", OUTAGE
    ),
    EquivalentMutant("lambda/function", "architectures", "emptied", COST_OR_SPEED),
    EquivalentMutant("lambda/function", "publish", "flipped", "Versions of a function that nobody calls by version."),
    EquivalentMutant("lambda/function", "code", "in plain text", "Code without a secret in it."),
    EquivalentMutant("elasticache/user", r"authenticationMode(\.passwords)?", "left out|emptied", AWS_REFUSES),
    EquivalentMutant("elasticache/user", "noPasswordRequired", "flipped", "Who is off cannot log in.", ".*default.*"),
    EquivalentMutant(
        "elasticache/user",
        "authenticationMode",
        "in plain text",
        "The state hides it as a whole; where it does not, its passwords are looked at one by one.",
    ),
    EquivalentMutant("elasticache/userGroup", "userIds", "emptied", AWS_REFUSES),
    EquivalentMutant("s3/bucket", "objectLockEnabled", "flipped|left out", STRICTER),
    EquivalentMutant("lb/loadBalancer", "internal", "flipped", CLOSED),
    EquivalentMutant("index/randomPassword", "special", "flipped", STRICTER),
    EquivalentMutant("ec2/networkAcl", "(in|e)gress", "emptied", CLOSED),
    EquivalentMutant(
        "ec2/networkAcl",
        "|subnetIds",
        "removed|emptied",
        CLOSED,
    ),
    EquivalentMutant("ec2/vpcEndpoint", "securityGroupIds", ANY, CLOSED),
    EquivalentMutant("vpc/securityGroup.*Rule", "", "removed", CLOSED),
    EquivalentMutant("ec2/vpcSecurityGroupRulesExclusive", "(in|e)gressRuleIds", "emptied", CLOSED),
    EquivalentMutant("ec2/vpcSecurityGroupRulesExclusive", "securityGroupId", "left out", AWS_REFUSES),
    # Outages.
    EquivalentMutant(
        "ec2/route|ec2/routeTableAssociation|ec2/vpcEndpoint|lb/listener(Rule)?|route53/record", "", "removed", OUTAGE
    ),
    EquivalentMutant("iam/openIdConnectProvider", "clientIdLists", "emptied", OUTAGE),
    EquivalentMutant("secretsmanager/secretVersion|ssm/parameter", "", "removed", OUTAGE),
    EquivalentMutant("cloudfront/distribution", "|aliases|enabled|staging", "removed|emptied|flipped", OUTAGE),
    # Sign-in with one provider fails, as long as another's secret stays.
    EquivalentMutant("secretsmanager/secret", "", "removed", OUTAGE, name=".*oauth.*"),
    EquivalentMutant("autoscaling/group", "targetGroupArns", "emptied", OUTAGE),
    EquivalentMutant("autoscaling/group", "healthCheckGracePeriod|instanceMaintenancePolicy", "left out", OUTAGE),
    EquivalentMutant("ec2/vpc", "enableDns.*", "flipped", OUTAGE),
    EquivalentMutant("ec2/vpcEndpoint", "privateDnsEnabled|routeTableIds", ANY, OUTAGE),
    EquivalentMutant("acm/certificateValidation", "validationRecordFqdns", ANY, OUTAGE),
    EquivalentMutant("lb/listenerRule", "transforms", "emptied", OUTAGE),
    EquivalentMutant("lb/targetGroup", "targetGroupHealth.dnsFailover", "left out", OUTAGE),
    EquivalentMutant("kms/key", "isEnabled", "flipped", OUTAGE),
    EquivalentMutant("iam/role", "maxSessionDuration", "reduced to 1", AWS_REFUSES),
    EquivalentMutant("ec2/vpc", "protect", "protection removed", "AWS does not delete a VPC with resources in it."),
    EquivalentMutant(
        "elasticache/(cluster|serverlessCache)|dynamodb/table|sqs/queue|ecr/repository|eks/(addon|nodeGroup)",
        "",
        "removed",
        OUTAGE,
    ),
    EquivalentMutant("codebuild/project", "environment.environmentVariables", "emptied", OUTAGE),
    EquivalentMutant(
        "sqs/queue", "redrivePolicy", "left out", "Messages that fail are tried again until their retention ends."
    ),
    EquivalentMutant(
        "cloudtrail/trail", "", "removed", "The organisation's trail records the account; this one is additional."
    ),
    # How a deletion is done.
    EquivalentMutant(
        ".*",
        "skipDestroy|revokeRulesOnDelete|forceDetachPolicies|forceDelete|forceOverwriteReplicaSecret|retainOnDelete|"
        "waitForDeployment",
        "flipped",
        "Decides how a deletion is done, not whether there is one.",
    ),
    # What the load balancer tells the servers about a request.
    EquivalentMutant(
        "lb/loadBalancer",
        "xffHeaderProcessingMode|preserveHostHeader|enableXffClientPort|enableTlsVersionAndCipherSuiteHeaders",
        ANY,
        "Headers that the load balancer sends to the servers, which do not use them to authorise.",
    ),
    EquivalentMutant(
        "kms/key",
        "multiRegion",
        "flipped",
        "The key leaves its region only when it is replicated, which needs a permission.",
    ),
    EquivalentMutant("sns/topicSubscription", "rawMessageDelivery|endpointAutoConfirms", "flipped", AWS_REFUSES),
    EquivalentMutant("autoscaling/policy", "enabled", "flipped", "The group keeps its other scaling policy."),
    # Cost and speed.
    EquivalentMutant("autoscaling/group", "enabledMetrics|instanceRefresh.*", ANY, COST_OR_SPEED),
    EquivalentMutant("autoscaling/policy", "", "removed", "The group keeps its other scaling policy."),
    EquivalentMutant(
        "ec2/launchTemplate", "ebsOptimized|monitoring.*|updateDefaultVersion|.*deleteOnTermination", ANY, COST_OR_SPEED
    ),
    EquivalentMutant("cloudfront/cachePolicy", ".*enableAcceptEncoding.*", "flipped", COST_OR_SPEED),
    EquivalentMutant(
        "cloudfront/distribution", r".*\.compress|httpVersion|isIpv6Enabled", "flipped|left out", COST_OR_SPEED
    ),
    EquivalentMutant(
        "cloudfront/distribution",
        "orderedCacheBehaviors|customErrorResponses",
        "emptied",
        "Each file says how long it is kept; a missing one is answered without the site's own page.",
    ),
    EquivalentMutant("ec2/vpc", "assignGeneratedIpv6CidrBlock", ANY, COST_OR_SPEED),
    EquivalentMutant("lb/loadBalancer", "enableHttp2|enableZonalShift", "flipped", COST_OR_SPEED),
    EquivalentMutant("elasticache/parameterGroup", "parameters", "emptied", COST_OR_SPEED),
    EquivalentMutant("elasticache/replicationGroup", "parameterGroupName", "left out", COST_OR_SPEED),
    EquivalentMutant(
        "elasticache/replicationGroup", "finalSnapshotIdentifier", "left out", "Daily snapshots are kept for a week."
    ),
    EquivalentMutant("s3/bucketServerSideEncryptionConfiguration", ".*bucketKeyEnabled", "flipped", COST_OR_SPEED),
    EquivalentMutant("s3/bucketLifecycleConfiguration", ".*status", "Enabled .*", "Objects are kept longer."),
    EquivalentMutant(
        "s3/bucketLifecycleConfiguration", ".*expiredObjectDeleteMarker", "flipped", "An empty marker is kept longer."
    ),
    EquivalentMutant(
        "s3/bucketLifecycleConfiguration",
        ".*noncurrentDays",
        "reduced to 1",
        "A file that was replaced is built again from its commit.",
        name="cdn-store-lifecycle",
    ),
    EquivalentMutant("route53/record", ".*evaluateTargetHealth", "flipped", COST_OR_SPEED),
    EquivalentMutant(
        "wafv2/.*", ".*sampledRequestsEnabled", "flipped", "Samples of requests for debugging; logs and metrics stay."
    ),
    EquivalentMutant(
        "wafv2/webAclRule", "action.block.customResponse.*", ANY, "The request is blocked with another response."
    ),
    # Texts.
    EquivalentMutant(".*", "description|alarmDescription", "left out", FOR_READERS),
    EquivalentMutant("kms/alias", "", "removed", FOR_READERS),
    EquivalentMutant(
        "autoscaling/group", r"tags\.\d+\.propagateAtLaunch", "flipped", "The launch template tags the servers."
    ),
    EquivalentMutant(
        "ec2/launchTemplate",
        r"tagSpecifications\.\d+\.tags",
        "left out",
        "A network interface is deleted with its server.",
    ),
    # Conditions that restrict more than the principal does.
    EquivalentMutant(
        "iam/role|cloudwatch/logResourcePolicy|s3/bucketPolicy|kms/key|sns/topicPolicy",
        "assumeRolePolicy|policyDocument|policy",
        "statement .*: every principal",
        "The condition on the source account or ARN stays: only an AWS service that acts for this account meets it.",
    ),
    EquivalentMutant(
        "iam/rolePolicy",
        "policy",
        "statement Find.*: every resource",
        "Reads names of log groups of this account in both cases.",
    ),
    EquivalentMutant(
        "iam/(rolePolicy|policy)",
        "policy",
        "statement GiveUp.*: every resource",
        "The condition on the tags stays, and Auto Scaling groups are the only resources of this action.",
    ),
    EquivalentMutant(
        "iam/(rolePolicy|policy)",
        "policy",
        "statement (MakeNetworkInterfaces|NetworkInterfacesOfBuilds): every resource",
        "The condition on the account stays; where a build runs is decided by its project.",
    ),
    # Which resources a workflow's role reaches is no property of one document: the roles' own tests send requests.
    EquivalentMutant(
        "iam/policy",
        "policy",
        "statement .*: (every resource|no condition)",
        "tests/layers/test_workflow_permissions.py sends requests for a neighbour's resources and sees them refused.",
        name="continuous-integration-(deploy|preview|release).*",
    ),
    EquivalentMutant(
        "iam/policy",
        "policy",
        "statement Never: removed",
        "The second line of defence behind the role's own policies.",
        name="continuous-integration-deploy-(boundary|network-policy)",
    ),
    EquivalentMutant(
        "iam/policy",
        "policy",
        "statement (LookAfter|TellOfIncidents): no condition",
        "A boundary allows nothing: the roles' own policies name what each may do.",
        name="permissions-boundary-policy",
    ),
    EquivalentMutant(
        "iam/rolePolicy",
        "policy",
        "statement LetSchedulerSend: no condition",
        "The statement names one role, which only the scheduler may assume.",
        name="incidents-role-policy",
    ),
    EquivalentMutant(
        "iam/rolePolicy",
        "policy",
        "statement SeeDatabase: every resource",
        "Settings of databases, and none of their data.",
        name="watchman-role-policy",
    ),
    # Messages and incidents.
    EquivalentMutant("secretsmanager/secret", "", "removed", OUTAGE, name="incidents-slack"),
    EquivalentMutant("sqs/queue", "messageRetentionSeconds", "left out", "AWS's four days outlast every retry."),
    EquivalentMutant("sqs/queuePolicy", "policy", "left out", AWS_REFUSES),
    EquivalentMutant(
        "sqs/queuePolicy",
        "policy",
        "statement TopicsSend: every (principal|resource)",
        "The condition on the topics stays, and the queue is the only resource.",
    ),
    EquivalentMutant("dynamodb/table", "attributes", "emptied", AWS_REFUSES),
    EquivalentMutant("dynamodb/table", "ttl.enabled", "flipped", COST_OR_SPEED),
    # The second line of defence behind security groups.
    EquivalentMutant(
        "ec2/networkAcl",
        r"(ingress|egress)\.\d+\.(fromPort|toPort|cidrBlock|ipv6CidrBlock)",
        ANY,
        "Security groups decide what comes in; the denial of ports 22 and 3389 precedes this entry.",
    ),
    EquivalentMutant("ec2/defaultNetworkAcl", "", "removed", "No subnet uses it."),
    # Alarms that fire immediately, or repeat another one.
    EquivalentMutant(
        "cloudwatch/metricAlarm",
        "threshold",
        "ten times as much",
        "It fires immediately and permanently; nothing is missed.",
        name=".*(ApiUnreachable|CertificateExpiresSoon|NoHealthyServer|DatabaseStorageLow|NotifierSilent|ReplicaStorageLow"
        "|VaultBackupMissing|WebsocketFails)",
    ),
    EquivalentMutant(
        "cloudwatch/metricAlarm",
        "|threshold|evaluationPeriods|comparisonOperator",
        ANY,
        "An additional alarm: another one covers errors, connections and load; the limit of messages holds.",
        name=".*(HighErrorShare|DatabaseConnectionLimitNear|PaidMessagesLimited|ServerGroupAtMaximum)",
    ),
    EquivalentMutant(
        "cloudwatch/metricAlarm",
        "",
        "removed",
        "An additional alarm: a dump that fails has one, as has a rotation that waits for a server, and a queue that "
        "stands still shows in the heartbeat.",
        name=".*(DumpMissing|IncidentLate|SecretsNotLoaded)",
    ),
    EquivalentMutant("budgets/budget|costexplorer/.*", "", "removed", "The bill tells as well, later; nothing stops."),
    EquivalentMutant(
        "costexplorer/anomalySubscription",
        "monitorArnLists|subscribers|thresholdExpression.*",
        "emptied",
        AWS_REFUSES,
    ),
    EquivalentMutant("route53/healthCheck", "regions", "emptied", "Route 53 then asks from all of its regions."),
    EquivalentMutant(
        "route53/healthCheck", "disabled", "flipped", "As during maintenance: NoHealthyServer tells of an outage."
    ),
    EquivalentMutant("cloudwatch/alarmMuteRule", "|muteTargets.alarmNames", "removed|emptied", STRICTER),
    EquivalentMutant(
        "chatbot/.*", "|snsTopicArns", "removed|emptied", "Chat is an additional channel; the e-mails stay."
    ),
    EquivalentMutant(
        "cloudwatch/(composite|metric)Alarm", "okActions", ANY, "Only the notification of recovery is missing."
    ),
    EquivalentMutant(
        "cloudwatch/(dashboard|queryDefinition)", ANY, ANY, "What an operator looks at; the alarms notify without it."
    ),
    EquivalentMutant("cloudwatch/logDataProtectionPolicy", "policyDocument", "statement audit: .*", AWS_REFUSES),
    # Sessions.
    EquivalentMutant(
        "ssm/document",
        "content",
        "(cloudWatchStreamingEnabled|maxSessionDuration|s3EncryptionEnabled|shellProfile) emptied",
        "Sessions are recorded to CloudWatch, encrypted, and end when idle.",
    ),
    EquivalentMutant(
        "cloudwatch/logGroup",
        "",
        "removed",
        "The deployment of the resource that names it fails; only databases create log groups themselves.",
        name="(?!.*(database-[a-z]+-log|primary|replica)).*",
    ),
    # Open by design.
    EquivalentMutant(
        "vpc/securityGroupIngressRule",
        "cidrIpv[46]",
        'set to "(0.0.0.0|::)/0"',
        "The load balancer is open to the internet on this port already.",
    ),
    EquivalentMutant(
        "cloudwatch/metricAlarm",
        ANY,
        ANY,
        "The alarm on the primary's free storage reports the same.",
        name="alarms-ReplicationBacklogHigh",
    ),
    EquivalentMutant(
        "codebuild/project",
        r"vpcConfig\.(securityGroupIds|subnets)",
        "emptied|left out",
        "The migration does not reach the database and fails; the release before goes on serving.",
    ),
    EquivalentMutant(
        "wafv2/webAclRule",
        ANY,
        ANY,
        "Counts, or blocks in addition; nginx refuses a body of more than 10 MB.",
        name="web-acl-large-body",
    ),
    EquivalentMutant("wafv2/webAclRule", "overrideAction", "left out", AWS_REFUSES),
    EquivalentMutant(
        "wafv2/webAcl",
        "customResponseBodies",
        "emptied",
        "AWS keeps the body of a rule; without maintenance none has one.",
    ),
    EquivalentMutant("wafv2/webAclRule", ".*ruleActionOverrides", "emptied", STRICTER),
    EquivalentMutant(
        "route53/resolver.*",
        ANY,
        ANY,
        "An option beside the security groups; the preview shows what is taken out.",
        name="dns-firewall-.*",
    ),
    EquivalentMutant(
        "ec2clientvpn/(networkAssociation|authorizationRule)",
        "",
        "removed",
        "Fewer people reach less; the preview shows it.",
    ),
    EquivalentMutant(
        "ec2clientvpn/endpoint",
        "authenticationOptions|clientCidrBlock|serverCertificateArn",
        "emptied|left out|widened.*",
        AWS_REFUSES,
    ),
    EquivalentMutant(
        "ec2transitgateway/instanceConnectEndpoint",
        "preserveClientIp",
        "flipped",
        "Servers admit the endpoint's group: with the addresses of clients, nobody comes in.",
    ),
    EquivalentMutant("scheduler/schedule", "", "removed", "A dump that nobody starts raises an alarm within 26 hours."),
    EquivalentMutant(
        "scheduler/schedule",
        "target.retryPolicy",
        "left out",
        "EventBridge's own retry policy is longer: 185 attempts in a day.",
    ),
    EquivalentMutant(
        "s3/bucketLifecycleConfiguration",
        r"rules\.2\..*[dD]ays",
        "reduced to 1",
        "Reports of restore drills; dumps and archives have other rules.",
        name="backups-store-lifecycle",
    ),
    EquivalentMutant(
        "iam/rolePolicy", "policy", "statement ListDumps: no condition", "Names of objects of the same bucket."
    ),
    EquivalentMutant("backup/vaultLockConfiguration", "maxRetentionDays", "left out", COST_OR_SPEED),
    EquivalentMutant(
        "rds/instanceAutomatedBackupsReplication",
        "",
        "removed",
        "The vault's copies stay in the second region: of a lost region a day is lost instead of half an hour.",
    ),
    EquivalentMutant("backup/restoreTestingPlan", r".*selectionWindowDays", "reduced to 1", "There is one each day."),
    EquivalentMutant(
        "backup/restoreTestingSelection", r".*multiAz|validationWindowHours", "flipped|left out", COST_OR_SPEED
    ),
    EquivalentMutant(
        "backup/plan",
        r".*enableContinuousBackup",
        "flipped",
        "AWS Backup then keeps RDS's automated backups, to any second as before.",
    ),
    EquivalentMutant(
        "iam/rolePolicy", "policy", "statement EncryptCopies: no condition", "What is encrypted is not read by it."
    ),
    EquivalentMutant(
        "iam/policy",
        "policy",
        "statement (DescribeKeys|EndRestoreTests|KeepBackups|LogIn|SeeBackups): no condition",
        "Resources are named; a role still has what its own policy allows, and no more.",
        name="permissions-boundary-policy",
    ),
    EquivalentMutant(
        "iam/policy",
        "policy",
        "statement JudgeRestores: no condition",
        "No other role has a policy of its own that allows it.",
        name="permissions-boundary-policy",
    ),
    EquivalentMutant("codebuild/project", "badgeEnabled", "flipped", "A badge says whether the last build succeeded."),
    EquivalentMutant("route53/record", "allowOverwrite", "flipped", "A record that exists fails the deployment."),
    EquivalentMutant(
        "secretsmanager/secret", "", "removed", "The next rotation signs out all users.", name="secrets-jwt-secret-next"
    ),
)


def reason_for(mutant: Mutant) -> str | None:
    """Return why no rule has to report a mutant, or None where no reason is listed."""
    return next((each.reason for each in EQUIVALENT_MUTANTS if each.covers(mutant)), None)
