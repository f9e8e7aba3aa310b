"""Section `fixrx:kubernetes`."""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from components.shared.instance_types import Architecture, ServerType, capacity_of
from components.shared.pod_sizes import POD_MILLICPU, PROXY_MEMORY_MIB, PROXY_MILLICPU
from components.shared.production import NOT_BURSTABLE, Production, Protected
from components.shared.section import RETENTION_AUDIT_DAYS, LogRetentionDays, Section, TextFormat

SURGE_PODS = 1
"""A rollout starts one pod before it stops another."""
SYSTEM_MILLICPU = 500
"""Of each node: kubelet, network, DNS, metrics, logs and the controllers."""
SYSTEM_MEMORY_MIB = 2048
REQUEST_SHARE = 1.25
"""Memory that a pod reserves, of its heap: program, buffers and stacks are beside it. 1024 MiB become 1.25 GiB."""
LIMIT_SHARE = 1.5
"""Memory at which the kernel ends the process, of its heap."""

_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
RoleArn = Annotated[
    str,
    TextFormat(
        pattern=r"arn:aws:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+",
        description="the ARN of a role",
        example="arn:aws:iam::111122223333:role/operators",
    ),
]
ImageDigest = Annotated[
    str,
    TextFormat(
        pattern=r"sha256:[0-9a-f]{64}",
        description="the digest of an image",
        example=f"sha256:{_DIGEST}",
        max_length=71,
    ),
]
Repository = Annotated[
    str,
    TextFormat(
        pattern=r"[a-z0-9.-]+\.[a-z]{2,63}(/[a-z0-9]+([._-][a-z0-9]+)*)+",
        description="the address of a repository, without tag and digest",
        example="111122223333.dkr.ecr.us-east-1.amazonaws.com/fixrx-api",
    ),
]
PinnedImage = Annotated[
    str,
    TextFormat(
        pattern=r"[a-z0-9.-]+\.[a-z]{2,63}(/[a-z0-9]+([._-][a-z0-9]+)*)+@sha256:[0-9a-f]{64}",
        description="an image with its digest",
        example=f"public.ecr.aws/nginx/nginx-unprivileged@sha256:{_DIGEST}",
        max_length=512,
    ),
]


class ExistingCluster(Section):
    """A cluster that somebody else runs, in the VPC of the stack. All settings together, or none."""

    name: (
        Annotated[
            str,
            TextFormat(pattern=r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", description="the name of a cluster", example="shop"),
        ]
        | None
    ) = None
    endpoint: (
        Annotated[
            str,
            TextFormat(
                pattern=r"https://[A-F0-9]+\.[a-z0-9]+\.[a-z0-9-]+\.eks\.amazonaws\.com",
                description="the address of a cluster's API",
                example="https://0123456789ABCDEF0123456789ABCDEF.gr7.us-east-1.eks.amazonaws.com",
            ),
        ]
        | None
    ) = None
    """`aws eks describe-cluster --query cluster.endpoint`."""
    certificate_authority: (
        Annotated[
            str,
            TextFormat(
                pattern=r"LS0tLS1CRUdJTi[A-Za-z0-9+/=]+",
                description="a certificate in base64, as AWS reports it",
                example="LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
                max_length=8192,
            ),
        ]
        | None
    ) = None
    """`aws eks describe-cluster --query cluster.certificateAuthority.data`."""
    security_group_id: (
        Annotated[
            str,
            TextFormat(
                pattern=r"sg-([0-9a-f]{8}|[0-9a-f]{17})",
                description="the id of a security group",
                example="sg-0123456789abcdef0",
            ),
        ]
        | None
    ) = None
    """Of the cluster's nodes. The database and the cache accept connections from it."""

    @model_validator(mode="after")
    def _is_described_as_a_whole(self) -> Self:
        missing = [name for name in type(self).model_fields if getattr(self, name) is None]
        if missing and len(missing) < len(type(self).model_fields):
            raise ValueError(f"{', '.join(missing)} is missing; give all of existing_cluster, or nothing of it")
        return self


class KubernetesSettings(Section):
    """Section `fixrx:kubernetes`: the API in pods, where `fixrx:runtime` is `kubernetes` or `both`. docs/kubernetes.md
    has the walk from servers to pods and back."""

    version: Literal["1.35", "1.36"] = "1.36"
    """Of EKS, within its standard support. AWS raises it by one at a time only, and never lowers it."""
    existing_cluster: ExistingCluster = ExistingCluster()
    administrator_role_arns: Annotated[tuple[RoleArn, ...], Field(max_length=20)] = ()
    """Roles that administer the cluster, besides the deployment's. Who creates it gets no rights by that."""
    node_instance_types: Annotated[tuple[ServerType, ...], Field(min_length=1, max_length=5), NOT_BURSTABLE] = (
        "m7g.xlarge",
    )
    """Several, if one is hard to get; all of one architecture. The image of the API must be for it."""
    nodes: Annotated[
        int, Field(ge=2, le=100), Production(at_least=3, because="a node in each zone is left when one is lost")
    ] = 6
    """Number of nodes, over all zones. It stays: what is left after the loss of a zone should hold all pods, and with
    the defaults it does."""
    node_release: (
        Annotated[
            str,
            TextFormat(
                pattern=r"1\.[0-9]{2}\.[0-9]{1,2}-[0-9]{8}",
                description="a release of the AMI",
                example="1.36.0-20261105",
            ),
        ]
        | None
    ) = None
    """Release of Amazon Linux for EKS; without it the newest when the nodes are made, which stays until this is set."""
    node_volume_gib: Annotated[int, Field(ge=20, le=1024)] = 50
    log_retention_days: LogRetentionDays = RETENTION_AUDIT_DAYS
    """Of the control plane's logs. Those of the pods are kept for 30 days, as on servers."""
    deletion_protection: Protected = True
    """Refuse to delete the cluster."""
    image_repository: Repository | None = None
    """Where the image of the API is; without it in a repository of the stack's own."""
    image_digest: ImageDigest | None = None
    """Of the API's image. Needed as soon as pods run."""
    proxy_image: PinnedImage | None = None
    """nginx for a user without privileges, that stands before each process. Needed as soon as pods run."""
    min_pods: Annotated[
        int, Field(ge=1, le=100), Production(at_least=3, because="the guide runs three, one in each zone")
    ] = 3
    max_pods: Annotated[int, Field(ge=1, le=100)] = 10
    """The more pods, the fewer database connections for each."""
    target_cpu_percent: Annotated[int, Field(ge=10, le=90)] = 70
    """Share of the reserved CPU that scaling keeps the pods at; the guide's figure."""
    scale_down_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    """How long the load must be low before pods are stopped."""
    heap_mib: Annotated[int, Field(ge=256, le=8192)] = 1024
    """Largest heap of V8. A pod reserves a quarter more memory, and is ended at half as much again."""
    secrets_generation: Annotated[int, Field(ge=1)] = 1
    """Raise it to load the secrets anew and replace all pods one after another, after a rotation for instance."""
    traffic_percent: Annotated[int, Field(ge=0, le=100)] = 0
    """Share of the requests that pods receive where `fixrx:runtime` is `both`. The rest goes to servers."""

    @model_validator(mode="after")
    def _pods_are_ordered(self) -> Self:
        if self.min_pods >= self.max_pods:
            raise ValueError("max_pods is not greater than min_pods, so nothing can scale; raise it")
        return self

    @model_validator(mode="after")
    def _nodes_are_alike(self) -> Self:
        found = sorted({str(capacity_of(each).architecture) for each in self.node_instance_types})
        if len(found) > 1:
            raise ValueError(f"node_instance_types are for {' and '.join(found)}; name types of one architecture")
        return self

    @model_validator(mode="after")
    def _pods_fit_nodes(self) -> Self:
        if self.existing_cluster.name is None and self.nodes * self.pods_per_node < self.peak_pods:
            raise ValueError(
                f"{self.nodes} nodes hold {self.pods_per_node} pods each, and {self.peak_pods} may run at once "
                "(max_pods, and one of a rollout); raise nodes, take larger node_instance_types, or lower max_pods"
            )
        return self

    @property
    def architecture(self) -> Architecture:
        """Of the nodes."""
        return capacity_of(self.node_instance_types[0]).architecture

    @property
    def peak_pods(self) -> int:
        """Most pods that run at once: the maximum, and those that a rollout starts first."""
        return self.max_pods + SURGE_PODS

    @property
    def memory_request_mib(self) -> int:
        return math.ceil(self.heap_mib * REQUEST_SHARE)

    @property
    def memory_limit_mib(self) -> int:
        return math.ceil(self.heap_mib * LIMIT_SHARE)

    @property
    def pods_per_node(self) -> int:
        """Pods that the smallest type of node holds, beside what every node runs."""
        capacities = [capacity_of(each) for each in self.node_instance_types]
        by_processor = (min(each.vcpus for each in capacities) * 1000 - SYSTEM_MILLICPU) // (
            POD_MILLICPU + PROXY_MILLICPU
        )
        memory = min(each.memory_gib for each in capacities) * 1024 - SYSTEM_MEMORY_MIB
        return int(min(by_processor, memory // (self.memory_request_mib + PROXY_MEMORY_MIB)))
