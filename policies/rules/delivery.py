"""Images, builds and clusters of containers: what is deployed is scanned, unchangeable, and built without secrets."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource, comma_separated
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, Setting, rule

IMMUTABLE: Final = ("IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION")
KMS_ALGORITHMS: Final = ("KMS", "KMS_DSSE")
CONTROL_PLANE_LOGS: Final = ("api", "audit", "authenticator", "controllerManager", "scheduler")
SECRET_WORDS: Final = ("SECRET", "PASSWORD", "TOKEN", "PRIVATE_KEY", "API_KEY", "ACCESS_KEY")
PLAIN: Final = (None, "PLAINTEXT")
EKS_GUIDE: Final = "https://docs.aws.amazon.com/eks/latest/userguide"


@rule(
    "ecr-images-are-scanned",
    item=ChecklistItem.RUNTIME,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.ECR_REPOSITORY],
    security_hub=["ECR.1"],
    remediation="Set image_scanning_configuration with scan_on_push=True.",
)
def images_are_scanned(repository: StackResource, _: Context) -> Iterator[Problem]:
    """Images are scanned for known vulnerabilities when they are pushed."""
    if repository.get("imageScanningConfiguration.scanOnPush") is not True:
        yield "does not scan images: known vulnerabilities are deployed"


@rule(
    "ecr-tags-are-immutable",
    item=ChecklistItem.RUNTIME,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.ECR_REPOSITORY],
    security_hub=["ECR.2"],
    remediation='Set image_tag_mutability="IMMUTABLE".',
)
def tags_are_immutable(repository: StackResource, _: Context) -> Iterator[Problem]:
    """The tag of an image always means the same image."""
    if repository.get("imageTagMutability") not in IMMUTABLE:
        yield "lets tags be moved: an attacker can replace an image that is deployed already"


@rule(
    "ecr-customer-managed-key-used",
    item=ChecklistItem.ENCRYPTION,
    severity=RuleSeverity.LOW,
    resource_types=[aws.ECR_REPOSITORY],
    security_hub=["ECR.5"],
    remediation='Set encryption_configurations with encryption_type="KMS" and kms_key.',
)
def repository_customer_managed_key_used(repository: StackResource, _: Context) -> Iterator[Problem]:
    """Images are encrypted with a customer-managed key."""
    configurations = repository.items("encryptionConfigurations")
    if not any(
        each.get("encryptionType") in KMS_ALGORITHMS and aws.uses_own_key(each, "kmsKey") for each in configurations
    ):
        yield "is not encrypted with a customer-managed key: access to the key cannot be restricted or revoked"


@rule(
    "ecr-old-images-are-deleted",
    item=ChecklistItem.RUNTIME,
    severity=RuleSeverity.LOW,
    resource_types=[aws.ECR_REPOSITORY],
    scope=Scope.STACK,
    security_hub=["ECR.3"],
    remediation="Declare an ecr.LifecyclePolicy for the repository.",
)
def old_images_are_deleted(repository: StackResource, context: Context) -> Iterator[Problem]:
    """Repositories delete images that nobody uses."""
    if not context.stack.has_referrer(repository, aws.ECR_LIFECYCLE, "repository"):
        yield "has no lifecycle policy: old images with known vulnerabilities stay, and are charged for"


@rule(
    "codebuild-environment-has-no-secrets",
    item=ChecklistItem.SECRETS,
    severity=RuleSeverity.CRITICAL,
    resource_types=[aws.BUILD_PROJECT],
    security_hub=["CodeBuild.2"],
    remediation='Set type="SECRETS_MANAGER" or "PARAMETER_STORE", and the secret\'s name as value.',
)
def build_environment_has_no_secrets(project: StackResource, _: Context) -> Iterator[Problem]:
    """Environment variables of builds contain no secrets."""
    for variable in project.items("environment.environmentVariables"):
        name = variable.get("name") or ""
        if variable.get("type") in PLAIN and any(word in name.upper() for word in SECRET_WORDS):
            yield f"has a secret in its variable {name}: everybody with read access to the project can read it"


@rule(
    "codebuild-builds-are-logged",
    item=ChecklistItem.LOGS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.BUILD_PROJECT],
    security_hub=["CodeBuild.4"],
    remediation='Set logs_config with cloudwatch_logs of status "ENABLED".',
)
def builds_are_logged(project: StackResource, _: Context) -> Iterator[Problem]:
    """Builds write a log, which is encrypted."""
    # Logs in CloudWatch are on unless a program turns them off.
    in_cloudwatch = project.get("logsConfig.cloudwatchLogs.status") != "DISABLED"
    in_bucket = project.get("logsConfig.s3Logs.status") == "ENABLED"
    if not in_cloudwatch and not in_bucket:
        yield "writes no log: a build that was tampered with cannot be investigated"
    if in_bucket and project.get("logsConfig.s3Logs.encryptionDisabled") is True:
        yield "writes its log without encryption"


@rule(
    "codebuild-builds-are-unprivileged",
    item=ChecklistItem.RUNTIME,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.BUILD_PROJECT],
    security_hub=["CodeBuild.5"],
    remediation="Remove privileged_mode, or build images with a builder that needs no privileges.",
)
def builds_are_unprivileged(project: StackResource, _: Context) -> Iterator[Problem]:
    """Builds run without privileges on their host."""
    if project.get("environment.privilegedMode") is True:
        yield "runs with privileges: a dependency can break out of the build"


@rule(
    "codebuild-results-are-private",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.BUILD_PROJECT],
    documentation="https://docs.aws.amazon.com/codebuild/latest/userguide/public-builds.html",
    remediation='Set project_visibility="PRIVATE".',
)
def build_results_are_private(project: StackResource, _: Context) -> Iterator[Problem]:
    """Logs and artifacts of builds are not public."""
    if project.get("projectVisibility") == "PUBLIC_READ":
        yield "is public: everybody can read its logs and artifacts"


@rule(
    "eks-endpoint-is-not-public",
    item=ChecklistItem.ADMIN_ACCESS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.EKS_CLUSTER],
    security_hub=["EKS.1"],
    remediation="Set endpoint_public_access=False, or name the ranges in public_access_cidrs.",
)
def eks_endpoint_is_not_public(cluster: StackResource, _: Context) -> Iterator[Problem]:
    """The API of Kubernetes clusters is private, or open to named ranges only."""
    if cluster.get("vpcConfig.endpointPublicAccess") is False:
        return
    ranges = cluster.texts("vpcConfig.publicAccessCidrs")
    if not ranges or any(map(aws.is_internet, ranges)):
        yield "has an API that the whole internet can connect to"


@rule(
    "eks-secrets-encrypted",
    item=ChecklistItem.ENCRYPTION,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.EKS_CLUSTER],
    security_hub=["EKS.3"],
    remediation='Set encryption_config with resources=["secrets"] and a key.',
)
def eks_secrets_encrypted(cluster: StackResource, _: Context) -> Iterator[Problem]:
    """Secrets of Kubernetes clusters are encrypted with a customer-managed key."""
    encrypts = "secrets" in cluster.texts("encryptionConfig.resources")
    if not encrypts or not aws.uses_own_key(cluster, "encryptionConfig.provider.keyArn"):
        yield "does not encrypt Kubernetes secrets with a customer-managed key"


@rule(
    "eks-control-plane-is-logged",
    item=ChecklistItem.LOGS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.EKS_CLUSTER],
    security_hub=["EKS.8"],
    remediation=f"Set enabled_cluster_log_types={list(CONTROL_PLANE_LOGS)}.",
)
def eks_control_plane_is_logged(cluster: StackResource, _: Context) -> Iterator[Problem]:
    """Kubernetes clusters write all logs of their control plane."""
    missing = [log for log in CONTROL_PLANE_LOGS if log not in cluster.texts("enabledClusterLogTypes")]
    if missing:
        yield f"does not write the logs {comma_separated(missing)}: an attack on the cluster cannot be investigated"


@rule(
    "eks-version-is-supported",
    item=ChecklistItem.RUNTIME,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.EKS_CLUSTER],
    security_hub=["EKS.2"],
    remediation="Raise `version` by one minor version at a time.",
    settings={"minor": Setting(default=35, minimum=20, maximum=99, description="Oldest minor version of Kubernetes 1")},
)
def eks_version_is_supported(cluster: StackResource, context: Context) -> Iterator[Problem]:
    """Kubernetes clusters run a version with standard support."""
    version, oldest = str(cluster.get("version") or ""), context.settings["minor"]
    major, _, minor = version.partition(".")
    if version and (int(major), int(minor or 0)) < (1, oldest):
        yield f"runs Kubernetes {version}, which is older than 1.{oldest} and gets no fixes without a surcharge"


@rule(
    "eks-access-is-by-entries-only",
    item=ChecklistItem.ADMIN_ACCESS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.EKS_CLUSTER],
    documentation=f"{EKS_GUIDE}/access-entries.html",
    remediation=(
        'Set access_config with authentication_mode="API" and bootstrap_cluster_creator_admin_permissions=False.'
    ),
)
def eks_access_is_by_entries_only(cluster: StackResource, _: Context) -> Iterator[Problem]:
    """Access to Kubernetes clusters comes from access entries alone."""
    if cluster.get("accessConfig.authenticationMode") != "API":
        yield "takes users from a ConfigMap in the cluster: who may change it makes himself an administrator unseen"
    if cluster.get("accessConfig.bootstrapClusterCreatorAdminPermissions") is not False:
        yield "makes its creator an administrator for ever, without an access entry that says so"


@rule(
    "eks-add-ons-are-pinned",
    item=ChecklistItem.RUNTIME,
    severity=RuleSeverity.LOW,
    resource_types=[aws.EKS_ADD_ON],
    documentation=f"{EKS_GUIDE}/updating-an-add-on.html",
    remediation="Set addon_version.",
)
def eks_add_ons_are_pinned(add_on: StackResource, _: Context) -> Iterator[Problem]:
    """Add-ons of Kubernetes clusters have a named version."""
    if not add_on.is_set("addonVersion"):
        yield "has no version: two clusters made on different days are not the same"


@rule(
    "eks-nodes-have-no-open-ssh",
    item=ChecklistItem.ADMIN_ACCESS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.EKS_NODE_GROUP],
    documentation=f"{EKS_GUIDE}/create-managed-node-group.html",
    remediation="Remove remote_access, or name the groups in source_security_group_ids.",
)
def eks_nodes_have_no_open_ssh(group: StackResource, _: Context) -> Iterator[Problem]:
    """Nodes of Kubernetes clusters do not open SSH to the internet."""
    access: Mapping[str, Any] | None = group.get("remoteAccess")
    if access and group.is_set("remoteAccess.ec2SshKey") and not group.is_set("remoteAccess.sourceSecurityGroupIds"):
        yield "opens port 22 of its nodes to the internet: AWS does so where no source group is named"


@rule(
    "ec2-images-are-private",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.IMAGE_PERMISSION],
    documentation="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-intro.html",
    remediation="Set account_id or organization_arn instead of group.",
)
def images_are_private(permission: StackResource, _: Context) -> Iterator[Problem]:
    """Machine images are not shared with every AWS account."""
    if permission.get("group") == "all":
        yield "makes the image public: every AWS account can read what is on its disk"
