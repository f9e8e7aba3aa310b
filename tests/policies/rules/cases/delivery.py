"""What breaks the rules of `policies.rules.delivery`."""

from tests.policies.changes import Case, drop, put, remove

CASES = (
    Case(
        "ecr-images-are-scanned",
        "images",
        put("images", "imageScanningConfiguration.scanOnPush", False),
        ("images", "imageScanningConfiguration"),
    ),
    Case(
        "ecr-tags-are-immutable",
        "images",
        drop("images", "imageTagMutability"),
        ("images", "imageTagMutability"),
    ),
    Case(
        "ecr-customer-managed-key-used",
        "images",
        put("images", "encryptionConfigurations", [{"encryptionType": "AES256"}]),
        ("images", "encryptionConfigurations"),
    ),
    Case("ecr-old-images-are-deleted", "images", remove("images-policy"), ("images-policy", "repository")),
    Case(
        "codebuild-environment-has-no-secrets",
        "build",
        put("build", "environment.environmentVariables.0.type", "PLAINTEXT"),
        ("build", "environment"),
    ),
    Case(
        "codebuild-builds-are-logged",
        "build",
        put("build", "logsConfig.cloudwatchLogs.status", "DISABLED"),
        ("build", "logsConfig"),
    ),
    Case(
        "codebuild-builds-are-logged",
        "build",
        put("build", "logsConfig.s3Logs", {"status": "ENABLED", "encryptionDisabled": True}),
        None,
    ),
    Case(
        "codebuild-builds-are-unprivileged",
        "build",
        put("build", "environment.privilegedMode", True),
        ("build", "environment"),
    ),
    Case(
        "codebuild-results-are-private",
        "build",
        put("build", "projectVisibility", "PUBLIC_READ"),
        ("build", "projectVisibility"),
    ),
    Case(
        "eks-endpoint-is-not-public",
        "kubernetes",
        put("kubernetes", "vpcConfig.publicAccessCidrs", ["0.0.0.0/0"]),
        ("kubernetes", "vpcConfig"),
    ),
    Case("eks-endpoint-is-not-public", "kubernetes", put("kubernetes", "vpcConfig", {"subnetIds": ["subnet-1"]}), None),
    Case(
        "eks-secrets-encrypted",
        "kubernetes",
        drop("kubernetes", "encryptionConfig"),
        ("kubernetes", "encryptionConfig"),
    ),
    Case(
        "eks-control-plane-is-logged",
        "kubernetes",
        put("kubernetes", "enabledClusterLogTypes", ["api"]),
        ("kubernetes", "enabledClusterLogTypes"),
    ),
    *(
        Case("eks-access-is-by-entries-only", "kubernetes", put("kubernetes", path, value), ("kubernetes", path))
        for path, value in (
            ("accessConfig.authenticationMode", "API_AND_CONFIG_MAP"),
            ("accessConfig.bootstrapClusterCreatorAdminPermissions", True),
        )
    ),
    Case(
        "eks-add-ons-are-pinned",
        "network-add-on",
        drop("network-add-on", "addonVersion"),
        ("network-add-on", "addonVersion"),
    ),
    Case("eks-version-is-supported", "kubernetes", put("kubernetes", "version", "1.29"), ("kubernetes", "version")),
    Case(
        "eks-nodes-have-no-open-ssh",
        "nodes",
        put("nodes", "remoteAccess", {"ec2SshKey": "laptop"}),
        ("nodes", "remoteAccess"),
    ),
    Case("ec2-images-are-private", "image-use", put("image-use", "group", "all"), ("image-use", "group")),
)
