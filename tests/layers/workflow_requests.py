"""The requests that AWS receives for each type of resource of the stacks, by what is done with the resource.

Written from the calls of the Terraform provider, on which pulumi_aws is built, with the further permissions that the
Service Authorization Reference and the handlers of CloudFormation's schemas ask for. A line is an action and the
resources that AWS authorizes it on; a test holds both against the Service Authorization Reference.

    self     the resource, which exists          new      the resource, which the request creates
    own:X    another resource of the stack       new:X    another resource that the request creates
    home:X   the same, where the stack is        (own:X is in the region of the resource itself)
    all:X    every X of the account              *        AWS knows no resource for the action
    amazon:X one of Amazon's account             default:X  AWS's own default in the account
    linked:X the service-linked role of X        record   a zone, for one record of it
"""

from collections.abc import Mapping

ARNS: Mapping[str, str] = {
    "acm:certificate": "arn:aws:acm:{region}:{account}:certificate/{id}",
    "autoscaling:autoScalingGroup": (
        "arn:aws:autoscaling:{region}:{account}:autoScalingGroup:{id}:autoScalingGroupName/{name}"
    ),
    "backup:backupPlan": "arn:aws:backup:{region}:{account}:backup-plan:{id}",
    "backup:backupVault": "arn:aws:backup:{region}:{account}:backup-vault:{name}",
    "backup:restoreTestingPlan": "arn:aws:backup:{region}:{account}:restore-testing-plan:{name}-{id}",
    "budgets:budget": "arn:aws:budgets::{account}:budget/{name}",
    "ce:anomalymonitor": "arn:aws:ce::{account}:anomalymonitor/{id}",
    "ce:anomalysubscription": "arn:aws:ce::{account}:anomalysubscription/{id}",
    "cloudfront:cache-policy": "arn:aws:cloudfront::{account}:cache-policy/{id}",
    "cloudfront:distribution": "arn:aws:cloudfront::{account}:distribution/{id}",
    "cloudfront:origin-access-control": "arn:aws:cloudfront::{account}:origin-access-control/{id}",
    "cloudfront:response-headers-policy": "arn:aws:cloudfront::{account}:response-headers-policy/{id}",
    "cloudwatch:alarm": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
    "cloudwatch:alarm-mute-rule": "arn:aws:cloudwatch:{region}:{account}:alarm-mute-rule:{name}",
    "cloudwatch:dashboard": "arn:aws:cloudwatch::{account}:dashboard/{name}",
    "codebuild:project": "arn:aws:codebuild:{region}:{account}:project/{name}",
    "ec2:elastic-ip": "arn:aws:ec2:{region}:{account}:elastic-ip/{id}",
    "ec2:image": "arn:aws:ec2:{region}::image/{id}",
    "ec2:instance": "arn:aws:ec2:{region}:{account}:instance/{id}",
    "ec2:internet-gateway": "arn:aws:ec2:{region}:{account}:internet-gateway/{id}",
    "ec2:launch-template": "arn:aws:ec2:{region}:{account}:launch-template/{id}",
    "ec2:natgateway": "arn:aws:ec2:{region}:{account}:natgateway/{id}",
    "ec2:network-acl": "arn:aws:ec2:{region}:{account}:network-acl/{id}",
    "ec2:network-interface": "arn:aws:ec2:{region}:{account}:network-interface/{id}",
    "ec2:route-table": "arn:aws:ec2:{region}:{account}:route-table/{id}",
    "ec2:security-group": "arn:aws:ec2:{region}:{account}:security-group/{id}",
    "ec2:security-group-rule": "arn:aws:ec2:{region}:{account}:security-group-rule/{id}",
    "ec2:snapshot": "arn:aws:ec2:{region}::snapshot/{id}",
    "ec2:subnet": "arn:aws:ec2:{region}:{account}:subnet/{id}",
    "ec2:volume": "arn:aws:ec2:{region}:{account}:volume/{id}",
    "ec2:vpc": "arn:aws:ec2:{region}:{account}:vpc/{id}",
    "ec2:vpc-endpoint": "arn:aws:ec2:{region}:{account}:vpc-endpoint/{id}",
    "ec2:vpc-flow-log": "arn:aws:ec2:{region}:{account}:vpc-flow-log/{id}",
    "elasticache:cluster": "arn:aws:elasticache:{region}:{account}:cluster:{name}-001",
    "elasticache:parametergroup": "arn:aws:elasticache:{region}:{account}:parametergroup:{name}",
    "elasticache:replicationgroup": "arn:aws:elasticache:{region}:{account}:replicationgroup:{name}",
    "elasticache:snapshot": "arn:aws:elasticache:{region}:{account}:snapshot:{name}-final",
    "elasticache:subnetgroup": "arn:aws:elasticache:{region}:{account}:subnetgroup:{name}",
    "elasticache:user": "arn:aws:elasticache:{region}:{account}:user:{name}",
    "elasticache:usergroup": "arn:aws:elasticache:{region}:{account}:usergroup:{name}",
    "elasticloadbalancing:listener-rule/app": (
        "arn:aws:elasticloadbalancing:{region}:{account}:listener-rule/app/{prefix}/{id}/{id}/{id}"
    ),
    "elasticloadbalancing:listener/app": (
        "arn:aws:elasticloadbalancing:{region}:{account}:listener/app/{prefix}/{id}/{id}"
    ),
    "elasticloadbalancing:loadbalancer/app/": (
        "arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}/{id}"
    ),
    "elasticloadbalancing:targetgroup": "arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/{name}/{id}",
    "iam:instance-profile": "arn:aws:iam::{account}:instance-profile/{prefix}/{name}",
    "iam:oidc-provider": "arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com",
    "iam:policy": "arn:aws:iam::{account}:policy/{prefix}/{name}",
    "iam:role": "arn:aws:iam::{account}:role/{prefix}/{name}",
    "kms:alias": "arn:aws:kms:{region}:{account}:{name}",
    "kms:key": "arn:aws:kms:{region}:{account}:key/{id}",
    "dynamodb:table": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "lambda:eventSourceMapping": "arn:aws:lambda:{region}:{account}:event-source-mapping:{id}",
    "lambda:function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "sqs:queue": "arn:aws:sqs:{region}:{account}:{name}",
    "logs:delivery": "arn:aws:logs:us-east-1:{account}:delivery:{id}",
    "logs:delivery-destination": "arn:aws:logs:us-east-1:{account}:delivery-destination:{name}",
    "logs:delivery-source": "arn:aws:logs:us-east-1:{account}:delivery-source:{name}",
    "logs:log-group": "arn:aws:logs:{region}:{account}:log-group:{name}",
    "rds:auto-backup": "arn:aws:rds:{region}:{account}:auto-backup:{id}",
    "rds:db": "arn:aws:rds:{region}:{account}:db:{name}",
    "rds:es": "arn:aws:rds:{region}:{account}:es:{name}",
    "rds:og": "arn:aws:rds:{region}:{account}:og:default:postgres-17",
    "rds:pg": "arn:aws:rds:{region}:{account}:pg:{name}",
    "rds:snapshot": "arn:aws:rds:{region}:{account}:snapshot:{name}-final",
    "rds:subgrp": "arn:aws:rds:{region}:{account}:subgrp:{name}",
    "route53:change": "arn:aws:route53:::change/{id}",
    "route53:healthcheck": "arn:aws:route53:::healthcheck/{id}",
    "route53:hostedzone": "arn:aws:route53:::hostedzone/{id}",
    "route53:queryloggingconfig": "arn:aws:route53:::queryloggingconfig/{id}",
    "s3:object": "arn:aws:s3:::{name}/releases/1.0.0.tar.gz",
    "s3:bucket": "arn:aws:s3:::{name}",
    "scheduler:schedule": "arn:aws:scheduler:{region}:{account}:schedule/{prefix}-database-jobs/{name}",
    "scheduler:schedule-group": "arn:aws:scheduler:{region}:{account}:schedule-group/{name}",
    "secretsmanager:Secret": "arn:aws:secretsmanager:{region}:{account}:secret:{name}-AbCdEf",
    "sns:topic": "arn:aws:sns:{region}:{account}:{name}",
    "ssm:parameter": "arn:aws:ssm:{region}:{account}:parameter{name}",
    "ssm:document": "arn:aws:ssm:{region}:{account}:document/{name}",
    "wafv2:ipset": "arn:aws:wafv2:{region}:{account}:regional/ipset/{name}/{id}",
    "wafv2:managedruleset": "arn:aws:wafv2:{region}:{account}:regional/managedruleset/*/*",
    "wafv2:managedruleset/global": "arn:aws:wafv2:us-east-1:{account}:global/managedruleset/*/*",
    "wafv2:webacl": "arn:aws:wafv2:{region}:{account}:regional/webacl/{name}/{id}",
    "wafv2:webacl/global": "arn:aws:wafv2:us-east-1:{account}:global/webacl/{name}/{id}",
}
"""Kind of resource, with the Service Authorization Reference's names, to its ARN."""

OTHERS: Mapping[str, str] = {
    "autoscaling:autoScalingGroup": "app-servers-group-0a1b2c3",
    "backup:backupVault": "{prefix}-backups",
    "backup:restoreTestingPlan": "{prefix_}",
    "elasticache:cluster": "{prefix}-cache",
    "elasticache:parametergroup": "cache-parameters-0a1b2c3",
    "elasticache:snapshot": "{prefix}-cache",
    "elasticache:subnetgroup": "cache-subnets-0a1b2c3",
    "elasticache:user": "{prefix}-app",
    "elasticache:usergroup": "{prefix}-users",
    "elasticloadbalancing:loadbalancer/app/": "{prefix}",
    "iam:role": "app-servers-role-0a1b2c3",
    "lambda:function": "{prefix}-credentials",
    "logs:delivery-destination": "{prefix}-cdn",
    "logs:delivery-source": "{prefix}-cdn",
    "rds:db": "{prefix}-postgres-primary",
    "rds:pg": "database-primary-parameters-0a1b2c3",
    "rds:snapshot": "{prefix}-postgres-primary",
    "rds:subgrp": "database-subnets-0a1b2c3",
    "s3:object": "{bucket}",
    "sqs:queue": "{prefix}-incidents",
    "ssm:document": "{prefix}-verify",
    "secretsmanager:Secret": "{path}/JWT_SECRET-0a1b2c3",
    "sns:topic": "notifications-p1-0a1b2c3",
    "wafv2:ipset": "web-acl-maintenance-exceptions-0a1b2c3",
    "wafv2:webacl": "web-acl-acl-0a1b2c3",
}
"""Names of the stack's resources to which another one refers; the other kinds have an id."""

Operations = Mapping[str, tuple[str, ...]]


def _taggable(tag: str, untag: str) -> Operations:
    return {"tag": (f"{tag} self", f"{untag} self")}


_OF_RULES = "own:wafv2:ipset default:wafv2:managedruleset default:wafv2:managedruleset/global"
_EC2_TAGS = _taggable("ec2:CreateTags", "ec2:DeleteTags")
_ELB_TAGS = _taggable("elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags")
_RDS_TAGS = _taggable("rds:AddTagsToResource", "rds:RemoveTagsFromResource")
_CACHE_TAGS = _taggable("elasticache:AddTagsToResource", "elasticache:RemoveTagsFromResource")


def _bucket_part(put: str, get: str, delete: str = "") -> tuple[str, Operations]:
    """A part of a bucket: S3's actions for it, which are about the bucket."""
    operations: Operations = {
        "create": (f"s3:{put} self",),
        "read": (f"s3:{get} self",),
        "update": (f"s3:{put} self",),
        "delete": (f"s3:{delete or put} self",),
    }
    return "s3:bucket", operations


def _cdn_part(kind: str, noun: str) -> tuple[str, Operations]:
    """A part of the CDN that AWS tells by an id alone, so that an administrator changes and deletes it."""
    operations: Operations = {
        "create": (f"cloudfront:Create{noun} *",),
        "read": (f"cloudfront:Get{noun} all:cloudfront:{kind}",),
        "delete": (),
    }
    return f"cloudfront:{kind}", operations


TYPES: Mapping[str, tuple[str, Operations]] = {
    "aws:acm/certificate:Certificate": (
        "acm:certificate",
        {
            "create": ("acm:RequestCertificate *", "acm:AddTagsToCertificate new"),
            "read": ("acm:DescribeCertificate self", "acm:ListTagsForCertificate self"),
            "update": ("acm:UpdateCertificateOptions self",),
            "delete": ("acm:DeleteCertificate self",),
            **_taggable("acm:AddTagsToCertificate", "acm:RemoveTagsFromCertificate"),
        },
    ),
    "aws:acm/certificateValidation:CertificateValidation": (
        "acm:certificate",
        {
            "create": ("acm:DescribeCertificate self",),
            "read": ("acm:DescribeCertificate self",),
            "delete": (),
        },
    ),
    "aws:autoscaling/group:Group": (
        "autoscaling:autoScalingGroup",
        {
            "create": (
                "autoscaling:CreateAutoScalingGroup new",
                "autoscaling:CreateOrUpdateTags new",
                "autoscaling:EnableMetricsCollection self",
                "ec2:RunInstances new:ec2:instance new:ec2:network-interface new:ec2:volume own:ec2:launch-template "
                "own:ec2:security-group own:ec2:subnet amazon:ec2:image amazon:ec2:snapshot",
                "ec2:CreateTags new:ec2:instance",
                "ec2:CreateTags new:ec2:volume",
                "iam:PassRole own:iam:role",
                "iam:CreateServiceLinkedRole linked:autoscaling",
            ),
            "read": (
                "autoscaling:DescribeAutoScalingGroups *",
                "autoscaling:DescribeScalingActivities *",
                "autoscaling:DescribeInstanceRefreshes *",
                "ec2:DescribeLaunchTemplateVersions *",
                "elasticloadbalancing:DescribeTargetHealth *",
            ),
            "update": (
                "autoscaling:UpdateAutoScalingGroup self",
                "autoscaling:StartInstanceRefresh self",
                "autoscaling:CancelInstanceRefresh self",
                "autoscaling:AttachLoadBalancerTargetGroups self",
                "autoscaling:DetachLoadBalancerTargetGroups self",
                "autoscaling:AttachTrafficSources self",
                "autoscaling:DetachTrafficSources self",
                "autoscaling:DisableMetricsCollection self",
                "autoscaling:SuspendProcesses self",
                "autoscaling:ResumeProcesses self",
            ),
            "delete": ("autoscaling:DeleteAutoScalingGroup self",),
            **_taggable("autoscaling:CreateOrUpdateTags", "autoscaling:DeleteTags"),
        },
    ),
    "aws:autoscaling/policy:Policy": (
        "autoscaling:autoScalingGroup",
        {
            "create": ("autoscaling:PutScalingPolicy own:autoscaling:autoScalingGroup",),
            "read": ("autoscaling:DescribePolicies *",),
            "update": ("autoscaling:PutScalingPolicy own:autoscaling:autoScalingGroup",),
            "delete": ("autoscaling:DeletePolicy own:autoscaling:autoScalingGroup",),
        },
    ),
    "aws:backup/plan:Plan": (
        "backup:backupPlan",
        {
            "create": ("backup:CreateBackupPlan new", "backup:TagResource new"),
            "read": ("backup:GetBackupPlan self", "backup:ListTags self"),
            "update": ("backup:UpdateBackupPlan self",),
            "delete": ("backup:DeleteBackupPlan self",),
            **_taggable("backup:TagResource", "backup:UntagResource"),
        },
    ),
    "aws:backup/restoreTestingPlan:RestoreTestingPlan": (
        "backup:restoreTestingPlan",
        {
            "create": (
                "backup:CreateRestoreTestingPlan self",
                "backup:TagResource self",
                "iam:CreateServiceLinkedRole linked:restore-testing.backup",
            ),
            "read": ("backup:GetRestoreTestingPlan self", "backup:ListTags self"),
            "update": ("backup:UpdateRestoreTestingPlan self",),
            "delete": ("backup:DeleteRestoreTestingPlan self",),
            **_taggable("backup:TagResource", "backup:UntagResource"),
        },
    ),
    "aws:backup/restoreTestingSelection:RestoreTestingSelection": (
        "backup:restoreTestingPlan",
        {
            "create": (
                "backup:CreateRestoreTestingSelection own:backup:restoreTestingPlan",
                "iam:PassRole own:iam:role",
            ),
            "read": ("backup:GetRestoreTestingSelection own:backup:restoreTestingPlan",),
            "update": ("backup:UpdateRestoreTestingSelection own:backup:restoreTestingPlan",),
            "delete": ("backup:DeleteRestoreTestingSelection own:backup:restoreTestingPlan",),
        },
    ),
    "aws:backup/selection:Selection": (
        "backup:backupPlan",
        {
            "create": ("backup:CreateBackupSelection own:backup:backupPlan", "iam:PassRole own:iam:role"),
            "read": ("backup:GetBackupSelection own:backup:backupPlan",),
            "delete": ("backup:DeleteBackupSelection own:backup:backupPlan",),
        },
    ),
    "aws:backup/vault:Vault": (
        "backup:backupVault",
        {
            "create": (
                "backup:CreateBackupVault self",
                "backup:TagResource self",
                "backup-storage:MountCapsule *",
                "iam:CreateServiceLinkedRole linked:backup",
                "kms:CreateGrant own:kms:key",
                "kms:Decrypt own:kms:key",
                "kms:DescribeKey own:kms:key",
                "kms:GenerateDataKey own:kms:key",
                "kms:RetireGrant own:kms:key",
            ),
            "read": ("backup:DescribeBackupVault self", "backup:ListTags self"),
            "delete": ("backup:DeleteBackupVault self",),
            **_taggable("backup:TagResource", "backup:UntagResource"),
        },
    ),
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": (
        "backup:backupVault",
        {
            "create": ("backup:PutBackupVaultLockConfiguration own:backup:backupVault",),
            "read": ("backup:DescribeBackupVault own:backup:backupVault",),
            # An administrator: it protects the backups from stolen credentials.
            "delete": (),
        },
    ),
    "aws:backup/vaultPolicy:VaultPolicy": (
        "backup:backupVault",
        {
            "create": ("backup:PutBackupVaultAccessPolicy own:backup:backupVault",),
            "read": ("backup:GetBackupVaultAccessPolicy own:backup:backupVault",),
            # An administrator, likewise.
            "delete": (),
        },
    ),
    "aws:cloudfront/cachePolicy:CachePolicy": _cdn_part("cache-policy", "CachePolicy"),
    "aws:cloudfront/distribution:Distribution": (
        "cloudfront:distribution",
        {
            "create": ("cloudfront:CreateDistribution *", "cloudfront:TagResource new"),
            "read": ("cloudfront:GetDistribution self", "cloudfront:ListTagsForResource self"),
            "update": ("cloudfront:UpdateDistribution self",),
            "delete": ("cloudfront:DeleteDistribution self",),
            **_taggable("cloudfront:TagResource", "cloudfront:UntagResource"),
        },
    ),
    "aws:cloudfront/originAccessControl:OriginAccessControl": _cdn_part("origin-access-control", "OriginAccessControl"),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": _cdn_part(
        "response-headers-policy", "ResponseHeadersPolicy"
    ),
    "aws:budgets/budget:Budget": (
        "budgets:budget",
        {
            "create": ("budgets:ModifyBudget new", "budgets:TagResource new"),
            "read": ("budgets:ViewBudget self", "budgets:ListTagsForResource self"),
            "update": ("budgets:ModifyBudget self",),
            "delete": ("budgets:ModifyBudget self",),
            **_taggable("budgets:TagResource", "budgets:UntagResource"),
        },
    ),
    "aws:costexplorer/anomalyMonitor:AnomalyMonitor": (
        "ce:anomalymonitor",
        {
            "create": ("ce:CreateAnomalyMonitor *", "ce:TagResource new"),
            "read": ("ce:GetAnomalyMonitors self", "ce:ListTagsForResource self"),
            "update": ("ce:UpdateAnomalyMonitor self",),
            "delete": ("ce:DeleteAnomalyMonitor self",),
            **_taggable("ce:TagResource", "ce:UntagResource"),
        },
    ),
    "aws:costexplorer/anomalySubscription:AnomalySubscription": (
        "ce:anomalysubscription",
        {
            "create": ("ce:CreateAnomalySubscription *", "ce:TagResource new"),
            "read": ("ce:GetAnomalySubscriptions self", "ce:ListTagsForResource self"),
            "update": ("ce:UpdateAnomalySubscription self",),
            "delete": ("ce:DeleteAnomalySubscription self",),
            **_taggable("ce:TagResource", "ce:UntagResource"),
        },
    ),
    "aws:cloudwatch/alarmMuteRule:AlarmMuteRule": (
        "cloudwatch:alarm-mute-rule",
        {
            "create": ("cloudwatch:PutAlarmMuteRule new", "cloudwatch:TagResource new"),
            "read": ("cloudwatch:GetAlarmMuteRule self", "cloudwatch:ListTagsForResource self"),
            "update": ("cloudwatch:PutAlarmMuteRule self",),
            "delete": ("cloudwatch:DeleteAlarmMuteRule self",),
            **_taggable("cloudwatch:TagResource", "cloudwatch:UntagResource"),
        },
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": (
        "cloudwatch:alarm",
        {
            "create": ("cloudwatch:PutCompositeAlarm new", "cloudwatch:TagResource new"),
            "read": ("cloudwatch:DescribeAlarms all:cloudwatch:alarm", "cloudwatch:ListTagsForResource self"),
            "update": ("cloudwatch:PutCompositeAlarm self",),
            "delete": ("cloudwatch:DeleteAlarms self",),
            **_taggable("cloudwatch:TagResource", "cloudwatch:UntagResource"),
        },
    ),
    "aws:cloudwatch/dashboard:Dashboard": (
        "cloudwatch:dashboard",
        {
            "create": ("cloudwatch:PutDashboard new",),
            "read": ("cloudwatch:GetDashboard self",),
            "update": ("cloudwatch:PutDashboard self",),
            "delete": ("cloudwatch:DeleteDashboards self",),
        },
    ),
    "aws:cloudwatch/logDataProtectionPolicy:LogDataProtectionPolicy": (
        "logs:log-group",
        {
            "create": ("logs:PutDataProtectionPolicy self",),
            "read": ("logs:GetDataProtectionPolicy self",),
            "update": ("logs:PutDataProtectionPolicy self",),
            "delete": ("logs:DeleteDataProtectionPolicy self",),
        },
    ),
    "aws:cloudwatch/logDelivery:LogDelivery": (
        "logs:delivery",
        {
            "create": (
                "logs:CreateDelivery new own:logs:delivery-source own:logs:delivery-destination",
                "logs:TagResource new",
            ),
            "read": ("logs:GetDelivery self", "logs:ListTagsForResource self"),
            "update": ("logs:UpdateDeliveryConfiguration self own:logs:delivery-source own:logs:delivery-destination",),
            "delete": ("logs:DeleteDelivery self",),
            **_taggable("logs:TagResource", "logs:UntagResource"),
        },
    ),
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": (
        "logs:delivery-destination",
        {
            "create": ("logs:PutDeliveryDestination self", "logs:TagResource self"),
            "read": ("logs:GetDeliveryDestination self", "logs:ListTagsForResource self"),
            "update": ("logs:PutDeliveryDestination self",),
            "delete": ("logs:DeleteDeliveryDestination self",),
            **_taggable("logs:TagResource", "logs:UntagResource"),
        },
    ),
    "aws:cloudwatch/logDeliverySource:LogDeliverySource": (
        "logs:delivery-source",
        {
            "create": (
                "logs:PutDeliverySource self",
                "logs:TagResource self",
                "cloudfront:AllowVendedLogDeliveryForResource own:cloudfront:distribution",
            ),
            "read": ("logs:GetDeliverySource self", "logs:ListTagsForResource self"),
            "update": ("logs:PutDeliverySource self",),
            # The Service Authorization Reference says that this one is about a destination.
            "delete": ("logs:DeleteDeliverySource own:logs:delivery-destination",),
            **_taggable("logs:TagResource", "logs:UntagResource"),
        },
    ),
    "aws:cloudwatch/logGroup:LogGroup": (
        "logs:log-group",
        {
            "create": ("logs:CreateLogGroup new", "logs:TagResource new", "logs:PutRetentionPolicy self"),
            "read": ("logs:DescribeLogGroups *", "logs:ListTagsForResource self"),
            "update": (
                "logs:PutRetentionPolicy self",
                "logs:DeleteRetentionPolicy self",
                "logs:AssociateKmsKey self",
                "logs:DisassociateKmsKey self",
            ),
            "delete": ("logs:DeleteLogGroup self",),
            **_taggable("logs:TagResource", "logs:UntagResource"),
        },
    ),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": (
        "logs:log-group",
        {
            "create": ("logs:PutResourcePolicy *",),
            "read": ("logs:DescribeResourcePolicies *",),
            "update": ("logs:PutResourcePolicy *",),
            "delete": ("logs:DeleteResourcePolicy *",),
        },
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        "cloudwatch:alarm",
        {
            "create": ("cloudwatch:PutMetricAlarm new", "cloudwatch:TagResource new"),
            "read": ("cloudwatch:DescribeAlarms all:cloudwatch:alarm", "cloudwatch:ListTagsForResource self"),
            "update": ("cloudwatch:PutMetricAlarm self",),
            "delete": ("cloudwatch:DeleteAlarms self",),
            **_taggable("cloudwatch:TagResource", "cloudwatch:UntagResource"),
        },
    ),
    "aws:cloudwatch/queryDefinition:QueryDefinition": (
        "logs:log-group",
        {
            "create": ("logs:PutQueryDefinition *",),
            "read": ("logs:DescribeQueryDefinitions *",),
            "update": ("logs:PutQueryDefinition *",),
            "delete": ("logs:DeleteQueryDefinition *",),
        },
    ),
    "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl": (
        "ec2:network-acl",
        {
            "create": (
                "ec2:DeleteNetworkAclEntry self",
                "ec2:CreateNetworkAclEntry self",
                "ec2:ReplaceNetworkAclAssociation self own:ec2:subnet",
            ),
            "read": ("ec2:DescribeNetworkAcls *",),
            "update": ("ec2:ReplaceNetworkAclEntry self",),
            "delete": (),
            **_EC2_TAGS,
        },
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": (
        "ec2:security-group",
        {
            "create": ("ec2:RevokeSecurityGroupIngress self", "ec2:RevokeSecurityGroupEgress self"),
            "read": ("ec2:DescribeSecurityGroups *", "ec2:DescribeSecurityGroupRules *"),
            "delete": (),
            **_EC2_TAGS,
        },
    ),
    "aws:ec2/eip:Eip": (
        "ec2:elastic-ip",
        {
            "create": ("ec2:AllocateAddress new", "ec2:CreateTags new"),
            "read": ("ec2:DescribeAddresses *", "ec2:DescribeAddressesAttribute *"),
            "update": ("ec2:AssociateAddress self", "ec2:DisassociateAddress self"),
            "delete": ("ec2:ReleaseAddress self",),
            **_EC2_TAGS,
        },
    ),
    "aws:ec2/flowLog:FlowLog": (
        "ec2:vpc-flow-log",
        {
            "create": (
                "ec2:CreateFlowLogs new own:ec2:vpc",
                "ec2:CreateTags new",
                "iam:PassRole own:iam:role",
                "logs:CreateLogDelivery *",
            ),
            "read": ("ec2:DescribeFlowLogs *", "logs:GetLogDelivery *", "logs:ListLogDeliveries *"),
            "delete": ("ec2:DeleteFlowLogs self", "logs:DeleteLogDelivery *"),
            **_EC2_TAGS,
        },
    ),
    "aws:ec2/internetGateway:InternetGateway": (
        "ec2:internet-gateway",
        {
            "create": (
                "ec2:CreateInternetGateway new",
                "ec2:CreateTags new",
                "ec2:AttachInternetGateway self own:ec2:vpc",
            ),
            "read": ("ec2:DescribeInternetGateways *",),
            "delete": ("ec2:DetachInternetGateway self own:ec2:vpc", "ec2:DeleteInternetGateway self"),
            **_EC2_TAGS,
        },
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": (
        "ec2:launch-template",
        {
            "create": ("ec2:CreateLaunchTemplate new", "ec2:CreateTags new"),
            "read": ("ec2:DescribeLaunchTemplates *", "ec2:DescribeLaunchTemplateVersions *"),
            "update": ("ec2:CreateLaunchTemplateVersion self", "ec2:ModifyLaunchTemplate self"),
            "delete": ("ec2:DeleteLaunchTemplate self", "ec2:DeleteLaunchTemplateVersions self"),
            **_EC2_TAGS,
        },
    ),
    "aws:ec2/natGateway:NatGateway": (
        "ec2:natgateway",
        {
            "create": ("ec2:CreateNatGateway new own:ec2:subnet own:ec2:elastic-ip", "ec2:CreateTags new"),
            "read": ("ec2:DescribeNatGateways *",),
            "delete": ("ec2:DeleteNatGateway self",),
            **_EC2_TAGS,
        },
    ),
    "aws:ec2/networkAcl:NetworkAcl": (
        "ec2:network-acl",
        {
            "create": (
                "ec2:CreateNetworkAcl new own:ec2:vpc",
                "ec2:CreateTags new",
                "ec2:CreateNetworkAclEntry self",
                "ec2:ReplaceNetworkAclAssociation self own:ec2:subnet",
            ),
            "read": ("ec2:DescribeNetworkAcls *",),
            "update": ("ec2:ReplaceNetworkAclEntry self", "ec2:DeleteNetworkAclEntry self"),
            "delete": ("ec2:DeleteNetworkAcl self",),
            **_EC2_TAGS,
        },
    ),
    "aws:ec2/route:Route": (
        "ec2:route-table",
        {
            "create": ("ec2:CreateRoute own:ec2:route-table",),
            "read": ("ec2:DescribeRouteTables *",),
            "update": ("ec2:ReplaceRoute own:ec2:route-table",),
            "delete": ("ec2:DeleteRoute own:ec2:route-table",),
        },
    ),
    "aws:ec2/routeTable:RouteTable": (
        "ec2:route-table",
        {
            "create": ("ec2:CreateRouteTable new own:ec2:vpc", "ec2:CreateTags new", "ec2:CreateRoute self"),
            "read": ("ec2:DescribeRouteTables *",),
            "update": ("ec2:ReplaceRoute self", "ec2:DeleteRoute self"),
            "delete": ("ec2:DeleteRouteTable self", "ec2:DisassociateRouteTable self own:ec2:subnet"),
            **_EC2_TAGS,
        },
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": (
        "ec2:route-table",
        {
            "create": ("ec2:AssociateRouteTable own:ec2:route-table own:ec2:subnet",),
            "read": ("ec2:DescribeRouteTables *",),
            "update": ("ec2:ReplaceRouteTableAssociation own:ec2:route-table own:ec2:subnet",),
            "delete": ("ec2:DisassociateRouteTable own:ec2:route-table own:ec2:subnet",),
        },
    ),
    "aws:ec2/securityGroup:SecurityGroup": (
        "ec2:security-group",
        {
            "create": (
                "ec2:CreateSecurityGroup new own:ec2:vpc",
                "ec2:CreateTags new",
                "ec2:RevokeSecurityGroupEgress self",
            ),
            "read": ("ec2:DescribeSecurityGroups *", "ec2:DescribeNetworkInterfaces *"),
            "delete": ("ec2:DeleteSecurityGroup self",),
            **_EC2_TAGS,
        },
    ),
    "aws:ec2/subnet:Subnet": (
        "ec2:subnet",
        {
            "create": (
                "ec2:CreateSubnet new own:ec2:vpc",
                "ec2:CreateTags new",
                "ec2:ModifySubnetAttribute self",
                "ec2:AssociateSubnetCidrBlock self",
            ),
            "read": ("ec2:DescribeSubnets *",),
            "update": ("ec2:ModifySubnetAttribute self", "ec2:DisassociateSubnetCidrBlock self"),
            "delete": ("ec2:DeleteSubnet self", "ec2:DescribeNetworkInterfaces *"),
            **_EC2_TAGS,
        },
    ),
    "aws:ec2/vpc:Vpc": (
        "ec2:vpc",
        {
            "create": (
                "ec2:CreateVpc new",
                "ec2:CreateTags new",
                "ec2:ModifyVpcAttribute self",
                "ec2:AssociateVpcCidrBlock self",
            ),
            "read": ("ec2:DescribeVpcs *", "ec2:DescribeVpcAttribute self"),
            "update": ("ec2:ModifyVpcAttribute self", "ec2:DisassociateVpcCidrBlock self"),
            "delete": ("ec2:DeleteVpc self",),
            **_EC2_TAGS,
        },
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (
        "ec2:vpc-endpoint",
        {
            "create": (
                "ec2:CreateVpcEndpoint new own:ec2:vpc own:ec2:subnet own:ec2:security-group own:ec2:route-table",
                "ec2:CreateTags new",
                "route53:AssociateVPCWithHostedZone amazon:route53:hostedzone",
            ),
            "read": (
                "ec2:DescribeVpcEndpoints *",
                "ec2:DescribePrefixLists *",
                "ec2:DescribeVpcEndpointServices *",
            ),
            "update": ("ec2:ModifyVpcEndpoint self own:ec2:subnet own:ec2:security-group own:ec2:route-table",),
            "delete": (
                "ec2:DeleteVpcEndpoints self",
                "route53:DisassociateVPCFromHostedZone amazon:route53:hostedzone",
            ),
            **_EC2_TAGS,
        },
    ),
    "aws:ec2/vpcSecurityGroupRulesExclusive:VpcSecurityGroupRulesExclusive": (
        "ec2:security-group",
        {
            "create": (
                "ec2:RevokeSecurityGroupIngress own:ec2:security-group",
                "ec2:RevokeSecurityGroupEgress own:ec2:security-group",
            ),
            "read": ("ec2:DescribeSecurityGroupRules *",),
            "update": ("ec2:RevokeSecurityGroupIngress own:ec2:security-group",),
            "delete": (),
        },
    ),
    "aws:elasticache/parameterGroup:ParameterGroup": (
        "elasticache:parametergroup",
        {
            "create": (
                "elasticache:CreateCacheParameterGroup new",
                "elasticache:AddTagsToResource new",
                "elasticache:ModifyCacheParameterGroup self",
            ),
            "read": (
                "elasticache:DescribeCacheParameterGroups all:elasticache:parametergroup",
                "elasticache:DescribeCacheParameters all:elasticache:parametergroup",
                "elasticache:ListTagsForResource all:elasticache:parametergroup",
            ),
            "update": ("elasticache:ModifyCacheParameterGroup self", "elasticache:ResetCacheParameterGroup self"),
            "delete": ("elasticache:DeleteCacheParameterGroup self",),
            **_CACHE_TAGS,
        },
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": (
        "elasticache:replicationgroup",
        {
            "create": (
                "elasticache:CreateReplicationGroup new own:elasticache:parametergroup own:elasticache:subnetgroup "
                "own:elasticache:cluster own:elasticache:usergroup",
                "elasticache:AddTagsToResource new",
                "iam:CreateServiceLinkedRole linked:elasticache",
                "logs:CreateLogDelivery *",
                "logs:PutResourcePolicy *",
                "kms:CreateGrant own:kms:key",
            ),
            "read": (
                "elasticache:DescribeReplicationGroups all:elasticache:replicationgroup",
                "elasticache:DescribeCacheClusters all:elasticache:cluster",
                "elasticache:ListTagsForResource all:elasticache:replicationgroup",
            ),
            "update": (
                "elasticache:ModifyReplicationGroup self own:elasticache:parametergroup own:elasticache:usergroup",
                "elasticache:IncreaseReplicaCount self",
                "elasticache:DecreaseReplicaCount self",
                "elasticache:ModifyReplicationGroupShardConfiguration self",
                "elasticache:ModifyCacheCluster own:elasticache:cluster",
            ),
            "delete": (
                "elasticache:DeleteReplicationGroup self",
                "elasticache:CreateSnapshot own:elasticache:snapshot",
                "logs:DeleteLogDelivery *",
            ),
            **_CACHE_TAGS,
        },
    ),
    "aws:elasticache/subnetGroup:SubnetGroup": (
        "elasticache:subnetgroup",
        {
            "create": ("elasticache:CreateCacheSubnetGroup new", "elasticache:AddTagsToResource new"),
            "read": (
                "elasticache:DescribeCacheSubnetGroups all:elasticache:subnetgroup",
                "elasticache:ListTagsForResource all:elasticache:subnetgroup",
            ),
            "update": ("elasticache:ModifyCacheSubnetGroup self",),
            "delete": ("elasticache:DeleteCacheSubnetGroup self",),
            **_CACHE_TAGS,
        },
    ),
    "aws:iam/instanceProfile:InstanceProfile": (
        "iam:instance-profile",
        {
            "create": (
                "iam:CreateInstanceProfile new",
                "iam:TagInstanceProfile new",
                "iam:AddRoleToInstanceProfile self",
                "iam:PassRole own:iam:role",
            ),
            "read": ("iam:GetInstanceProfile self",),
            "delete": ("iam:RemoveRoleFromInstanceProfile self", "iam:DeleteInstanceProfile self"),
            **_taggable("iam:TagInstanceProfile", "iam:UntagInstanceProfile"),
        },
    ),
    "aws:iam/role:Role": (
        "iam:role",
        {
            "create": ("iam:CreateRole new", "iam:TagRole new"),
            "read": ("iam:GetRole self", "iam:ListInstanceProfilesForRole self"),
            "update": (
                "iam:UpdateRole self",
                "iam:UpdateRoleDescription self",
                "iam:PutRolePermissionsBoundary self",
            ),
            "delete": ("iam:DeleteRole self",),
            **_taggable("iam:TagRole", "iam:UntagRole"),
        },
    ),
    "aws:iam/rolePolicy:RolePolicy": (
        "iam:role",
        {
            "create": ("iam:PutRolePolicy own:iam:role",),
            "read": ("iam:GetRolePolicy own:iam:role",),
            "update": ("iam:PutRolePolicy own:iam:role",),
            "delete": ("iam:DeleteRolePolicy own:iam:role",),
        },
    ),
    "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive": (
        "iam:role",
        {
            "create": ("iam:DeleteRolePolicy own:iam:role",),
            "read": ("iam:ListRolePolicies own:iam:role",),
            "update": ("iam:DeleteRolePolicy own:iam:role",),
            "delete": (),
        },
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": (
        "iam:role",
        {
            "create": ("iam:AttachRolePolicy own:iam:role",),
            "read": ("iam:ListAttachedRolePolicies own:iam:role",),
            "delete": ("iam:DetachRolePolicy own:iam:role",),
        },
    ),
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": (
        "iam:role",
        {
            "create": ("iam:DetachRolePolicy own:iam:role",),
            "read": ("iam:ListAttachedRolePolicies own:iam:role",),
            "delete": (),
        },
    ),
    "aws:kms/alias:Alias": (
        "kms:alias",
        {
            "create": ("kms:CreateAlias self own:kms:key",),
            "read": ("kms:ListAliases *",),
            "update": ("kms:UpdateAlias self own:kms:key",),
            "delete": ("kms:DeleteAlias self own:kms:key",),
        },
    ),
    "aws:kms/key:Key": (
        "kms:key",
        {
            "create": ("kms:CreateKey *", "kms:TagResource new", "kms:EnableKeyRotation self"),
            "read": (
                "kms:DescribeKey self",
                "kms:GetKeyPolicy self",
                "kms:GetKeyRotationStatus self",
                "kms:ListResourceTags self",
            ),
            "update": (
                "kms:PutKeyPolicy self",
                "kms:UpdateKeyDescription self",
                "kms:EnableKey self",
                "kms:DisableKeyRotation self",
            ),
            "delete": ("kms:ScheduleKeyDeletion self",),
            **_taggable("kms:TagResource", "kms:UntagResource"),
        },
    ),
    "aws:lb/listener:Listener": (
        "elasticloadbalancing:listener/app",
        {
            "create": (
                "elasticloadbalancing:CreateListener own:elasticloadbalancing:loadbalancer/app/",
                "elasticloadbalancing:AddTags new",
            ),
            "read": ("elasticloadbalancing:DescribeListeners *", "elasticloadbalancing:DescribeTags *"),
            "update": (
                "elasticloadbalancing:ModifyListener self",
                "elasticloadbalancing:ModifyListenerAttributes self",
                "elasticloadbalancing:AddListenerCertificates self",
                "elasticloadbalancing:RemoveListenerCertificates self",
            ),
            "delete": ("elasticloadbalancing:DeleteListener self",),
            **_ELB_TAGS,
        },
    ),
    "aws:lb/listenerRule:ListenerRule": (
        "elasticloadbalancing:listener-rule/app",
        {
            "create": (
                "elasticloadbalancing:CreateRule own:elasticloadbalancing:listener/app",
                "elasticloadbalancing:AddTags new",
            ),
            "read": ("elasticloadbalancing:DescribeRules *",),
            "update": ("elasticloadbalancing:ModifyRule self", "elasticloadbalancing:SetRulePriorities self"),
            "delete": ("elasticloadbalancing:DeleteRule self",),
            **_ELB_TAGS,
        },
    ),
    "aws:lb/loadBalancer:LoadBalancer": (
        "elasticloadbalancing:loadbalancer/app/",
        {
            "create": (
                "elasticloadbalancing:CreateLoadBalancer new",
                "elasticloadbalancing:AddTags new",
                "elasticloadbalancing:ModifyLoadBalancerAttributes self",
                "iam:CreateServiceLinkedRole linked:elasticloadbalancing",
            ),
            "read": (
                "elasticloadbalancing:DescribeLoadBalancers *",
                "elasticloadbalancing:DescribeLoadBalancerAttributes *",
            ),
            "update": (
                "elasticloadbalancing:SetSecurityGroups self",
                "elasticloadbalancing:SetSubnets self",
                "elasticloadbalancing:SetIpAddressType self",
                "elasticloadbalancing:ModifyCapacityReservation self",
            ),
            "delete": ("elasticloadbalancing:DeleteLoadBalancer self", "ec2:DescribeNetworkInterfaces *"),
            **_ELB_TAGS,
        },
    ),
    "aws:lb/targetGroup:TargetGroup": (
        "elasticloadbalancing:targetgroup",
        {
            "create": (
                "elasticloadbalancing:CreateTargetGroup new",
                "elasticloadbalancing:AddTags new",
                "elasticloadbalancing:ModifyTargetGroupAttributes self",
            ),
            "read": (
                "elasticloadbalancing:DescribeTargetGroups *",
                "elasticloadbalancing:DescribeTargetGroupAttributes *",
            ),
            "update": ("elasticloadbalancing:ModifyTargetGroup self",),
            "delete": ("elasticloadbalancing:DeleteTargetGroup self",),
            **_ELB_TAGS,
        },
    ),
    "aws:rds/eventSubscription:EventSubscription": (
        "rds:es",
        {
            "create": ("rds:CreateEventSubscription new", "rds:AddTagsToResource new"),
            "read": ("rds:DescribeEventSubscriptions all:rds:es", "rds:ListTagsForResource all:rds:es"),
            "update": (
                "rds:ModifyEventSubscription self",
                "rds:AddSourceIdentifierToSubscription self",
                "rds:RemoveSourceIdentifierFromSubscription self",
            ),
            "delete": ("rds:DeleteEventSubscription self",),
            **_RDS_TAGS,
        },
    ),
    "aws:rds/instance:Instance": (
        "rds:db",
        {
            "create": (
                "rds:CreateDBInstance new own:rds:pg own:rds:subgrp default:rds:og",
                "rds:CreateDBInstanceReadReplica new own:rds:db own:rds:pg default:rds:og",
                "rds:AddTagsToResource new",
                "iam:PassRole own:iam:role",
                "iam:CreateServiceLinkedRole linked:rds",
                "kms:CreateGrant own:kms:key",
                "kms:DescribeKey own:kms:key",
            ),
            "read": ("rds:DescribeDBInstances all:rds:db", "rds:ListTagsForResource all:rds:db"),
            "update": (
                "rds:ModifyDBInstance self own:rds:pg default:rds:og",
                "rds:RebootDBInstance self",
                "rds:PromoteReadReplica self",
            ),
            "delete": (
                "rds:DeleteDBInstance self",
                "rds:CreateDBSnapshot self own:rds:snapshot",
            ),
            **_RDS_TAGS,
        },
    ),
    "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication": (
        "rds:auto-backup",
        {
            "create": (
                "rds:StartDBInstanceAutomatedBackupsReplication all:rds:auto-backup home:rds:db",
                "kms:CreateGrant own:kms:key",
                "kms:DescribeKey own:kms:key",
            ),
            "read": ("rds:DescribeDBInstanceAutomatedBackups all:rds:auto-backup",),
            "delete": ("rds:StopDBInstanceAutomatedBackupsReplication home:rds:db",),
        },
    ),
    "aws:rds/parameterGroup:ParameterGroup": (
        "rds:pg",
        {
            "create": (
                "rds:CreateDBParameterGroup new",
                "rds:AddTagsToResource new",
                "rds:ModifyDBParameterGroup self",
            ),
            "read": ("rds:DescribeDBParameterGroups all:rds:pg", "rds:DescribeDBParameters all:rds:pg"),
            "update": ("rds:ModifyDBParameterGroup self", "rds:ResetDBParameterGroup self"),
            "delete": ("rds:DeleteDBParameterGroup self",),
            **_RDS_TAGS,
        },
    ),
    "aws:rds/subnetGroup:SubnetGroup": (
        "rds:subgrp",
        {
            "create": ("rds:CreateDBSubnetGroup new", "rds:AddTagsToResource new"),
            "read": ("rds:DescribeDBSubnetGroups all:rds:subgrp",),
            "update": ("rds:ModifyDBSubnetGroup self",),
            "delete": ("rds:DeleteDBSubnetGroup self",),
            **_RDS_TAGS,
        },
    ),
    "aws:route53/queryLog:QueryLog": (
        "route53:queryloggingconfig",
        {
            "create": ("route53:CreateQueryLoggingConfig own:route53:hostedzone",),
            "read": ("route53:GetQueryLoggingConfig all:route53:queryloggingconfig",),
            # An administrator: nothing but an id that AWS invents tells one of ours from another.
            "delete": (),
        },
    ),
    "aws:route53/record:Record": (
        "route53:hostedzone",
        {
            "create": ("route53:ChangeResourceRecordSets record", "route53:GetChange all:route53:change"),
            "read": ("route53:ListResourceRecordSets all:route53:hostedzone",),
            "update": ("route53:ChangeResourceRecordSets record",),
            "delete": ("route53:ChangeResourceRecordSets record",),
        },
    ),
    "aws:route53/healthCheck:HealthCheck": (
        "route53:healthcheck",
        {
            "create": ("route53:CreateHealthCheck *",),
            "read": (
                "route53:GetHealthCheck all:route53:healthcheck",
                "route53:ListTagsForResource all:route53:healthcheck",
            ),
            "update": ("route53:UpdateHealthCheck self",),
            "delete": ("route53:DeleteHealthCheck self",),
            "tag": ("route53:ChangeTagsForResource self",),
        },
    ),
    "aws:route53/zone:Zone": (
        "route53:hostedzone",
        {
            "create": ("route53:CreateHostedZone *", "route53:GetChange all:route53:change"),
            "read": (
                "route53:GetHostedZone all:route53:hostedzone",
                "route53:ListTagsForResource all:route53:hostedzone",
                "route53:GetDNSSEC all:route53:hostedzone",
            ),
            "update": ("route53:UpdateHostedZoneComment self",),
            "delete": ("route53:DeleteHostedZone self",),
            "tag": ("route53:ChangeTagsForResource self",),
        },
    ),
    "aws:s3/bucket:Bucket": (
        "s3:bucket",
        {
            "create": ("s3:CreateBucket self", "s3:TagResource self", "s3:PutBucketTagging self"),
            "read": (
                "s3:ListBucket self",
                "s3:GetBucketLocation self",
                "s3:GetBucketAcl self",
                "s3:GetBucketCORS self",
                "s3:GetBucketWebsite self",
                "s3:GetBucketRequestPayment self",
                "s3:GetAccelerateConfiguration self",
                "s3:GetReplicationConfiguration self",
                "s3:GetBucketTagging self",
                "s3:ListTagsForResource self",
            ),
            "delete": ("s3:DeleteBucket self",),
            **_taggable("s3:TagResource", "s3:UntagResource"),
        },
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _bucket_part(
        "PutLifecycleConfiguration", "GetLifecycleConfiguration"
    ),
    "aws:s3/bucketLogging:BucketLogging": _bucket_part("PutBucketLogging", "GetBucketLogging"),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": _bucket_part(
        "PutBucketObjectLockConfiguration", "GetBucketObjectLockConfiguration"
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _bucket_part(
        "PutBucketOwnershipControls", "GetBucketOwnershipControls"
    ),
    "aws:s3/bucketPolicy:BucketPolicy": _bucket_part("PutBucketPolicy", "GetBucketPolicy", "DeleteBucketPolicy"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _bucket_part(
        "PutBucketPublicAccessBlock", "GetBucketPublicAccessBlock"
    ),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": (
        "s3:bucket",
        {
            "create": ("s3:PutReplicationConfiguration self", "iam:PassRole own:iam:role"),
            "read": ("s3:GetReplicationConfiguration self",),
            "update": ("s3:PutReplicationConfiguration self",),
            "delete": ("s3:PutReplicationConfiguration self",),
        },
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _bucket_part(
        "PutEncryptionConfiguration", "GetEncryptionConfiguration"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _bucket_part("PutBucketVersioning", "GetBucketVersioning"),
    "aws:secretsmanager/secret:Secret": (
        "secretsmanager:Secret",
        {
            "create": ("secretsmanager:CreateSecret self", "secretsmanager:TagResource self"),
            "read": ("secretsmanager:DescribeSecret self", "secretsmanager:GetResourcePolicy self"),
            "update": ("secretsmanager:UpdateSecret self", "secretsmanager:RestoreSecret self"),
            "delete": ("secretsmanager:DeleteSecret self",),
            **_taggable("secretsmanager:TagResource", "secretsmanager:UntagResource"),
        },
    ),
    "aws:secretsmanager/secretRotation:SecretRotation": (
        "secretsmanager:Secret",
        {
            "create": ("secretsmanager:RotateSecret own:secretsmanager:Secret",),
            "read": ("secretsmanager:DescribeSecret own:secretsmanager:Secret",),
            "update": ("secretsmanager:RotateSecret own:secretsmanager:Secret",),
            "delete": ("secretsmanager:CancelRotateSecret own:secretsmanager:Secret",),
        },
    ),
    "aws:sns/topic:Topic": (
        "sns:topic",
        {
            "create": ("sns:CreateTopic new", "sns:TagResource new", "sns:SetTopicAttributes self"),
            "read": ("sns:GetTopicAttributes self", "sns:ListTagsForResource self"),
            "update": ("sns:SetTopicAttributes self",),
            "delete": ("sns:DeleteTopic self",),
            **_taggable("sns:TagResource", "sns:UntagResource"),
        },
    ),
    "aws:sns/topicPolicy:TopicPolicy": (
        "sns:topic",
        {
            "create": ("sns:SetTopicAttributes own:sns:topic",),
            "read": ("sns:GetTopicAttributes own:sns:topic",),
            "update": ("sns:SetTopicAttributes own:sns:topic",),
            "delete": ("sns:SetTopicAttributes own:sns:topic",),
        },
    ),
    "aws:sns/topicSubscription:TopicSubscription": (
        "sns:topic",
        {
            "create": ("sns:Subscribe own:sns:topic",),
            "read": ("sns:GetSubscriptionAttributes own:sns:topic", "sns:ListSubscriptionsByTopic own:sns:topic"),
            "update": ("sns:SetSubscriptionAttributes own:sns:topic",),
            "delete": ("sns:Unsubscribe own:sns:topic",),
        },
    ),
    "aws:scheduler/scheduleGroup:ScheduleGroup": (
        "scheduler:schedule-group",
        {
            "create": ("scheduler:CreateScheduleGroup self", "scheduler:TagResource self"),
            "read": ("scheduler:GetScheduleGroup self", "scheduler:ListTagsForResource self"),
            "delete": ("scheduler:DeleteScheduleGroup self",),
            **_taggable("scheduler:TagResource", "scheduler:UntagResource"),
        },
    ),
    "aws:scheduler/schedule:Schedule": (
        "scheduler:schedule",
        {
            "create": ("scheduler:CreateSchedule self", "iam:PassRole own:iam:role"),
            "read": ("scheduler:GetSchedule self",),
            "update": ("scheduler:UpdateSchedule self", "iam:PassRole own:iam:role"),
            "delete": ("scheduler:DeleteSchedule self",),
        },
    ),
    "aws:codebuild/project:Project": (
        "codebuild:project",
        {
            "create": ("codebuild:CreateProject self", "iam:PassRole own:iam:role"),
            "read": ("codebuild:BatchGetProjects self",),
            "update": ("codebuild:UpdateProject self", "iam:PassRole own:iam:role"),
            "delete": ("codebuild:DeleteProject self",),
            "tag": ("codebuild:UpdateProject self",),
            "migrate": (
                "codebuild:ListBuildsForProject self",
                "codebuild:BatchGetBuilds self",
                "codebuild:StartBuild self",
                "rds:CreateDBSnapshot own:rds:db new:rds:snapshot",
                "rds:AddTagsToResource new:rds:snapshot",
                "rds:DescribeDBSnapshots *",
                "s3:GetObject own:s3:object",
            ),
        },
    ),
    "aws:lambda/function:Function": (
        "lambda:function",
        {
            "create": (
                "lambda:CreateFunction self",
                "lambda:TagResource self",
                "lambda:PutFunctionConcurrency self",
                "iam:PassRole own:iam:role",
            ),
            "read": (
                "lambda:GetFunction self",
                "lambda:GetFunctionCodeSigningConfig self",
                "lambda:ListVersionsByFunction self",
            ),
            "update": (
                "lambda:UpdateFunctionCode self",
                "lambda:UpdateFunctionConfiguration self",
                "iam:PassRole own:iam:role",
            ),
            "delete": ("lambda:DeleteFunction self",),
            **_taggable("lambda:TagResource", "lambda:UntagResource"),
        },
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": (
        "lambda:eventSourceMapping",
        {
            "create": ("lambda:CreateEventSourceMapping *", "lambda:TagResource self"),
            "read": ("lambda:GetEventSourceMapping self", "lambda:ListTags self"),
            "update": ("lambda:UpdateEventSourceMapping self",),
            "delete": ("lambda:DeleteEventSourceMapping self",),
            **_taggable("lambda:TagResource", "lambda:UntagResource"),
        },
    ),
    "aws:sqs/queue:Queue": (
        "sqs:queue",
        {
            "create": ("sqs:CreateQueue self", "sqs:TagQueue self", "sqs:SetQueueAttributes self"),
            "read": ("sqs:GetQueueAttributes self", "sqs:ListQueueTags self"),
            "update": ("sqs:SetQueueAttributes self",),
            "delete": ("sqs:DeleteQueue self",),
            **_taggable("sqs:TagQueue", "sqs:UntagQueue"),
        },
    ),
    "aws:sqs/queuePolicy:QueuePolicy": (
        "sqs:queue",
        {
            "create": ("sqs:SetQueueAttributes own:sqs:queue",),
            "read": ("sqs:GetQueueAttributes own:sqs:queue",),
            "update": ("sqs:SetQueueAttributes own:sqs:queue",),
            "delete": ("sqs:SetQueueAttributes own:sqs:queue",),
        },
    ),
    "aws:dynamodb/table:Table": (
        "dynamodb:table",
        {
            "create": (
                "dynamodb:CreateTable self",
                "dynamodb:TagResource self",
                "dynamodb:UpdateContinuousBackups self",
                "dynamodb:UpdateTimeToLive self",
                "kms:DescribeKey own:kms:key",
                "kms:CreateGrant own:kms:key",
            ),
            "read": (
                "dynamodb:DescribeTable self",
                "dynamodb:DescribeContinuousBackups self",
                "dynamodb:DescribeTimeToLive self",
                "dynamodb:ListTagsOfResource self",
            ),
            "update": (
                "dynamodb:UpdateTable self",
                "dynamodb:UpdateContinuousBackups self",
                "dynamodb:UpdateTimeToLive self",
            ),
            "delete": ("dynamodb:DeleteTable self",),
            **_taggable("dynamodb:TagResource", "dynamodb:UntagResource"),
        },
    ),
    "aws:lambda/invocation:Invocation": (
        "lambda:function",
        # The provider keeps what the function answered, and asks AWS nothing about it.
        {"create": ("lambda:InvokeFunction own:lambda:function",), "read": (), "delete": ()},
    ),
    "aws:lambda/permission:Permission": (
        "lambda:function",
        {
            "create": ("lambda:AddPermission own:lambda:function",),
            "read": ("lambda:GetPolicy own:lambda:function",),
            "delete": ("lambda:RemovePermission own:lambda:function",),
        },
    ),
    "aws:elasticache/user:User": (
        "elasticache:user",
        {
            "create": ("elasticache:CreateUser self", "elasticache:AddTagsToResource self"),
            "read": (
                "elasticache:DescribeUsers all:elasticache:user",
                "elasticache:ListTagsForResource all:elasticache:user",
            ),
            "update": ("elasticache:ModifyUser self",),
            "delete": ("elasticache:DeleteUser self",),
            **_CACHE_TAGS,
        },
    ),
    "aws:elasticache/userGroup:UserGroup": (
        "elasticache:usergroup",
        {
            "create": (
                "elasticache:CreateUserGroup self own:elasticache:user",
                "elasticache:AddTagsToResource self",
            ),
            "read": (
                "elasticache:DescribeUserGroups all:elasticache:usergroup",
                "elasticache:ListTagsForResource all:elasticache:usergroup",
            ),
            "update": ("elasticache:ModifyUserGroup self own:elasticache:user",),
            "delete": ("elasticache:DeleteUserGroup self",),
            **_CACHE_TAGS,
        },
    ),
    "aws:ssm/parameter:Parameter": (
        "ssm:parameter",
        {
            "create": ("ssm:PutParameter self", "ssm:AddTagsToResource self"),
            "read": ("ssm:GetParameter self", "ssm:DescribeParameters *", "ssm:ListTagsForResource self"),
            "update": ("ssm:PutParameter self",),
            "delete": ("ssm:DeleteParameter self",),
            "gate": (
                "ssm:GetParameterHistory self",
                "ssm:ListCommandInvocations *",
                "ssm:SendCommand own:ssm:document own:ec2:instance",
                "autoscaling:DescribeInstanceRefreshes *",
                "autoscaling:StartInstanceRefresh own:autoscaling:autoScalingGroup",
                "cloudwatch:DescribeAlarms all:cloudwatch:alarm",
            ),
            **_taggable("ssm:AddTagsToResource", "ssm:RemoveTagsFromResource"),
        },
    ),
    "aws:ssm/document:Document": (
        "ssm:document",
        {
            "create": ("ssm:CreateDocument self", "ssm:AddTagsToResource self"),
            "read": (
                "ssm:DescribeDocument self",
                "ssm:GetDocument self",
                "ssm:DescribeDocumentPermission self",
                "ssm:ListTagsForResource self",
            ),
            "update": ("ssm:UpdateDocument self", "ssm:UpdateDocumentDefaultVersion self"),
            "delete": ("ssm:DeleteDocument self",),
            **_taggable("ssm:AddTagsToResource", "ssm:RemoveTagsFromResource"),
        },
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": (
        "ec2:security-group-rule",
        {
            "create": (
                "ec2:AuthorizeSecurityGroupEgress new own:ec2:security-group",
                "ec2:CreateTags new",
            ),
            "read": ("ec2:DescribeSecurityGroupRules *",),
            "update": ("ec2:ModifySecurityGroupRules self own:ec2:security-group",),
            "delete": ("ec2:RevokeSecurityGroupEgress own:ec2:security-group",),
            **_EC2_TAGS,
        },
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (
        "ec2:security-group-rule",
        {
            "create": (
                "ec2:AuthorizeSecurityGroupIngress new own:ec2:security-group",
                "ec2:CreateTags new",
            ),
            "read": ("ec2:DescribeSecurityGroupRules *",),
            "update": ("ec2:ModifySecurityGroupRules self own:ec2:security-group",),
            "delete": ("ec2:RevokeSecurityGroupIngress own:ec2:security-group",),
            **_EC2_TAGS,
        },
    ),
    "aws:wafv2/ipSet:IpSet": (
        "wafv2:ipset",
        {
            "create": ("wafv2:CreateIPSet new", "wafv2:TagResource new"),
            "read": ("wafv2:GetIPSet self", "wafv2:ListTagsForResource all:wafv2:ipset"),
            "update": ("wafv2:UpdateIPSet self",),
            "delete": ("wafv2:DeleteIPSet self",),
            **_taggable("wafv2:TagResource", "wafv2:UntagResource"),
        },
    ),
    "aws:wafv2/webAcl:WebAcl": (
        "wafv2:webacl",
        {
            "create": ("wafv2:CreateWebACL new", "wafv2:TagResource new"),
            "read": ("wafv2:GetWebACL self", "wafv2:ListTagsForResource all:wafv2:webacl"),
            "update": (f"wafv2:UpdateWebACL self {_OF_RULES}",),
            "delete": ("wafv2:DeleteWebACL self",),
            **_taggable("wafv2:TagResource", "wafv2:UntagResource"),
        },
    ),
    "aws:wafv2/webAclAssociation:WebAclAssociation": (
        "wafv2:webacl",
        {
            "create": (
                "wafv2:AssociateWebACL own:wafv2:webacl own:elasticloadbalancing:loadbalancer/app/",
                "elasticloadbalancing:SetWebAcl *",
                "elasticloadbalancing:CreateWebACLAssociation own:elasticloadbalancing:loadbalancer/app/",
            ),
            "read": (
                "wafv2:GetWebACLForResource own:wafv2:webacl own:elasticloadbalancing:loadbalancer/app/",
                "elasticloadbalancing:GetLoadBalancerWebACL own:elasticloadbalancing:loadbalancer/app/",
                "elasticloadbalancing:DescribeWebACLAssociation *",
            ),
            "delete": (
                "wafv2:DisassociateWebACL own:elasticloadbalancing:loadbalancer/app/",
                "elasticloadbalancing:DeleteWebACLAssociation own:elasticloadbalancing:loadbalancer/app/",
            ),
        },
    ),
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": (
        "wafv2:webacl",
        {
            "create": (
                "wafv2:PutLoggingConfiguration own:wafv2:webacl",
                "iam:CreateServiceLinkedRole linked:wafv2",
                "logs:CreateLogDelivery *",
                "logs:PutResourcePolicy *",
                "logs:DescribeResourcePolicies *",
                "logs:DescribeLogGroups *",
            ),
            "read": ("wafv2:GetLoggingConfiguration own:wafv2:webacl",),
            "update": ("wafv2:PutLoggingConfiguration own:wafv2:webacl", "logs:UpdateLogDelivery *"),
            "delete": ("wafv2:DeleteLoggingConfiguration own:wafv2:webacl", "logs:DeleteLogDelivery *"),
        },
    ),
    "aws:wafv2/webAclRule:WebAclRule": (
        "wafv2:webacl",
        {
            # A web ACL is written as a whole, so AWS asks about what any of its rules refers to.
            "create": (f"wafv2:UpdateWebACL own:wafv2:webacl {_OF_RULES}",),
            "read": ("wafv2:GetWebACL own:wafv2:webacl",),
            "update": (f"wafv2:UpdateWebACL own:wafv2:webacl {_OF_RULES}",),
            "delete": (f"wafv2:UpdateWebACL own:wafv2:webacl {_OF_RULES}",),
        },
    ),
}
"""Type to the kind that it is about, and to its requests by operation. Empty: the provider asks AWS for nothing."""

ADMINISTRATORS_TYPES: Mapping[str, str] = {
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": "whoever may change it may let in any workflow",
    "aws:iam/policy:Policy": "the permissions boundary and the workflows' own rights",
}
"""Types that a deployment may read and not change, and why."""
