"""The API in pods: one process in each, nginx before it, three to ten of them over all zones.

A change of the image, a setting or the secrets replaces one pod at a time, after the migration of the new image has
ended. Nothing here fixes the number of pods: that is the autoscaler's. The namespace admits only pods without any
privilege, and no connection that is not named. docs/kubernetes.md says what the image must hold.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import TypeAlias

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
import pulumi_random as random

from components.sections.kubernetes import KubernetesSettings
from components.shared import iam, pods
from components.shared.alarm_specification import AlarmSpecification, DashboardSection, Metric, Severity
from components.shared.connections import Placement
from components.shared.database_access import MIGRATION_USER, DatabaseAccess
from components.shared.keys import StackContext
from components.shared.kubernetes import API_NAME, APPLICATION_NAMESPACE, MIGRATION_NAME, Cluster
from components.shared.pods import LABELS, MIGRATION_LABELS
from components.shared.ports import HTTP_PORT, POD_PORT
from components.shared.runtime import ApplicationEnvironment, TargetGroup

MIGRATION_SECONDS = 3600
"""As long as the migrations of servers may take."""
MEMORY_PERCENT = 90

Metadata: TypeAlias = kubernetes.meta.v1.ObjectMetaArgsDict


@dataclass(frozen=True, kw_only=True)
class EksWorkloadArgs:
    settings: KubernetesSettings
    stack: StackContext
    cluster: Cluster
    image: pulumi.Output[str]
    """Of the API, with its digest."""
    target_group: TargetGroup
    load_balancer: Placement
    """Who may connect to pods of somebody else's cluster; for an own one the connection table says so."""
    environment: ApplicationEnvironment
    primary: DatabaseAccess
    database_name: str
    url_options: str
    """Query string of a connection URL, for the migrations."""
    vpc_cidr: IPv4Network
    """Addresses from which nginx believes X-Forwarded-For: those of the load balancer are among them."""
    public_blocks: Sequence[str]
    data_blocks: Sequence[str]
    ready_first: Sequence[pulumi.Resource]
    """What must be there before any pod: nodes, controllers."""
    migrate_first: Sequence[pulumi.Resource]
    """What must be done before the database is migrated."""


class EksWorkload(pulumi.ComponentResource):
    """Everything in the namespace of the API, and the identity of its migration."""

    name: pulumi.Output[str]
    """Of the Deployment."""
    alarms: Sequence[AlarmSpecification]

    def __init__(self, name: str, args: EksWorkloadArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:EksWorkload", name, None, args.cluster.options(opts))
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        self._namespace = self._create_namespace()
        # The name itself, not the namespace's output: a preview shows it, and policies read it.
        self._metadata: Metadata = {"namespace": APPLICATION_NAMESPACE}
        self._inside = pulumi.ResourceOptions(parent=self, depends_on=[self._namespace])
        isolated = self._isolate()
        settings, files = self._create_settings(), self._create_files()
        secrets, checksum = self._copy_secrets()
        registered = self._register_pods()
        migration = self._migrate(files, isolated)
        deployment = self._deploy(settings, files, checksum, [migration, secrets, registered, *isolated])
        self._scale(deployment)

        self.name = deployment.metadata.name
        self.alarms = _alarms(args.cluster, args.settings)
        self.register_outputs({"name": self.name})

    def _after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=[self._namespace, *resources])

    def _create_namespace(self) -> kubernetes.core.v1.Namespace:
        return kubernetes.core.v1.Namespace(
            f"{self._name}-namespace",
            metadata={
                "name": APPLICATION_NAMESPACE,
                "labels": {
                    **{f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")},
                    "pod-security.kubernetes.io/enforce-version": f"v{self._args.cluster.version}",
                    # A pod counts as ready when the load balancer has found it healthy: a rollout waits for that.
                    "elbv2.k8s.aws/pod-readiness-gate-inject": "enabled",
                },
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(self._args.ready_first)),
        )

    def _isolate(self) -> list[pulumi.Resource]:
        """No connection but these. What reaches a node's address at all, the connection table decides."""
        policies = pods.network_policies(self._args.public_blocks, self._args.data_blocks)
        return [
            kubernetes.networking.v1.NetworkPolicy(
                f"{self._name}-{purpose}-connections",
                metadata={**self._metadata, "name": purpose},
                spec=spec,
                opts=self._inside,
            )
            for purpose, spec in policies.items()
        ]

    def _create_settings(self) -> kubernetes.core.v1.ConfigMap:
        options = pods.node_options(self._args.settings)
        return self._create_config_map("settings", {**self._args.environment.values, "NODE_OPTIONS": options})

    def _create_files(self) -> kubernetes.core.v1.ConfigMap:
        return self._create_config_map("files", pods.files(self._args.target_group, self._args.vpc_cidr))

    def _create_config_map(self, purpose: str, data: Mapping[str, pulumi.Input[str]]) -> kubernetes.core.v1.ConfigMap:
        """Another content is another ConfigMap, and pods that name it are new pods."""
        return kubernetes.core.v1.ConfigMap(
            f"{self._name}-{purpose}",
            metadata=self._new_name(purpose, data),
            immutable=True,
            data=data,
            opts=self._inside,
        )

    def _new_name(self, purpose: str, content: pulumi.Input[Mapping[str, object]]) -> Metadata:
        """Return the metadata of what cannot change: each content has a name that nothing had before.

        Pulumi would name it as well, but only once it can ask the cluster. Before there is one, a plan without a name
        is made, and the deployment of that plan ends at the name. A name that is made of the content alone would come
        back with an earlier content, while that is still to be deleted.
        """
        suffix = random.RandomId(
            f"{self._name}-{purpose}-name",
            byte_length=4,
            keepers={"content": pulumi.Output.from_input(content).apply(_checksum)},
            opts=self._child,
        )
        return {**self._metadata, "name": pulumi.Output.concat(f"{API_NAME}-{purpose}-", suffix.hex)}

    def _copy_secrets(self) -> tuple[kubernetes.apiextensions.CustomResource, pulumi.Output[str]]:
        """Return what copies the secrets, and the checksum of what is copied.

        The generation is in the name of the copy: new pods wait for the new copy, and old ones keep theirs.
        """
        region = self._args.stack.identity.region
        store = kubernetes.apiextensions.CustomResource(
            f"{self._name}-secret-store",
            api_version="external-secrets.io/v1",
            kind="SecretStore",
            metadata={**self._metadata, "name": "aws"},
            # As the controller itself: pods have no identity that could read a secret.
            spec={"provider": {"aws": {"service": "SecretsManager", "region": region}}},
            opts=self._inside,
        )
        arns = self._args.environment.secret_arns
        wanted = {
            "refreshInterval": "1h",
            "secretStoreRef": {"kind": "SecretStore", "name": "aws"},
            "target": {"name": self._secret_name, "creationPolicy": "Owner"},
            "data": [{"secretKey": each, "remoteRef": {"key": arns[each]}} for each in sorted(arns)],
        }
        secrets = kubernetes.apiextensions.CustomResource(
            f"{self._name}-secrets",
            api_version="external-secrets.io/v1",
            kind="ExternalSecret",
            metadata={**self._metadata, "name": self._secret_name},
            spec=wanted,
            opts=self._after(store),
        )
        return secrets, pulumi.Output.from_input(wanted).apply(_checksum)

    @property
    def _secret_name(self) -> str:
        return f"{API_NAME}-{self._args.settings.secrets_generation}"

    def _migrate(
        self, files: kubernetes.core.v1.ConfigMap, isolated: Sequence[pulumi.Resource]
    ) -> kubernetes.batch.v1.Job:
        """Another image or setting is another Job. One that has failed is made again by the next `up`."""
        args = self._args
        account, identity = self._create_migration_identity()
        environment: Mapping[str, pulumi.Input[str]] = {
            "NODE_ENV": "production",
            "AWS_REGION": args.stack.identity.region,
            "DATABASE_USER": MIGRATION_USER,
            "DATABASE_NAME": args.database_name,
            "DATABASE_ENDPOINT": args.primary.endpoint,
            "DATABASE_OPTIONS": args.url_options,
        }
        pod = pods.migration_pod(args.settings, args.image, MIGRATION_NAME, files.metadata.name, environment)
        return kubernetes.batch.v1.Job(
            f"{self._name}-migration",
            metadata={
                **self._new_name("migration", pod),
                "annotations": {
                    "pulumi.com/timeoutSeconds": str(MIGRATION_SECONDS),
                    "pulumi.com/replaceUnready": "true",
                },
            },
            spec={
                # A migration that has failed is looked at, and not repeated before somebody deploys again.
                "backoff_limit": 0,
                "active_deadline_seconds": MIGRATION_SECONDS,
                "template": {"metadata": {"labels": MIGRATION_LABELS}, "spec": pod},
            },
            opts=self._after(account, *identity, *isolated, *args.migrate_first),
        )

    def _create_migration_identity(self) -> tuple[kubernetes.core.v1.ServiceAccount, list[pulumi.Resource]]:
        """The migration alone may log in to the database with a token. The API's pods have no identity in AWS."""
        args, name = self._args, f"{self._name}-migration"
        account = kubernetes.core.v1.ServiceAccount(
            f"{name}-account",
            metadata={**self._metadata, "name": MIGRATION_NAME},
            automount_service_account_token=False,
            opts=self._inside,
        )
        role = iam.pod_role(name, args.cluster.arn, args.stack.identity.account_id, self._child)
        log_in = iam.log_in_statement("LogIn", args.stack.identity, args.primary.resource_id, [MIGRATION_USER])
        policy = iam.role_policy(name, role, iam.document(log_in), self._child)
        association = aws.eks.PodIdentityAssociation(
            f"{name}-identity",
            cluster_name=args.cluster.name,
            namespace=APPLICATION_NAMESPACE,
            service_account=MIGRATION_NAME,
            role_arn=role.arn,
            opts=self._child,
        )
        return account, [policy, association]

    def _deploy(
        self,
        settings: kubernetes.core.v1.ConfigMap,
        files: kubernetes.core.v1.ConfigMap,
        checksum: pulumi.Output[str],
        after: Sequence[pulumi.Resource],
    ) -> kubernetes.apps.v1.Deployment:
        args = self._args
        account = kubernetes.core.v1.ServiceAccount(
            f"{self._name}-account",
            metadata={**self._metadata, "name": API_NAME},
            automount_service_account_token=False,
            opts=self._inside,
        )
        pod = pods.api_pod(
            args.settings,
            args.image,
            args.target_group,
            account=API_NAME,
            settings_map=settings.metadata.name,
            files_map=files.metadata.name,
            secret=self._secret_name,
        )
        seconds = args.settings.peak_pods * pods.replacement_seconds(args.target_group)
        return kubernetes.apps.v1.Deployment(
            f"{self._name}-deployment",
            metadata={
                **self._metadata,
                "name": API_NAME,
                "annotations": {"pulumi.com/timeoutSeconds": str(seconds)},
            },
            # No number of pods: it is the autoscaler's.
            spec={
                "selector": {"match_labels": LABELS},
                "strategy": {"type": "RollingUpdate", "rolling_update": {"max_unavailable": 0, "max_surge": 1}},
                "progress_deadline_seconds": pods.replacement_seconds(args.target_group),
                "revision_history_limit": 3,
                "template": {
                    "metadata": {"labels": LABELS, "annotations": {"checksum/secrets": checksum}},
                    "spec": pod,
                },
            },
            opts=self._after(account, *after),
        )

    def _register_pods(self) -> kubernetes.apiextensions.CustomResource:
        """Put pods into the target group of the stack's load balancer.

        Before there is one: only a pod that begins after it waits for the load balancer before it counts as ready.
        """
        args = self._args
        service = kubernetes.core.v1.Service(
            f"{self._name}-service",
            metadata={**self._metadata, "name": API_NAME, "annotations": {"pulumi.com/skipAwait": "true"}},
            spec={
                "type": "ClusterIP",
                "selector": LABELS,
                "ports": [{"name": "http", "port": HTTP_PORT, "target_port": POD_PORT, "protocol": "TCP"}],
            },
            opts=self._inside,
        )
        from_load_balancer = {
            "ingress": [
                {
                    "from": [{"securityGroup": {"groupID": args.load_balancer.security_group_id}}],
                    "ports": [{"protocol": "TCP", "port": POD_PORT}],
                }
            ]
        }
        foreign = args.settings.existing_cluster.name is not None
        return kubernetes.apiextensions.CustomResource(
            f"{self._name}-targets",
            api_version="elbv2.k8s.aws/v1beta1",
            kind="TargetGroupBinding",
            metadata={**self._metadata, "name": API_NAME},
            spec={
                "targetGroupARN": args.target_group.arn,
                "targetType": "ip",
                "serviceRef": {"name": API_NAME, "port": "http"},
                **({"networking": from_load_balancer} if foreign else {}),
            },
            opts=self._after(service, *self._args.ready_first),
        )

    def _scale(self, deployment: kubernetes.apps.v1.Deployment) -> None:
        settings = self._args.settings
        kubernetes.autoscaling.v2.HorizontalPodAutoscaler(
            f"{self._name}-autoscaler",
            metadata={**self._metadata, "name": f"{API_NAME}-hpa"},
            spec={
                "scale_target_ref": {
                    "api_version": "apps/v1",
                    "kind": "Deployment",
                    "name": API_NAME,
                },
                "min_replicas": settings.min_pods,
                "max_replicas": settings.max_pods,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {
                            "name": "cpu",
                            "target": {"type": "Utilization", "average_utilization": settings.target_cpu_percent},
                        },
                    }
                ],
                "behavior": {
                    "scale_down": {
                        "stabilization_window_seconds": settings.scale_down_seconds,
                        "policies": [{"type": "Pods", "value": 1, "period_seconds": 60}],
                    }
                },
            },
            opts=self._after(deployment),
        )
        kubernetes.policy.v1.PodDisruptionBudget(
            f"{self._name}-disruption-budget",
            metadata={**self._metadata, "name": API_NAME},
            spec={
                "min_available": max(settings.min_pods - 1, 1),
                "selector": {"match_labels": LABELS},
                # A pod that serves nobody must not keep its node from being replaced.
                "unhealthy_pod_eviction_policy": "AlwaysAllow",
            },
            opts=self._inside,
        )


def _checksum(wanted: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:16]


def _alarms(cluster: Cluster, settings: KubernetesSettings) -> Sequence[AlarmSpecification]:
    of_api = {"ClusterName": cluster.name, "Namespace": APPLICATION_NAMESPACE}
    return [
        AlarmSpecification(
            name="PodsAtMaximum",
            summary=f"The autoscaler runs its maximum of {settings.max_pods} pods and cannot add more",
            severity=Severity.P3,
            measure=Metric(
                namespace="ContainerInsights",
                metric_name="service_number_of_running_pods",
                dimensions={**of_api, "Service": API_NAME},
                statistic="Minimum",
            ),
            comparison="GreaterThanOrEqualToThreshold",
            threshold=settings.max_pods,
            unit="pods",
            section=DashboardSection.SERVICE,
            period_seconds=300,
            evaluation_periods=3,
        ),
        AlarmSpecification(
            name="PodMemoryHigh",
            summary=f"A pod uses more than {MEMORY_PERCENT} % of the memory at which the kernel ends its process",
            severity=Severity.P3,
            measure=Metric(
                namespace="ContainerInsights",
                metric_name="pod_memory_utilization_over_pod_limit",
                dimensions={**of_api, "PodName": API_NAME},
                statistic="Maximum",
            ),
            threshold=MEMORY_PERCENT,
            unit="%",
            section=DashboardSection.SERVICE,
            period_seconds=300,
            evaluation_periods=3,
        ),
    ]
