"""Services that the platform does not use, declared so that they violate no rule: part of the good platform."""

import json

from tests.policies.exported import ACCOUNT, SECRET, Reference, State, arn, data_protection, document, tags


def add_other_services(state: State) -> None:
    """Add a resource of each family of rules that the rest of the platform has no subject for."""
    _aurora(state)
    _caches(state)
    _serverless(state)
    _delivery(state)
    _audit(state)


def _aurora(state: State) -> None:
    state.add(
        "aws:rds/clusterParameterGroup",
        "cluster-parameters",
        {"parameters": [{"name": "rds.force_ssl", "value": "1"}]},
    )
    state.add(
        "aws:cloudwatch/logGroup",
        "cluster-log",
        {
            "name": "/aws/rds/cluster/fixrx-cluster/postgresql",
            "retentionInDays": 30,
            "kmsKeyId": Reference("data-key", "arn"),
            "tags": tags("cluster-log"),
        },
    )
    state.add(
        "aws:cloudwatch/logDataProtectionPolicy",
        "cluster-personal-data",
        {"logGroupName": Reference("cluster-log", "name"), "policyDocument": data_protection()},
    )
    cluster = state.add(
        "aws:rds/cluster",
        "cluster",
        {
            "clusterIdentifier": "fixrx-cluster",
            "engine": "aurora-postgresql",
            "engineVersion": "17.4",
            "engineLifecycleSupport": "open-source-rds-extended-support-disabled",
            "masterUsername": "fixrx_admin",
            "masterPassword": SECRET,
            "storageEncrypted": True,
            "kmsKeyId": Reference("data-key", "arn"),
            "dbSubnetGroupName": Reference("db-subnets", "name"),
            "vpcSecurityGroupIds": ["sg-2"],
            "dbClusterParameterGroupName": Reference("cluster-parameters", "name"),
            "iamDatabaseAuthenticationEnabled": True,
            "deletionProtection": True,
            "backupRetentionPeriod": 7,
            "preferredBackupWindow": "02:00-02:30",
            "preferredMaintenanceWindow": "sun:03:00-sun:04:00",
            "copyTagsToSnapshot": True,
            "skipFinalSnapshot": False,
            "deleteAutomatedBackups": False,
            "enabledCloudwatchLogsExports": ["postgresql"],
            "tags": tags("cluster"),
        },
        protect=True,
    )
    for name in ("writer", "reader"):
        state.add(
            "aws:rds/clusterInstance",
            name,
            {
                "clusterIdentifier": cluster.id,
                "publiclyAccessible": False,
                "autoMinorVersionUpgrade": True,
                "performanceInsightsEnabled": True,
                "performanceInsightsKmsKeyId": Reference("data-key", "arn"),
                "monitoringInterval": 60,
                "caCertIdentifier": "rds-ca-rsa2048-g1",
            },
        )
    state.add("aws:rds/clusterSnapshot", "cluster-snapshot", {"sharedAccounts": ["444455556666"]})
    state.add("aws:rds/snapshot", "snapshot", {})
    state.add("aws:rds/proxy", "proxy", {"requireTls": True, "debugLogging": False})


def _caches(state: State) -> None:
    state.add(
        "aws:elasticache/cluster",
        "pages",
        {
            "engine": "memcached",
            "transitEncryptionEnabled": True,
            "autoMinorVersionUpgrade": True,
            "subnetGroupName": Reference("cache-subnets", "name"),
            "securityGroupIds": ["sg-1"],
            "maintenanceWindow": "sun:03:00-sun:04:00",
            "tags": tags("pages"),
        },
    )
    state.add("aws:elasticache/cluster", "member", {"replicationGroupId": "fixrx-cache", "tags": tags("member")})
    state.add(
        "aws:elasticache/serverlessCache",
        "sessions",
        {
            "engine": "valkey",
            "kmsKeyId": Reference("data-key", "arn"),
            "userGroupId": "users",
            "securityGroupIds": ["sg-1"],
            "subnetIds": [Reference("data-a", "id"), Reference("data-b", "id")],
            "snapshotRetentionLimit": 7,
        },
        protect=True,
    )


def _serverless(state: State) -> None:
    state.add(
        "aws:lambda/function",
        "resize",
        {
            "runtime": "python3.13",
            "environment": {"variables": {"SECRET_ARN": arn("secret"), "LEVEL": "info"}},
            "tags": tags("resize"),
        },
    )
    state.add(
        "aws:lambda/permission",
        "events-call",
        {"principal": "events.amazonaws.com", "action": "lambda:InvokeFunction", "sourceAccount": ACCOUNT},
    )
    state.add("aws:lambda/layerVersionPermission", "layer-use", {"principal": "444455556666"})
    state.add("aws:lambda/functionUrl", "url", {"authorizationType": "AWS_IAM"})
    state.add(
        "aws:dynamodb/table",
        "locks",
        {
            "pointInTimeRecovery": {"enabled": True},
            "deletionProtectionEnabled": True,
            "serverSideEncryption": {"enabled": True, "kmsKeyArn": Reference("data-key", "arn")},
            "tags": tags("locks"),
        },
        protect=True,
    )
    tls_only = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    state.add("aws:sqs/queue", "failed", {"sqsManagedSseEnabled": True, "tags": tags("failed")})
    state.add(
        "aws:sqs/queue",
        "jobs",
        {
            "kmsMasterKeyId": Reference("data-key", "arn"),
            "redrivePolicy": json.dumps({"deadLetterTargetArn": arn("failed"), "maxReceiveCount": 5}),
            "policy": document(tls_only),
            "tags": tags("jobs"),
        },
    )
    state.add(
        "aws:cloudwatch/metricAlarm",
        "not-delivered",
        {
            "metricName": "ApproximateNumberOfMessagesVisible",
            "statistic": "Maximum",
            "comparisonOperator": "GreaterThanThreshold",
            "threshold": 0,
            "period": 300,
            "evaluationPeriods": 1,
            "dimensions": {"QueueName": Reference("failed", "name")},
            "alarmActions": [Reference("topic", "arn")],
            "alarmDescription": "P2 (High). A message failed. Runbook: docs/runbooks.md#incidentnotdelivered",
            "tags": {**tags("not-delivered"), "Severity": "P2"},
        },
    )
    state.add(
        "aws:sqs/queuePolicy", "failed-policy", {"queueUrl": Reference("failed", "id"), "policy": document(tls_only)}
    )
    state.add(
        "aws:lambda/eventSourceMapping",
        "jobs-source",
        {
            "eventSourceArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs",
            "functionResponseTypes": ["ReportBatchItemFailures"],
            "tags": tags("jobs-source"),
        },
    )


def _delivery(state: State) -> None:
    repository = state.add(
        "aws:ecr/repository",
        "images",
        {
            "imageScanningConfiguration": {"scanOnPush": True},
            "imageTagMutability": "IMMUTABLE",
            "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": Reference("data-key", "arn")}],
            "tags": tags("images"),
        },
    )
    state.add("aws:ecr/lifecyclePolicy", "images-policy", {"repository": repository.name, "policy": "{}"})
    state.add(
        "aws:codebuild/project",
        "build",
        {
            "environment": {
                "privilegedMode": False,
                "environmentVariables": [
                    {"name": "NPM_TOKEN", "type": "SECRETS_MANAGER", "value": "npm"},
                    {"name": "STAGE", "value": "production"},
                ],
            },
            "logsConfig": {"cloudwatchLogs": {"status": "ENABLED"}, "s3Logs": {"status": "DISABLED"}},
            "projectVisibility": "PRIVATE",
            "tags": tags("build"),
        },
    )
    state.add(
        "aws:eks/cluster",
        "kubernetes",
        {
            "version": "1.35",
            "vpcConfig": {"endpointPublicAccess": True, "publicAccessCidrs": ["203.0.113.0/24"]},
            "encryptionConfig": {"resources": ["secrets"], "provider": {"keyArn": Reference("data-key", "arn")}},
            "enabledClusterLogTypes": ["api", "audit", "authenticator", "controllerManager", "scheduler"],
            "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
            "tags": tags("kubernetes"),
        },
    )
    state.add("aws:eks/nodeGroup", "nodes", {"clusterName": Reference("kubernetes", "name"), "tags": tags("nodes")})
    state.add(
        "aws:eks/addon",
        "network-add-on",
        {
            "clusterName": Reference("kubernetes", "name"),
            "addonName": "vpc-cni",
            "addonVersion": "v1.22.4-eksbuild.3",
            "tags": tags("network-add-on"),
        },
    )
    state.add("aws:ec2/amiLaunchPermission", "image-use", {"imageId": "ami-1", "accountId": "444455556666"})


def _audit(state: State) -> None:
    state.add(
        "aws:cloudtrail/trail",
        "trail",
        {
            "isMultiRegionTrail": True,
            "enableLogFileValidation": True,
            "kmsKeyId": Reference("data-key", "arn"),
            "cloudWatchLogsGroupArn": Reference("flows", "arn"),
            "s3BucketName": "trail",
        },
    )
    state.add(
        "aws:backup/selection",
        "cluster-selection",
        {"planId": "plan-of-another-stack", "resources": [Reference("cluster", "arn")]},
    )
    state.add(
        "aws:backup/selection",
        "tagged",
        {
            "planId": "plan-of-another-stack",
            "selectionTags": [{"type": "STRINGEQUALS", "key": "Project", "value": "fixrx"}],
            "notResources": [arn("cluster"), arn("primary")],
        },
    )
