"""What GitHub's workflows may do in the account: this stack's resources, by name, tag or request, and no others'.

A resource with a physical name of ours is recognised by it. One that Pulumi names, or AWS numbers, is recognised by
its tags: created only with the stack's tags, and afterwards used only with them. The stack's tags are set on new
resources only, so nobody else's resource can be made the stack's. KMS, ACM, CloudFront and AWS Backup do not tell a new
resource from one that has no tags: a key, certificate, distribution or backup plan without the tag Project could be
claimed. Tag those of other projects.

Which actions AWS can restrict in which way is in its Service Authorization Reference; `tests/layers/test_iam.py` holds
every statement against it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.shared import iam
from components.shared.assets import LEFT_PREFIX, SITE_PREFIX, assets_bucket_name
from components.shared.identity import GLOBAL_SERVICES_REGION, StackIdentity
from components.shared.kubernetes_permissions import CLUSTER_BOUNDS, DEPLOYMENT_BOUNDS, PASSED_TO, cluster_bound
from components.shared.releases import RELEASES_PREFIX, backup_bucket_name
from components.shared.vault_lock import LOCK_MIN_DAYS

ROLE_SERVICES = (
    "backup.amazonaws.com",
    "codebuild.amazonaws.com",
    "ec2.amazonaws.com",
    "lambda.amazonaws.com",
    "monitoring.rds.amazonaws.com",
    "s3.amazonaws.com",
    "scheduler.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
)
"""Services to which a deployment passes roles of the platform."""
SERVICE_LINKED_ROLE_SERVICES = (
    "autoscaling",
    "backup",
    "elasticache",
    "elasticloadbalancing",
    "rds",
    "restore-testing.backup",
    "wafv2",
)
"""Services that create a role of their own with the first resource of an account."""
SERVICES_WITH_KEYS = ("backup", "dynamodb", "rds")
"""Services that use a key of the stack while a deployment makes what is encrypted under it."""
ATTACHABLE_POLICIES = (
    "AmazonSSMManagedInstanceCore",
    "service-role/AWSLambdaVPCAccessExecutionRole",
    "service-role/AWSBackupServiceRolePolicyForBackup",
    "service-role/AWSBackupServiceRolePolicyForRestores",
    "service-role/AmazonRDSEnhancedMonitoringRole",
)
"""AWS's policies that the platform's roles have."""

NETWORK_CREATIONS = (
    "AllocateAddress AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateFlowLogs CreateInternetGateway "
    "CreateLaunchTemplate CreateNatGateway CreateNetworkAcl CreateRouteTable CreateSecurityGroup CreateSubnet "
    "CreateVpc CreateVpcEndpoint RunInstances"
)
BALANCING_CREATIONS = "CreateListener CreateLoadBalancer CreateRule CreateTargetGroup"

LISTED_FOR_ALL: Mapping[str, str] = {
    "autoscaling": "Describe*",
    "cloudfront": "GetCachePolicy GetOriginAccessControl GetResponseHeadersPolicy",
    "cloudwatch": "DescribeAlarms",
    # Without DescribeInstanceAttribute and DescribeVpcAttribute: AWS tells of whose instance or VPC they are.
    "ec2": "Describe*s DescribeAddressesAttribute",
    "elasticache": "Describe* ListTagsForResource",
    "elasticloadbalancing": "Describe*",
    "kms": "ListAliases",
    "logs": "*tLogDeliver* DescribeLogGroups DescribeQueryDefinitions DescribeResourcePolicies",
    "rds": "Describe* ListTagsForResource",
    "route53": "Get* List*",
    "ssm": "DescribeParameters ListCommandInvocations",
    "wafv2": "ListTagsForResource",
}
"""Descriptions that AWS gives for the whole account only, or that the provider asks for the whole account and filters.
None of them contains data of users; DNS records are public."""


BOUNDARY_ACTIONS: Mapping[str, str] = {
    "acm": "*Tags* ?e* Update*",
    "autoscaling": "*Refresh* *Processes *ableMetrics* *ate* Attach* De* Put*",
    # Not the deletion of what protects a vault: *eBackupVault is Create-, Delete- and DescribeBackupVault.
    "backup": "*BackupPlan *BackupSe* *eTesting* *ag* *eBackupVault GetBackupV* PutBackupVaultA* PutBackupVaultL*",
    "backup-storage": "MountCapsule",
    "budgets": "*Budget *Resource",
    "ce": "*Anom* *Resource",
    "cloudfront": "*Resource ?e* *ate*",
    "cloudwatch": "*Dashboard* *MuteRule *ag*Resource De* Put*Alarm",
    "dynamodb": "*Backups *Live *Resource *Table",
    "ec2": "*ssociate* A?t* Allocate* Create* De* ModifyL* ModifySe* ModifySu* ModifyVpc* Re* RunInstances",
    "elasticache": "?e* *ate* *d* Increase* List*",
    "elasticloadbalancing": "?e* *ate* *d*",
    "kms": "*Alias *KeyPolicy *KeyRot* *agResource CreateKey Describe* EnableKey List* Sch* Update*",
    "lambda": "*Mapping *ag*",
    "logs": "*DataProtection* *Deliver* *QueryDef* *ag*Resource *ssociateKmsKey CreateLog* De* PutRe*",
    "rds": "*Replication Add* Create* De* List* Modify* Promote* Re*",
    "route53": "*ate* Change* DeleteH* Get* List*",
    "scheduler": "*Schedule* *ag*Resource",
    "sns": "*Resource *ubscribe ?e* Create* List*",
    "sqs": "*Queue*",
    "ssm": "*Tags* *teDocument* De* GetDocument GetParameter* List* PutParameter",
    "wafv2": "*Resource ?e* *ate* Put*",
}
"""The most that a deployment may do in the account, whatever it is about. Its policies name actions and resources.

Patterns are as short as they can be: IAM limits the length. `*agResource` is TagResource and UntagResource,
`*ag*Resource` is ListTagsForResource as well, and `?e*` begins with De-, Get-, Re- or Set-.
"""
NEVER_ALLOWED: Mapping[str, str] = {
    "ec2": "CreateImage CreateSnapshot* CreateVpcPeeringConnection",
    "rds": "DeleteDBInstanceAutomatedBackup DeleteDBSnapshot ModifyDB*SnapshotAttribute Restore*",
}
"""What `BOUNDARY_ACTIONS` would allow and what gives data away or undoes protection. A policy of the deployment denies
it, which no policy that is attached later can undo; the boundary has no room for it."""


@dataclass(frozen=True, kw_only=True)
class WorkflowScope:
    """What the stack's resources are recognised by."""

    identity: StackIdentity
    zone: str
    """Domain of the hosted zone."""
    api_domain: str
    cdn_domain: str
    boundary_arns: Sequence[pulumi.Input[str]]
    """Boundaries of the platform's roles: a deployment may create roles only with one of them."""
    has_pods: bool
    """Whether there is a cluster of Kubernetes, or a part in somebody else's."""

    def arn(self, service: str, resource: str) -> str:
        """ARN, or pattern of ARNs, of a resource in the stack's account and region."""
        return f"arn:aws:{service}:{self.identity.region}:{self.identity.account_id}:{resource}"

    def arns(self, service: str, resources: str) -> Sequence[str]:
        """The ARNs of several resources, separated by spaces."""
        return [self.arn(service, resource) for resource in resources.split()]

    def tags(self, key: str) -> Mapping[str, str]:
        """The stack's tags as condition values, of a `Resource` or of a `Request`."""
        return {
            f"aws:{key}Tag/Project": self.identity.project,
            f"aws:{key}Tag/Environment": str(self.identity.environment),
        }

    @property
    def in_account(self) -> Mapping[str, str]:
        """Condition values that hold in the stack's account, and where AWS knows no resource for an action."""
        return {"aws:ResourceAccount": self.identity.account_id}

    @property
    def own(self) -> iam.Conditions:
        """The resource is the stack's."""
        return {"StringEquals": self.tags("Resource")}

    @property
    def new(self) -> iam.Conditions:
        """The resource that the request creates gets the stack's tags."""
        return {"StringEquals": self.tags("Request")}

    @property
    def new_without_tags(self) -> iam.Conditions:
        """A resource that belongs to no project yet gets the stack's tags."""
        return {**self.new, "Null": {"aws:ResourceTag/Project": "true"}}

    @property
    def own_and_stays(self) -> iam.Conditions:
        """The resource is the stack's and stays so, whatever other tags it gets."""
        return {**self.own, "StringEqualsIfExists": self.tags("Request")}

    @property
    def own_and_keeps(self) -> iam.Conditions:
        """The resource is the stack's and loses other tags at most."""
        return {**self.own, "ForAllValues:StringNotEquals": {"aws:TagKeys": ["Environment", "Project"]}}

    @property
    def regions(self) -> Sequence[str]:
        """Regions of the stack's resources: the query log of Route 53 and the copies of backups are in their own."""
        return sorted({*self.service_regions, self.identity.second_region or self.identity.region})

    @property
    def service_regions(self) -> Sequence[str]:
        """Without the region of the copies, in which nothing serves anybody."""
        return sorted({self.identity.region, GLOBAL_SERVICES_REGION})

    @property
    def domains(self) -> Sequence[str]:
        """What certificates and records are for."""
        return [self.api_domain, self.cdn_domain]

    def key_arns(self) -> Sequence[str]:
        """Of all regions, since some keys are in others than the stack's; its tags tell which are its own."""
        return [f"arn:aws:kms:*:{self.identity.account_id}:key/*"]

    def alias_arns(self) -> Sequence[str]:
        identity = self.identity
        return [self.arn("kms", f"alias/{identity.project}/{identity.environment}/*")]

    def log_group_arns(self) -> Sequence[str]:
        identity = self.identity
        names = (
            f"/{identity.project}/{identity.environment}/*",
            f"/aws/rds/instance/{identity.prefix}-*",
            f"aws-waf-logs-{identity.prefix}",
            f"aws-waf-logs-{identity.prefix}:*",
        )
        in_us_east_1 = [
            f"arn:aws:logs:{GLOBAL_SERVICES_REGION}:{identity.account_id}:log-group:{name}{events}"
            for name in (f"/aws/route53/{self.zone}", f"aws-waf-logs-{identity.prefix}-cdn")
            for events in ("", ":*")
        ]
        return [*(self.arn("logs", f"log-group:{name}") for name in names), *in_us_east_1]

    def bucket_arns(self) -> Sequence[str]:
        identity = self.identity
        return [f"arn:aws:s3:::{identity.project}-*-{identity.environment}-{identity.account_id}"]

    def release_arns(self) -> Sequence[str]:
        """Archives of the application."""
        return [f"{bucket}/releases/*" for bucket in self.bucket_arns()]

    def secret_arns(self) -> Sequence[str]:
        return [self.arn("secretsmanager", f"secret:{self.identity.project}/{self.identity.environment}/*")]

    def account_arn(self, resource: str) -> str:
        """ARN of a resource of IAM."""
        return f"arn:aws:iam::{self.identity.account_id}:{resource}"


Groups = Sequence[tuple[str, str, Sequence[pulumi.Input[str]], iam.Conditions | None]]
"""Statements in short: Sid, actions with their service before a colon, resources, conditions."""


def _statements(groups: Groups) -> Sequence[iam.Statement]:
    return [
        iam.statement(
            sid,
            actions=_actions(actions),
            resources=resources,
            conditions=conditions,
        )
        for sid, actions, resources, conditions in groups
    ]


Pairs = Sequence[tuple[str, Sequence[str]]]
"""Actions with their service before a colon, and resources of this service."""


def _merged(sid: str, pairs: Pairs, conditions: iam.Conditions | None) -> iam.Statement:
    """One statement for several services, since IAM limits the length of a policy to 6,144 characters.

    An action applies to the resources of its own service only, so it allows no more than one for each service.
    """
    return iam.statement(
        sid,
        actions=sorted({action for names, _ in pairs for action in _actions(names)}),
        resources=list(dict.fromkeys(resource for _, resources in pairs for resource in resources)),
        conditions=conditions,
    )


def _actions(names: str) -> Sequence[str]:
    service, actions = names.split(":", 1)
    return iam.actions(service, actions)


def read_statements(scope: WorkflowScope, workflow_path: str) -> Sequence[iam.Statement]:
    """What a preview reads: descriptions of the stack's resources, and no object, log or secret."""
    listed = iam.statement(
        "ListInAccount",
        actions=[action for service, names in LISTED_FOR_ALL.items() for action in iam.actions(service, names)],
        resources=["*"],
        conditions={
            "StringEqualsIfExists": scope.in_account,
            # Requests to Route 53 count as made in us-east-1.
            "StringEquals": {"aws:RequestedRegion": scope.regions},
        },
    )
    by_tag: Pairs = [
        ("acm: DescribeCertificate ListTagsForCertificate", _certificates(scope)),
        ("backup: GetBackup* ListTags", _backup_plans(scope)),
        ("cloudfront: GetDistribution ListTagsForResource", _distributions(scope)),
        ("ec2: DescribeVpcAttribute", scope.arns("ec2", "vpc/*")),
        ("elasticloadbalancing: GetLoadBalancerWebACL", _load_balancers(scope)),
        ("kms: DescribeKey GetKey* ListResourceTags", scope.key_arns()),
        ("ce: GetAnom* ListTags*", _cost_monitors(scope)),
        ("lambda: GetEventSourceMapping ListTags", _event_sources(scope)),
        ("logs: GetDelivery ListTagsForResource", _deliveries(scope)),
        (
            "sns: Get*Attributes List*",
            scope.arns("sns", "*"),
        ),
        ("wafv2: GetIPSet GetLogging* GetWebACL*", _web_acls(scope)),
    ]
    by_name: Pairs = [
        ("backup: DescribeBackupVault GetBackup* GetRestoreTesting* ListTags", _vaults_and_tests(scope)),
        (
            "cloudwatch: GetAlarmMuteRule GetDashboard ListTagsForResource",
            [*_alarms(scope), _mute_rules(scope), _dashboards(scope)],
        ),
        ("wafv2: GetWebACLForResource", _load_balancers(scope)),
        ("logs: GetDataProtectionPolicy ListTagsForResource", scope.log_group_arns()),
        ("logs: GetDeliveryDestination GetDeliverySource ListTagsForResource", _delivery_ends(scope)),
        (
            "s3: Get*Configuration GetBucket* ListBucket ListTagsForResource",
            scope.bucket_arns(),
        ),
        ("secretsmanager: DescribeSecret GetResourcePolicy", scope.secret_arns()),
        (
            "ssm: DescribeDocument* GetDocument ListTagsForResource",
            _documents(scope),
        ),
        ("ssm: GetParameter ListTagsForResource", _markers(scope)),
        ("codebuild: BatchGetProjects", _projects(scope)),
        ("lambda: Get* List*", _functions(scope)),
        ("budgets: ListTags* View*", _budgets(scope)),
        ("dynamodb: Describe* ListTagsOfResource", _tables(scope)),
        ("sqs: GetQueueAttributes ListQueueTags", _queues(scope)),
        ("scheduler: GetSchedule GetScheduleGroup ListTagsForResource", _schedules(scope)),
    ]
    return [
        listed,
        _merged("ReadOwn", by_tag, scope.own),
        _merged("ReadNamed", by_name, None),
        _read_identities(scope, workflow_path),
    ]


def _read_identities(scope: WorkflowScope, workflow_path: str) -> iam.Statement:
    path = iam.role_path(scope.identity)
    identities = [
        *(scope.account_arn(f"{kind}{each}*") for kind in ("policy", "role") for each in (path, workflow_path)),
        scope.account_arn(f"instance-profile{path}*"),
        scope.account_arn("oidc-provider/token.actions.githubusercontent.com"),
    ]
    return iam.statement("ReadIdentities", actions=["iam:Get*", "iam:List*"], resources=identities)


def identity_statements(scope: WorkflowScope) -> Sequence[iam.Statement]:
    """Roles of the platform, only with its boundary. Their trust is changed by an administrator.

    Who may take on a role cannot be restricted by a condition: whoever may change trust may let in anybody.
    """
    path = iam.role_path(scope.identity)
    roles, profiles = scope.account_arn(f"role{path}*"), scope.account_arn(f"instance-profile{path}*")
    bound = {"iam:PermissionsBoundary": scope.boundary_arns}
    linked = [
        scope.account_arn(f"role/aws-service-role/{service}.amazonaws.com/*")
        for service in SERVICE_LINKED_ROLE_SERVICES
    ]
    services = {"iam:AWSServiceName": [f"{service}.amazonaws.com" for service in SERVICE_LINKED_ROLE_SERVICES]}
    return _statements(
        [
            # A role that a deployment creates can never do more than the platform's roles.
            (
                "ManageBoundRoles",
                "iam: CreateRole DeleteRolePolicy PutRolePermissionsBoundary PutRolePolicy",
                [roles],
                {"StringEquals": bound},
            ),
            (
                "AttachKnownPolicies",
                "iam: AttachRolePolicy DetachRolePolicy",
                [roles],
                {"StringEquals": bound, "ArnEquals": {"iam:PolicyARN": _attachable()}},
            ),
            (
                "ManageRoles",
                "iam: *InstanceProfile DeleteRole TagRole UntagRole UpdateRole UpdateRoleDescription",
                [roles, profiles],
                None,
            ),
            (
                "PassRolesToServices",
                "iam: PassRole",
                [roles],
                {"StringEquals": {"iam:PassedToService": list(ROLE_SERVICES)}},
            ),
            ("CreateServiceLinkedRoles", "iam: CreateServiceLinkedRole", linked, {"StringEquals": services}),
        ]
    )


def network_statements(scope: WorkflowScope) -> Sequence[iam.Statement]:
    """EC2. AWS asks for the new resource and for each one that it is created in: a new one by the request's tags, one
    that is there by its own.

    Actions are grouped so that none of a group refers to a resource that another one of the group creates: else the
    request's tags would open somebody else's VPC or security group.
    """
    never = iam.statement(
        "Never",
        effect="Deny",
        actions=[action for service, names in NEVER_ALLOWED.items() for action in iam.actions(service, names)],
        resources=["*"],
    )
    return [*amazon_statements(scope), *_statements(_network_groups(scope)), never]


def _network_groups(scope: WorkflowScope) -> Groups:
    return [
        (
            "CreateByThemselves",
            "ec2: AllocateAddress CreateInternetGateway CreateLaunchTemplate CreateVpc",
            scope.arns("ec2", "elastic-ip/* internet-gateway/* launch-template/* vpc/*"),
            scope.new,
        ),
        (
            "CreateInVpc",
            "ec2: CreateNetworkAcl CreateRouteTable CreateSecurityGroup CreateSubnet",
            scope.arns("ec2", "network-acl/* route-table/* security-group/* subnet/*"),
            scope.new,
        ),
        (
            "CreateInSubnetOrGroup",
            "ec2: AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress CreateNatGateway CreateVpcEndpoint",
            scope.arns("ec2", "natgateway/* security-group-rule/* vpc-endpoint/*"),
            scope.new,
        ),
        ("CreateFlowLog", "ec2: CreateFlowLogs", scope.arns("ec2", "vpc-flow-log/*"), scope.new),
        # Auto Scaling checks that whoever sets its launch template could start the instance.
        (
            "StartServers",
            "ec2: RunInstances",
            scope.arns("ec2", "instance/* network-interface/* volume/*"),
            scope.new,
        ),
        (
            "UseOwn",
            f"ec2: {NETWORK_CREATIONS} AssociateAddress AssociateRouteTable AssociateSubnetCidrBlock "
            "AssociateVpcCidrBlock AttachInternetGateway CreateLaunchTemplateVersion CreateNetworkAclEntry "
            "CreateRoute DeleteFlowLogs DeleteInternetGateway DeleteLaunchTemplate DeleteLaunchTemplateVersions "
            "DeleteNatGateway DeleteNetworkAcl DeleteNetworkAclEntry DeleteRoute DeleteRouteTable "
            "DeleteSecurityGroup DeleteSubnet DeleteVpc DeleteVpcEndpoints DetachInternetGateway "
            "DisassociateAddress DisassociateRouteTable DisassociateSubnetCidrBlock DisassociateVpcCidrBlock "
            "ModifyLaunchTemplate ModifySecurityGroupRules ModifySubnetAttribute ModifyVpcAttribute "
            "ModifyVpcEndpoint ReleaseAddress ReplaceNetworkAclAssociation ReplaceNetworkAclEntry ReplaceRoute "
            "ReplaceRouteTableAssociation RevokeSecurityGroupEgress RevokeSecurityGroupIngress",
            [scope.arn("ec2", "*"), *_images(scope)],
            scope.own,
        ),
    ]


def amazon_statements(scope: WorkflowScope) -> Sequence[iam.Statement]:
    """What is in Amazon's accounts: images of servers, and the zones of endpoints."""
    images = _images(scope)
    account = scope.identity.account_id
    return _statements(
        [
            # Amazon's images are in Amazon's account, so there is none in their ARNs.
            ("StartImages", "ec2: RunInstances", images, {"StringEquals": {"ec2:Owner": "amazon"}}),
            # An endpoint with private DNS joins the VPC to a zone of AWS's own account, never to one of this account.
            (
                "EndpointNames",
                "route53: AssociateVPCWithHostedZone DisassociateVPCFromHostedZone",
                ["arn:aws:route53:::hostedzone/*"],
                {
                    "StringNotEquals": {"aws:ResourceAccount": account},
                    "ForAllValues:StringLike": {"route53:VPCs": f"VPCId=*,VPCRegion={scope.identity.region}"},
                },
            ),
        ]
    )


def edge_statements(scope: WorkflowScope) -> Sequence[iam.Statement]:
    """Load balancer, web ACL, certificate, DNS records, servers."""
    balancers, target_groups, region = _load_balancers(scope), _target_groups(scope), scope.identity.region
    everything, web_acls, groups = _balancing(scope), _web_acls(scope), _server_groups(scope)
    return _statements(
        [
            (
                "CreateBalancing",
                "elasticloadbalancing: CreateLoadBalancer CreateTargetGroup",
                [*balancers, *target_groups],
                scope.new,
            ),
            (
                "ManageBalancing",
                "elasticloadbalancing: AddListenerCertificates CreateListener CreateRule CreateWebACLAssociation "
                "DeleteListener DeleteLoadBalancer DeleteRule DeleteTargetGroup DeleteWebACLAssociation "
                "ModifyCapacityReservation ModifyListener ModifyListenerAttributes ModifyLoadBalancerAttributes "
                "ModifyRule ModifyTargetGroup ModifyTargetGroupAttributes RemoveListenerCertificates "
                "SetIpAddressType SetRulePriorities SetSecurityGroups SetSubnets",
                everything,
                scope.own,
            ),
            ("CreateWebAcl", "wafv2: CreateIPSet CreateWebACL", web_acls, scope.new),
            ("UseWebAcl", "wafv2: AssociateWebACL DisassociateWebACL", balancers, None),
            # AWS restricts this one to no resource; AssociateWebACL above decides about which load balancer it is.
            (
                "SetWebAcl",
                "elasticloadbalancing: SetWebAcl",
                ["*"],
                {"StringEqualsIfExists": scope.in_account, "StringEquals": {"aws:RequestedRegion": region}},
            ),
            (
                "RequestCertificate",
                "acm: RequestCertificate",
                ["*"],
                {
                    **scope.new,
                    "StringEqualsIfExists": scope.in_account,
                    "ForAllValues:StringEquals": {"acm:DomainNames": scope.domains},
                    "Null": {"acm:DomainNames": "false"},
                },
            ),
            (
                "ManageCertificate",
                "acm: DeleteCertificate UpdateCertificateOptions",
                _certificates(scope),
                scope.own,
            ),
            _records(
                "WriteRecords",
                [name for domain in scope.domains for name in (domain, f"_*.{domain}")],
                ["A", "AAAA", "CNAME"],
            ),
            _records("WriteCaaRecord", [scope.zone], ["CAA"]),
            ("CreateServerGroup", "autoscaling: CreateAutoScalingGroup", groups, scope.new),
            (
                "ManageServerGroup",
                "autoscaling: AttachLoadBalancerTargetGroups AttachTrafficSources CancelInstanceRefresh "
                "DeleteAutoScalingGroup DeletePolicy DetachLoadBalancerTargetGroups DetachTrafficSources "
                "DisableMetricsCollection EnableMetricsCollection PutScalingPolicy ResumeProcesses "
                "StartInstanceRefresh SuspendProcesses UpdateAutoScalingGroup",
                groups,
                scope.own,
            ),
        ]
    )


def cdn_statements(scope: WorkflowScope) -> Sequence[iam.Statement]:
    """Distribution and its log, and both web ACLs. IAM attaches ten policies at most, so these are a
    part of another one.

    A cache policy, a headers policy and an access control have neither names nor tags that AWS would tell: a deployment
    makes them, and an administrator changes and deletes them.
    """
    distributions, deliveries, ends = _distributions(scope), _deliveries(scope), _delivery_ends(scope)
    in_account: iam.Conditions = {"StringEqualsIfExists": scope.in_account}
    return _statements(
        [
            (
                "ManageWebAcl",
                "wafv2: AssociateWebACL DeleteIPSet DeleteLoggingConfiguration DeleteWebACL PutLoggingConfiguration "
                "UpdateIPSet UpdateWebACL",
                _web_acls(scope),
                scope.own,
            ),
            # AWS asks about its own groups of rules as if they were the account's; they have no tags.
            ("UseManagedRules", "wafv2: UpdateWebACL", _managed_rules(scope), None),
            ("CreateDistribution", "cloudfront: CreateDistribution", ["*"], {**scope.new, **in_account}),
            (
                "CreateCdnParts",
                "cloudfront: CreateCachePolicy CreateOriginAccessControl CreateResponseHeadersPolicy",
                ["*"],
                in_account,
            ),
            (
                "ManageDistribution",
                "cloudfront: AllowVendedLogDeliveryForResource DeleteDistribution UpdateDistribution",
                distributions,
                scope.own,
            ),
            ("CreateDelivery", "logs: CreateDelivery", deliveries, scope.new),
            ("ManageDelivery", "logs: DeleteDelivery UpdateDeliveryConfiguration", deliveries, scope.own),
            (
                "ManageDeliveryEnds",
                "logs: CreateDelivery DeleteDeliveryDestination DeleteDeliverySource PutDeliveryDestination "
                "PutDeliverySource TagResource UntagResource UpdateDeliveryConfiguration",
                ends,
                None,
            ),
            (
                "TagNewOfCdn",
                "cloudfront: TagResource",
                distributions,
                scope.new_without_tags,
            ),
            ("TagNewDelivery", "logs: TagResource", deliveries, scope.new_without_tags),
            ("TagOwnOfCdn", "cloudfront: TagResource", distributions, scope.own_and_stays),
            ("TagOwnDelivery", "logs: TagResource", deliveries, scope.own_and_stays),
            ("UntagOwnOfCdn", "cloudfront: UntagResource", distributions, scope.own_and_keeps),
            ("UntagOwnDelivery", "logs: UntagResource", deliveries, scope.own_and_keeps),
        ]
    )


def data_statements(scope: WorkflowScope) -> Sequence[iam.Statement]:
    """PostgreSQL and Redis."""
    instances, groups = _databases(scope), _database_groups(scope)
    caches, cache_groups = _caches(scope), _cache_groups(scope)
    return _statements(
        [
            (
                "ManageSchedules",
                "scheduler: CreateSchedule CreateScheduleGroup DeleteSchedule DeleteScheduleGroup TagResource "
                "UntagResource UpdateSchedule",
                _schedules(scope),
                None,
            ),
            (
                "CreateDatabase",
                "rds: CreateDBInstance CreateDBInstanceReadReplica",
                instances,
                scope.new,
            ),
            (
                "CreateDatabaseGroups",
                "rds: CreateDBParameterGroup CreateDBSubnetGroup CreateEventSubscription",
                groups,
                scope.new,
            ),
            (
                "UseDatabaseGroups",
                "rds: CreateDBInstance CreateDBInstanceReadReplica ModifyDBInstance",
                groups,
                scope.own,
            ),
            (
                "UseDefaultOptions",
                "rds: CreateDBInstance CreateDBInstanceReadReplica ModifyDBInstance",
                scope.arns("rds", "og:default:*"),
                None,
            ),
            # Deleting an instance makes its final snapshot, which has no tags in the request.
            ("SnapshotDatabase", "rds: CreateDBSnapshot", instances, None),
            (
                "ManageDatabase",
                "rds: AddSourceIdentifierToSubscription CreateDBInstanceReadReplica DeleteDBInstance "
                "DeleteDBParameterGroup DeleteDBSubnetGroup DeleteEventSubscription ModifyDBInstance "
                "ModifyDBParameterGroup ModifyDBSubnetGroup ModifyEventSubscription PromoteReadReplica "
                "RebootDBInstance RemoveSourceIdentifierFromSubscription ResetDBParameterGroup",
                [*instances, *groups],
                scope.own,
            ),
            (
                "ManageFunctions",
                "lambda: AddPermission CreateFunction DeleteFunction InvokeFunction PutFunctionConcurrency "
                "RemovePermission TagResource UntagResource UpdateFunctionCode UpdateFunctionConfiguration",
                _functions(scope),
                None,
            ),
            (
                "ManageCacheUsers",
                "elasticache: CreateReplicationGroup CreateUser CreateUserGroup DeleteUser DeleteUserGroup "
                "ModifyReplicationGroup ModifyUser ModifyUserGroup",
                scope.arns("elasticache", f"user:{scope.identity.prefix}-* usergroup:{scope.identity.prefix}-*"),
                None,
            ),
            (
                "ManageCache",
                "elasticache: CreateReplicationGroup CreateSnapshot DecreaseReplicaCount DeleteReplicationGroup "
                "IncreaseReplicaCount ModifyCacheCluster ModifyReplicationGroup "
                "ModifyReplicationGroupShardConfiguration",
                caches,
                None,
            ),
            (
                "CreateCacheGroups",
                "elasticache: CreateCacheParameterGroup CreateCacheSubnetGroup",
                cache_groups,
                scope.new,
            ),
            (
                "ManageCacheGroups",
                "elasticache: CreateReplicationGroup DeleteCacheParameterGroup DeleteCacheSubnetGroup "
                "ModifyCacheCluster ModifyCacheParameterGroup ModifyCacheSubnetGroup ModifyReplicationGroup "
                "ResetCacheParameterGroup",
                cache_groups,
                scope.own,
            ),
        ]
    )


def backup_statements(scope: WorkflowScope) -> Sequence[iam.Statement]:
    """Vaults, plan and restore test. A deployment sets the lock and the policy of a vault; to remove either is left to
    an administrator, since they protect the backups from stolen credentials as well."""
    named, plans = _vaults_and_tests(scope), _backup_plans(scope)
    return _statements(
        [
            (
                "ManageVaultsAndTests",
                "backup: CreateBackupVault CreateRestoreTesting* DeleteBackupVault DeleteRestoreTesting* "
                "PutBackupVaultAccessPolicy TagResource UntagResource UpdateRestoreTesting*",
                named,
                None,
            ),
            (
                "LockVaults",
                "backup: PutBackupVaultLockConfiguration",
                named,
                {"NumericGreaterThanEquals": {"backup:MinRetentionDays": str(LOCK_MIN_DAYS)}},
            ),
            # AWS restricts this one, with which a vault gets its storage, to no resource.
            (
                "MountVault",
                "backup-storage: MountCapsule",
                ["*"],
                {"StringEqualsIfExists": scope.in_account, "StringEquals": {"aws:RequestedRegion": scope.regions}},
            ),
            ("CreateBackupPlan", "backup: CreateBackupPlan", plans, scope.new),
            (
                "ManageBackupPlan",
                "backup: CreateBackupSelection DeleteBackupPlan DeleteBackupSelection UpdateBackupPlan",
                plans,
                scope.own,
            ),
            ("TagNewPlan", "backup: TagResource", plans, scope.new_without_tags),
            ("TagOwnPlan", "backup: TagResource", plans, scope.own_and_stays),
            ("UntagOwnPlan", "backup: UntagResource", plans, scope.own_and_keeps),
            # What is made in the second region has a number of AWS's; which database it is about is in the request.
            (
                "ReplicateAutomatedBackups",
                "rds: StartDBInstanceAutomatedBackupsReplication StopDBInstanceAutomatedBackupsReplication",
                [*_databases(scope), f"arn:aws:rds:*:{scope.identity.account_id}:auto-backup:*"],
                {"StringEqualsIfExists": scope.in_account},
            ),
        ]
    )


def storage_statements(scope: WorkflowScope) -> Sequence[iam.Statement]:
    """Buckets, secrets, keys, log groups, the session document."""
    keys, aliases = scope.key_arns(), scope.alias_arns()
    secrets, documents = scope.secret_arns(), _documents(scope)
    return _statements(
        [
            (
                "ManageBuckets",
                "s3: CreateBucket DeleteBucket DeleteBucketPolicy PutBucketLogging PutBucketObjectLockConfiguration "
                "PutBucketOwnershipControls PutBucketPolicy PutBucketPublicAccessBlock PutBucketTagging "
                "PutBucketVersioning PutEncryptionConfiguration PutLifecycleConfiguration "
                "PutReplicationConfiguration TagResource UntagResource",
                scope.bucket_arns(),
                None,
            ),
            (
                "ManageSecrets",
                "secretsmanager: CancelRotateSecret CreateSecret DeleteSecret RestoreSecret RotateSecret TagResource "
                "UntagResource UpdateSecret",
                secrets,
                None,
            ),
            ("CreateKeys", "kms: CreateKey", ["*"], {**scope.new, "StringEqualsIfExists": scope.in_account}),
            (
                "ManageKeys",
                "kms: CreateAlias DeleteAlias DisableKeyRotation EnableKey EnableKeyRotation PutKeyPolicy "
                "ScheduleKeyDeletion UpdateAlias UpdateKeyDescription",
                keys,
                scope.own,
            ),
            ("ManageAliases", "kms: CreateAlias DeleteAlias UpdateAlias", aliases, None),
            *_key_uses(scope),
            (
                "ManageLogGroups",
                "logs: AssociateKmsKey CreateLogGroup DeleteLogGroup DeleteRetentionPolicy DisassociateKmsKey "
                "PutRetentionPolicy TagResource UntagResource",
                scope.log_group_arns(),
                None,
            ),
            # AWS restricts these to no resource. The services ask for them when they deliver logs for the deployment.
            (
                "DeliverLogs",
                "logs: CreateLogDelivery DeleteLogDelivery DeleteResourcePolicy PutResourcePolicy UpdateLogDelivery",
                ["*"],
                {"StringEqualsIfExists": scope.in_account, "StringEquals": {"aws:RequestedRegion": scope.regions}},
            ),
            (
                "ManageDocuments",
                "ssm: AddTagsToResource CreateDocument DeleteDocument RemoveTagsFromResource UpdateDocument "
                "UpdateDocumentDefaultVersion",
                documents,
                None,
            ),
            (
                "CreateZone",
                "route53: CreateHostedZone",
                ["*"],
                {"StringEqualsIfExists": scope.in_account, "Null": {"route53:VPCs": "true"}},
            ),
            ("CreateHealthCheck", "route53: CreateHealthCheck", ["*"], {"StringEqualsIfExists": scope.in_account}),
        ]
    )


def operations_statements(scope: WorkflowScope) -> Sequence[iam.Statement]:
    """What observes the platform and tells operators: alarms and their dashboard, topics, logs, queue and table."""
    topics = _topics(scope)
    return _statements(
        [
            (
                "ManageAlarms",
                "cloudwatch: DeleteAlarms PutCompositeAlarm PutMetricAlarm TagResource UntagResource",
                _alarms(scope),
                None,
            ),
            (
                "ManageMuteRules",
                "cloudwatch: DeleteAlarmMuteRule PutAlarmMuteRule TagResource UntagResource",
                [_mute_rules(scope), *_alarms(scope)],
                None,
            ),
            ("ManageDashboards", "cloudwatch: DeleteDashboards PutDashboard", [_dashboards(scope)], None),
            (
                "ProtectLogs",
                "logs: DeleteDataProtectionPolicy PutDataProtectionPolicy",
                scope.log_group_arns(),
                None,
            ),
            # AWS restricts these to no resource. A query is a text: it gives nobody rights.
            (
                "ManageQueries",
                "logs: DeleteQueryDefinition PutQueryDefinition",
                ["*"],
                {"StringEqualsIfExists": scope.in_account, "StringEquals": {"aws:RequestedRegion": scope.regions}},
            ),
            ("ManageBudgets", "budgets: ModifyBudget TagResource UntagResource", _budgets(scope), None),
            (
                "CreateCostMonitors",
                "ce: CreateAnomalyMonitor CreateAnomalySubscription",
                ["*"],
                {**scope.new, "StringEqualsIfExists": scope.in_account},
            ),
            ("CreateTopics", "sns: CreateTopic", topics, scope.new),
            (
                "ManageTopics",
                "sns: DeleteTopic SetSubscriptionAttributes SetTopicAttributes Subscribe Unsubscribe",
                topics,
                scope.own,
            ),
            (
                "ManageQueues",
                "sqs: CreateQueue DeleteQueue SetQueueAttributes TagQueue UntagQueue",
                _queues(scope),
                None,
            ),
            (
                "ManageTables",
                "dynamodb: CreateTable DeleteTable TagResource UntagResource UpdateContinuousBackups UpdateTable "
                "UpdateTimeToLive",
                _tables(scope),
                None,
            ),
            (
                "CreateEventSources",
                "lambda: CreateEventSourceMapping",
                ["*"],
                {**scope.new, "ArnLike": {"lambda:FunctionArn": _functions(scope)}},
            ),
            (
                "ManageCostMonitors",
                "ce: DeleteAnomalyMonitor DeleteAnomalySubscription UpdateAnomalyMonitor UpdateAnomalySubscription",
                _cost_monitors(scope),
                scope.own,
            ),
            (
                "ManageEventSources",
                "lambda: DeleteEventSourceMapping UpdateEventSourceMapping",
                _event_sources(scope),
                scope.own,
            ),
        ]
    )


def rollout_statements(scope: WorkflowScope) -> Sequence[iam.Statement]:
    """What takes a release to the servers: its migration, the markers, and the verification on each server."""
    markers, projects = _markers(scope), _projects(scope)
    return _statements(
        [
            (
                "ManageMarkers",
                "ssm: AddTagsToResource DeleteParameter GetParameterHistory PutParameter RemoveTagsFromResource",
                markers,
                None,
            ),
            ("ManageProjects", "codebuild: CreateProject DeleteProject UpdateProject", projects, None),
            ("Migrate", "codebuild: BatchGetBuilds ListBuildsForProject StartBuild", projects, None),
            # The digest of a release is metadata of its archive, which S3 gives to those who may read the archive.
            ("FindReleases", "s3: GetObject", scope.release_arns(), None),
            ("VerifyByDocument", "ssm: SendCommand", [_verify_document(scope)], None),
            ("VerifyServers", "ssm: SendCommand", scope.arns("ec2", "instance/*"), scope.own),
        ]
    )


def tag_statements(scope: WorkflowScope) -> Sequence[iam.Statement]:
    """Tags of what is recognised by them: the stack's tags on new resources, other tags on the stack's own.

    EC2 and the load balancers tell a new resource by the action that creates it. The other services do not: there a
    resource must have no project yet and, where Pulumi names it, the name of one of ours.
    """
    instances, balancing = scope.arns("ec2", "*"), _balancing(scope)
    by_name = [
        *_databases(scope),
        *_database_groups(scope),
        *_caches(scope),
        *_cache_groups(scope),
        *_web_acls(scope),
        *_server_groups(scope),
        *_topics(scope),
        *_event_sources(scope),
        *_cost_monitors(scope),
        *_certificates(scope),
        *scope.key_arns(),
    ]
    tag = {
        "acm": "AddTagsToCertificate",
        "autoscaling": "CreateOrUpdateTags",
        "ce": "TagResource",
        "elasticache": "AddTagsToResource",
        "kms": "TagResource",
        "lambda": "TagResource",
        "rds": "AddTagsToResource",
        "sns": "TagResource",
        "wafv2": "TagResource",
    }
    untag = {
        "acm": "RemoveTagsFromCertificate",
        "autoscaling": "DeleteTags",
        "ce": "UntagResource",
        "ec2": "DeleteTags",
        "elasticache": "RemoveTagsFromResource",
        "elasticloadbalancing": "RemoveTags",
        "kms": "UntagResource",
        "lambda": "UntagResource",
        "rds": "RemoveTagsFromResource",
        "sns": "UntagResource",
        "wafv2": "UntagResource",
    }
    # The stack's tags tell which resource it is.
    everything = [
        *scope.key_arns(),
        *_certificates(scope),
        *_web_acls(scope),
        *_cost_monitors(scope),
        *(scope.arn(service, "*") for service in untag if service not in ("acm", "ce", "kms", "wafv2")),
    ]
    return [
        iam.statement(
            "TagNewInNetwork",
            actions=["ec2:CreateTags"],
            resources=instances,
            conditions={
                "StringEquals": {**scope.tags("Request"), "ec2:CreateAction": NETWORK_CREATIONS.split()},
                "StringEqualsIfExists": scope.in_account,
            },
        ),
        iam.statement(
            "TagNewBalancing",
            actions=["elasticloadbalancing:AddTags"],
            resources=balancing,
            conditions={
                "StringEquals": {
                    **scope.tags("Request"),
                    "elasticloadbalancing:CreateAction": BALANCING_CREATIONS.split(),
                }
            },
        ),
        iam.statement(
            "TagNew",
            actions=[f"{service}:{action}" for service, action in tag.items()],
            resources=by_name,
            conditions=scope.new_without_tags,
        ),
        iam.statement(
            "TagOwn",
            actions=[
                "ec2:CreateTags",
                "elasticloadbalancing:AddTags",
                *(f"{service}:{action}" for service, action in tag.items()),
            ],
            resources=everything,
            conditions=scope.own_and_stays,
        ),
        iam.statement(
            "UntagOwn",
            actions=[f"{service}:{action}" for service, action in untag.items()],
            resources=everything,
            conditions=scope.own_and_keeps,
        ),
    ]


def zone_statements(zone_id: pulumi.Input[str], health_check_id: pulumi.Input[str]) -> Sequence[iam.Statement]:
    """The hosted zone itself, and the health check. AWS knows no tags of them here, so they are named by their ids.

    The query log of the zone is deleted by an administrator: only its own id, which nobody knows in advance, tells it
    from others.
    """
    return _statements(
        [
            (
                "ManageZone",
                "route53: ChangeTagsForResource CreateQueryLoggingConfig DeleteHostedZone UpdateHostedZoneComment",
                [pulumi.Output.concat("arn:aws:route53:::hostedzone/", zone_id)],
                None,
            ),
            (
                "ManageHealthCheck",
                "route53: ChangeTagsForResource DeleteHealthCheck UpdateHealthCheck",
                [pulumi.Output.concat("arn:aws:route53:::healthcheck/", health_check_id)],
                None,
            ),
        ]
    )


def image_statements(scope: WorkflowScope) -> Sequence[iam.Statement]:
    """What is needed to compare the servers' image with the newest one; all of it is AWS's own and public."""
    parameters = f"arn:aws:ssm:{scope.identity.region}::parameter/aws/service/ami-amazon-linux-latest/*"
    return _statements(
        [
            ("ReadNewestImage", "ssm: GetParameter", [parameters], None),
            ("DescribeImages", "ec2: DescribeImages", ["*"], None),
        ]
    )


def release_statements(scope: WorkflowScope) -> Sequence[iam.Statement]:
    """New archives of releases, and nothing else: a request that could replace one is refused."""
    bucket = f"arn:aws:s3:::{backup_bucket_name(scope.identity)}"
    through_s3 = {"kms:ViaService": f"s3.{scope.identity.region}.amazonaws.com"}
    return _statements(
        [
            (
                "AddReleases",
                "s3: PutObject",
                [f"{bucket}/{RELEASES_PREFIX}*"],
                {"Null": {"s3:if-none-match": "false"}, "StringEquals": scope.in_account},
            ),
            (
                "EncryptReleases",
                "kms: GenerateDataKey",
                [scope.arn("kms", "key/*")],
                {"StringEquals": {**scope.tags("Resource"), **through_s3}},
            ),
        ]
    )


def assets_statements(scope: WorkflowScope) -> Sequence[iam.Statement]:
    """What `python -m delivery assets publish` does, and nothing else: older versions of a file stay."""
    bucket = f"arn:aws:s3:::{assets_bucket_name(scope.identity)}"
    return _statements(
        [
            ("FindAssets", "s3: ListBucket", [bucket], {"StringEquals": scope.in_account}),
            (
                "PublishAssets",
                "s3: DeleteObject GetObject PutObject",
                [f"{bucket}/{SITE_PREFIX}*", f"{bucket}/{LEFT_PREFIX}*"],
                {"StringEquals": scope.in_account},
            ),
            ("FindDistribution", "cloudfront: ListDistributions", ["*"], None),
            (
                "InvalidateAssets",
                "cloudfront: CreateInvalidation",
                _distributions(scope),
                {"StringEquals": scope.tags("Resource")},
            ),
        ]
    )


def boundary_statements(scope: WorkflowScope, state: Sequence[iam.Statement]) -> Sequence[iam.Statement]:
    """The most that a workflow's role may ever do, whatever is attached to it.

    A boundary is one policy, and the policies of a role are several: it names kinds of actions where they name
    resources.
    """
    services = {**BOUNDARY_ACTIONS, **(DEPLOYMENT_BOUNDS if scope.has_pods else {})}
    regions = {"aws:RequestedRegion": scope.regions}
    keys = scope.key_arns()
    return [
        iam.statement(
            "Services",
            actions=[action for service, names in services.items() for action in iam.actions(service, names)],
            resources=["*"],
            conditions={"StringEquals": regions, "StringEqualsIfExists": scope.in_account},
        ),
        *amazon_statements(scope),
        _merged(
            "ByName",
            [
                # The buckets, and no object in them but releases.
                ("s3: *agResource Create* Delete* Get* List* Put*", scope.bucket_arns()),
                ("s3: Get*", scope.release_arns()),
                ("codebuild: *Project BatchGet* StartBuild", _projects(scope)),
                # Functions and permissions.
                ("lambda: *ion* GetPolicy", _functions(scope)),
                ("secretsmanager: *Secret *agResource GetResourcePolicy", scope.secret_arns()),
                *([(CLUSTER_BOUNDS, [cluster_bound(scope.identity)])] if scope.has_pods else []),
            ],
            None,
        ),
        *_statements(
            [
                ("Verify", "ssm: SendCommand", [_verify_document(scope), *scope.arns("ec2", "instance/*")], scope.own),
                ("Grant", "kms: CreateGrant", keys, {"Bool": {"kms:GrantIsForAWSResource": "true"}}),
                (
                    "Keys",
                    "kms: Decrypt GenerateDataKey* RetireGrant",
                    keys,
                    {"StringLike": {"kms:ViaService": [f"{service}.*" for service in SERVICES_WITH_KEYS]}},
                ),
            ]
        ),
        *_bound_identities(scope),
        *state,
    ]


def _bound_identities(scope: WorkflowScope) -> Sequence[iam.Statement]:
    """As `identity_statements`, without the details that its own statements have."""
    services = [*ROLE_SERVICES, *(PASSED_TO if scope.has_pods else ())]
    path = iam.role_path(scope.identity)
    roles, profiles = scope.account_arn(f"role{path}*"), scope.account_arn(f"instance-profile{path}*")
    return _statements(
        [
            (
                "BoundRoles",
                "iam: *tachRolePolicy CreateRole DeleteRolePolicy PutRole*",
                [roles],
                {"StringEquals": {"iam:PermissionsBoundary": scope.boundary_arns}},
            ),
            (
                "Roles",
                "iam: *InstanceProfile *agRole CreateServiceLinkedRole DeleteRole UpdateRole*",
                # A role of a service cannot be deleted or changed like others, only created.
                [roles, profiles, scope.account_arn("role/aws-service-role/*")],
                None,
            ),
            ("PassRoles", "iam: PassRole", [roles], {"StringEquals": {"iam:PassedToService": services}}),
            (
                "Identities",
                "iam: Get* List*",
                [scope.account_arn(f"{kind}/*") for kind in ("instance-profile", "oidc-provider", "policy", "role")],
                None,
            ),
        ]
    )


def _key_uses(scope: WorkflowScope) -> Groups:
    """The stack's keys are used by services that encrypt with them, and only while they do it for the deployment."""
    keys = scope.key_arns()
    return [
        (
            "LetServicesUseKeys",
            "kms: CreateGrant",
            keys,
            {**scope.own, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
        (
            "UseKeysThroughServices",
            "kms: Decrypt GenerateDataKey* RetireGrant",
            keys,
            {
                "StringEquals": {
                    **scope.tags("Resource"),
                    "kms:ViaService": _services_with_keys(scope),
                }
            },
        ),
    ]


def _services_with_keys(scope: WorkflowScope) -> Sequence[str]:
    return [
        f"{service}.{region}.amazonaws.com"
        for region in dict.fromkeys((scope.identity.region, scope.identity.second_region or scope.identity.region))
        for service in SERVICES_WITH_KEYS
    ]


def _vaults_and_tests(scope: WorkflowScope) -> Sequence[str]:
    """Vaults, in both regions, and the plan of the restore test, in whose name AWS allows no hyphens."""
    identity = scope.identity
    return [f"arn:aws:backup:*:{identity.account_id}:*:{identity.prefix.replace('-', '?')}?*"]


def _backup_plans(scope: WorkflowScope) -> Sequence[str]:
    return scope.arns("backup", "backup-plan:*")


def _images(scope: WorkflowScope) -> Sequence[str]:
    """Images and their snapshots have no account in their ARNs."""
    return [f"arn:aws:ec2:{scope.identity.region}::{kind}/*" for kind in ("image", "snapshot")]


def _attachable() -> Sequence[str]:
    return [f"arn:aws:iam::aws:policy/{name}" for name in ATTACHABLE_POLICIES]


def _alarms(scope: WorkflowScope) -> Sequence[str]:
    return scope.arns("cloudwatch", f"alarm:{scope.identity.prefix}-*")


def _mute_rules(scope: WorkflowScope) -> str:
    return scope.arn("cloudwatch", f"alarm-mute-rule:{scope.identity.prefix}-*")


def _dashboards(scope: WorkflowScope) -> str:
    """CloudWatch's dashboards have no region."""
    return f"arn:aws:cloudwatch::{scope.identity.account_id}:dashboard/{scope.identity.prefix}"


def _documents(scope: WorkflowScope) -> Sequence[str]:
    return scope.arns("ssm", f"document/{scope.identity.prefix}-*")


def _verify_document(scope: WorkflowScope) -> str:
    return scope.arn("ssm", f"document/{scope.identity.prefix}-verify")


def _markers(scope: WorkflowScope) -> Sequence[str]:
    identity = scope.identity
    return scope.arns("ssm", f"parameter/{identity.project}/{identity.environment}/*")


def _projects(scope: WorkflowScope) -> Sequence[str]:
    return scope.arns("codebuild", f"project/{scope.identity.prefix}-*")


def _functions(scope: WorkflowScope) -> Sequence[str]:
    return scope.arns("lambda", f"function:{scope.identity.prefix}-*")


def _event_sources(scope: WorkflowScope) -> Sequence[str]:
    """What invokes a function with the messages of a queue. AWS numbers it."""
    return scope.arns("lambda", "event-source-mapping:*")


def _schedules(scope: WorkflowScope) -> Sequence[str]:
    return scope.arns("scheduler", f"*/{scope.identity.prefix}-*")


def _queues(scope: WorkflowScope) -> Sequence[str]:
    return scope.arns("sqs", f"{scope.identity.prefix}-*")


def _budgets(scope: WorkflowScope) -> Sequence[str]:
    return [f"arn:aws:budgets::{scope.identity.account_id}:budget/{scope.identity.prefix}-*"]


def _cost_monitors(scope: WorkflowScope) -> Sequence[str]:
    """What AWS numbers: monitors of anomalies and their subscriptions."""
    return [f"arn:aws:ce::{scope.identity.account_id}:anomaly*"]


def _tables(scope: WorkflowScope) -> Sequence[str]:
    return scope.arns("dynamodb", f"table/{scope.identity.prefix}-*")


def _databases(scope: WorkflowScope) -> Sequence[str]:
    return scope.arns("rds", f"db:{scope.identity.prefix}-* snapshot:{scope.identity.prefix}-*")


def _database_groups(scope: WorkflowScope) -> Sequence[str]:
    return scope.arns("rds", "es:database-* pg:database-* subgrp:database-*")


def _caches(scope: WorkflowScope) -> Sequence[str]:
    kinds = ("cluster", "replicationgroup", "snapshot")
    return [scope.arn("elasticache", f"{kind}:{scope.identity.prefix}-*") for kind in kinds]


def _cache_groups(scope: WorkflowScope) -> Sequence[str]:
    return scope.arns("elasticache", "parametergroup:cache-* subnetgroup:cache-*")


def _web_acls(scope: WorkflowScope) -> Sequence[str]:
    """The load balancer's with its IP sets, and the CDN's."""
    of_cdn = f"arn:aws:wafv2:{GLOBAL_SERVICES_REGION}:{scope.identity.account_id}:global/webacl/cdn-web-acl-*/*"
    return [*scope.arns("wafv2", "regional/*/web-acl-*/*"), of_cdn]


def _managed_rules(scope: WorkflowScope) -> Sequence[str]:
    return [
        f"arn:aws:wafv2:{region}:{scope.identity.account_id}:*/managedruleset/*" for region in scope.service_regions
    ]


def _certificates(scope: WorkflowScope) -> Sequence[str]:
    """The CDN's is in a region of its own."""
    return [f"arn:aws:acm:{region}:{scope.identity.account_id}:certificate/*" for region in scope.service_regions]


def _distributions(scope: WorkflowScope) -> Sequence[str]:
    return [f"arn:aws:cloudfront::{scope.identity.account_id}:distribution/*"]


def _deliveries(scope: WorkflowScope) -> Sequence[str]:
    return [f"arn:aws:logs:{GLOBAL_SERVICES_REGION}:{scope.identity.account_id}:delivery:*"]


def _delivery_ends(scope: WorkflowScope) -> Sequence[str]:
    """What is delivered and where to."""
    return [
        f"arn:aws:logs:{GLOBAL_SERVICES_REGION}:{scope.identity.account_id}:{kind}:{scope.identity.prefix}-cdn"
        for kind in ("delivery-destination", "delivery-source")
    ]


def _server_groups(scope: WorkflowScope) -> Sequence[str]:
    return scope.arns("autoscaling", "autoScalingGroup:*:autoScalingGroupName/app-servers-*")


def _topics(scope: WorkflowScope) -> Sequence[str]:
    return scope.arns("sns", "incidents-* notifications-*")


def _target_groups(scope: WorkflowScope) -> Sequence[str]:
    return scope.arns("elasticloadbalancing", "targetgroup/load-balancer-*/*")


def _balancing(scope: WorkflowScope) -> Sequence[str]:
    """Load balancer, listeners, rules, target groups. The name of the load balancer is in the first three."""
    name = scope.identity.prefix
    listeners = scope.arns("elasticloadbalancing", f"listener/app/{name}/* listener-rule/app/{name}/*")
    return [*_load_balancers(scope), *listeners, *_target_groups(scope)]


def _load_balancers(scope: WorkflowScope) -> Sequence[str]:
    return scope.arns("elasticloadbalancing", f"loadbalancer/app/{scope.identity.prefix}/*")


def _records(sid: str, names: Sequence[str], types: Sequence[str]) -> tuple[str, str, Sequence[str], iam.Conditions]:
    """Records of these names and types in any zone: a zone of somebody else has other names."""
    key = "route53:ChangeResourceRecordSets"
    return (
        sid,
        "route53: ChangeResourceRecordSets",
        ["arn:aws:route53:::hostedzone/*"],
        {
            "ForAllValues:StringLike": {f"{key}NormalizedRecordNames": list(names)},
            "ForAllValues:StringEquals": {f"{key}RecordTypes": list(types)},
            "Null": {f"{key}NormalizedRecordNames": "false", f"{key}RecordTypes": "false"},
        },
    )
