"""The guide's Kubernetes deployment: pods without privileges, which tolerate load, node drains and failures.

Reads what Pulumi declares. What a chart or a manifest expands to in the cluster is not visible here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource, UnknownValue
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, Setting, rule
from policies.engine.stack import StackGraph

DEPLOYMENT: Final = "kubernetes:Deployment"
AUTOSCALER: Final = "kubernetes:HorizontalPodAutoscaler"
DISRUPTION_BUDGET: Final = "kubernetes:PodDisruptionBudget"
NAMESPACE: Final = "kubernetes:Namespace"
NETWORK_POLICY: Final = "kubernetes:NetworkPolicy"
AUTONAMED: Final = "pulumi.com/autonamed"
"""Annotation of what Pulumi has named itself."""
RANDOM_TEXTS: Final[Mapping[str, Sequence[str]]] = {
    "random:index/randomId": ("hex", "dec", "b64Url"),
    "random:index/randomPet": ("id",),
    "random:index/randomString": ("result",),
    "random:index/randomUuid": ("result",),
}
"""What random resources give for a name."""
ENFORCED_STANDARD: Final = "pod-security.kubernetes.io/enforce"
POD_PATHS: Final = {
    "kubernetes:Pod": "spec",
    DEPLOYMENT: "spec.template.spec",
    "kubernetes:StatefulSet": "spec.template.spec",
    "kubernetes:DaemonSet": "spec.template.spec",
    "kubernetes:ReplicaSet": "spec.template.spec",
    "kubernetes:Job": "spec.template.spec",
    "kubernetes:CronJob": "spec.jobTemplate.spec.template.spec",
}
"""Types that start pods, and where each describes them."""
SERVING_TYPES: Final = frozenset({DEPLOYMENT, "kubernetes:StatefulSet"})
SECRET_WORDS: Final = ("SECRET", "PASSWORD", "TOKEN", "PRIVATE_KEY", "API_KEY", "DATABASE_URL", "REDIS_URL")
KUBERNETES_GUIDE: Final = "https://kubernetes.io/docs"
POD_STANDARDS: Final = f"{KUBERNETES_GUIDE}/concepts/security/pod-security-standards/"
HPA_GUIDE: Final = f"{KUBERNETES_GUIDE}/tasks/run-application/horizontal-pod-autoscale/"


def _failing_containers(
    workload: StackResource, problem: str, passes: Callable[[StackResource], bool]
) -> Iterator[Problem]:
    """Name every container that does not pass."""
    for group in ("initContainers", "containers"):
        for container in workload.items(f"{POD_PATHS[workload.type]}.{group}"):
            try:
                if not passes(container):
                    yield f"has a container {container.get('name')} that {problem}"
            except UnknownValue as unknown:
                yield unknown


@rule(
    "kubernetes-containers-run-as-non-root",
    item=ChecklistItem.RUNTIME,
    severity=RuleSeverity.HIGH,
    resource_types=POD_PATHS,
    documentation=POD_STANDARDS,
    remediation="Set securityContext.runAsNonRoot: true on the pod or the container.",
)
def containers_run_as_non_root(workload: StackResource, _: Context) -> Iterator[Problem]:
    """Containers run as a user other than root."""

    def is_not_root(container: StackResource) -> bool:
        own = container.get("securityContext.runAsNonRoot")
        inherited = f"{POD_PATHS[workload.type]}.securityContext.runAsNonRoot"
        return bool(workload.get(inherited) if own is None else own)

    yield from _failing_containers(workload, "may run as root: a break-in can spread to the node", is_not_root)


@rule(
    "kubernetes-containers-are-unprivileged",
    item=ChecklistItem.RUNTIME,
    severity=RuleSeverity.HIGH,
    resource_types=POD_PATHS,
    documentation=POD_STANDARDS,
    remediation=(
        'Set securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: ["ALL"]}}; no privileged.'
    ),
)
def containers_are_unprivileged(workload: StackResource, _: Context) -> Iterator[Problem]:
    """Containers have no capabilities and cannot gain any."""

    def is_unprivileged(container: StackResource) -> bool:
        return (
            container.get("securityContext.privileged") is not True
            and container.get("securityContext.allowPrivilegeEscalation") is False
            and "ALL" in container.texts("securityContext.capabilities.drop")
            and not container.is_set("securityContext.capabilities.add")
        )

    yield from _failing_containers(workload, "has privileges or can gain them", is_unprivileged)


@rule(
    "kubernetes-root-filesystem-is-read-only",
    item=ChecklistItem.RUNTIME,
    severity=RuleSeverity.HIGH,
    resource_types=POD_PATHS,
    documentation=POD_STANDARDS,
    remediation="Set securityContext.readOnlyRootFilesystem: true, and an emptyDir where the program writes.",
)
def root_filesystem_is_read_only(workload: StackResource, _: Context) -> Iterator[Problem]:
    """Containers have a read-only root file system."""
    yield from _failing_containers(
        workload,
        "has a writable root file system: an attacker can replace its program",
        lambda container: container.get("securityContext.readOnlyRootFilesystem") is True,
    )


@rule(
    "kubernetes-pods-are-isolated-from-host",
    item=ChecklistItem.RUNTIME,
    severity=RuleSeverity.HIGH,
    resource_types=POD_PATHS,
    documentation=POD_STANDARDS,
    remediation="Remove hostNetwork, hostPID, hostIPC and hostPath volumes.",
)
def pods_are_isolated_from_host(workload: StackResource, _: Context) -> Iterator[Problem]:
    """Pods share no namespace and no directory with their node."""
    path = POD_PATHS[workload.type]
    shared = [name for name in ("hostNetwork", "hostPID", "hostIPC") if workload.get(f"{path}.{name}") is True]
    if shared:
        yield f"uses {', '.join(shared)} of its node: a break-in reaches every pod of the node"
    if any(volume.is_set("hostPath") for volume in workload.items(f"{path}.volumes")):
        yield "mounts a directory of its node (hostPath): a break-in can take over the node"


@rule(
    "kubernetes-container-resources-are-set",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=POD_PATHS,
    documentation=f"{KUBERNETES_GUIDE}/concepts/configuration/manage-resources-containers/",
    remediation="Set resources.requests (cpu, memory) and resources.limits.memory.",
)
def container_resources_are_set(workload: StackResource, _: Context) -> Iterator[Problem]:
    """Containers have resource requests and a memory limit."""

    def has_resources(container: StackResource) -> bool:
        paths = ("resources.requests.cpu", "resources.requests.memory", "resources.limits.memory")
        return all(map(container.is_set, paths))

    problem = "lacks resource requests or a memory limit: it can use its neighbours' memory and cannot be autoscaled"
    yield from _failing_containers(workload, problem, has_resources)


@rule(
    "kubernetes-readiness-probes-are-set",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=SERVING_TYPES,
    documentation=f"{KUBERNETES_GUIDE}/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/",
    remediation="Set readinessProbe on /api/v1/system/ready.",
)
def readiness_probes_are_set(workload: StackResource, _: Context) -> Iterator[Problem]:
    """Containers that serve requests have a readiness probe."""
    yield from _failing_containers(
        workload,
        "has no readiness probe: it receives requests before it can answer them",
        lambda container: "initContainers" in container.place or container.is_set("readinessProbe"),
    )


@rule(
    "kubernetes-images-are-pinned",
    item=ChecklistItem.RUNTIME,
    severity=RuleSeverity.MEDIUM,
    resource_types=POD_PATHS,
    documentation=f"{KUBERNETES_GUIDE}/concepts/containers/images/",
    remediation="Name the image by version or digest.",
)
def images_are_pinned(workload: StackResource, _: Context) -> Iterator[Problem]:
    """Containers run an image of a named version."""

    def is_pinned(container: StackResource) -> bool:
        image = str(container.get("image") or "")
        tag = image.rpartition("/")[2].partition(":")[2]
        return "@sha256:" in image or tag not in ("", "latest")

    problem = "runs the latest image: a deployment can be neither repeated nor rolled back"
    yield from _failing_containers(workload, problem, is_pinned)


@rule(
    "kubernetes-environment-has-no-plain-secrets",
    item=ChecklistItem.SECRETS,
    severity=RuleSeverity.HIGH,
    resource_types=POD_PATHS,
    documentation=f"{KUBERNETES_GUIDE}/concepts/configuration/secret/",
    remediation="Use valueFrom.secretKeyRef instead of value.",
)
def environment_has_no_plain_secrets(workload: StackResource, _: Context) -> Iterator[Problem]:
    """Containers read secret environment variables from a Secret."""

    def has_no_plain_secrets(container: StackResource) -> bool:
        return not any(
            any(word in str(variable.get("name")).upper() for word in SECRET_WORDS) and variable.is_set("value")
            for variable in container.items("env")
        )

    problem = "has a secret in plain text: everyone with read access to the pod can read it"
    yield from _failing_containers(workload, problem, has_no_plain_secrets)


def _autoscalers(deployment: StackResource, stack: StackGraph) -> Sequence[StackResource]:
    """Return the autoscalers that target a deployment: by its name as given, or by its name in the cluster."""
    return [
        autoscaler
        for autoscaler in stack.of_type(AUTOSCALER)
        if autoscaler.get("spec.scaleTargetRef.kind") == "Deployment"
        and autoscaler.get("spec.scaleTargetRef.name") == deployment.get("metadata.name")
        and autoscaler.get("metadata.namespace") == deployment.get("metadata.namespace")
    ]


@rule(
    "kubernetes-deployments-have-autoscalers",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=[DEPLOYMENT],
    scope=Scope.STACK,
    documentation=HPA_GUIDE,
    remediation="Add a HorizontalPodAutoscaler from 3 to 10 pods at 70 % CPU.",
)
def deployments_have_autoscalers(deployment: StackResource, context: Context) -> Iterator[Problem]:
    """Deployments have a HorizontalPodAutoscaler."""
    if not _autoscalers(deployment, context.stack):
        yield "has no HorizontalPodAutoscaler: its number of pods does not follow the load"


@rule(
    "kubernetes-autoscaled-replicas-are-unset",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=[DEPLOYMENT],
    scope=Scope.STACK,
    documentation=HPA_GUIDE,
    remediation="Remove spec.replicas.",
)
def autoscaled_replicas_are_unset(deployment: StackResource, context: Context) -> Iterator[Problem]:
    """Deployments with an autoscaler do not set a number of pods."""
    if deployment.is_set("spec.replicas") and _autoscalers(deployment, context.stack):
        yield "sets spec.replicas and has an autoscaler: each deployment resets the number of pods"


@rule(
    "kubernetes-autoscaler-limits-match-guide",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=[AUTOSCALER],
    documentation=HPA_GUIDE,
    remediation="Set minReplicas: 3, maxReplicas: 10 and a cpu metric with averageUtilization: 70.",
    settings={
        "least_pods": Setting(default=3, minimum=1, maximum=100, description="Fewest pods"),
        "most_pods": Setting(default=10, minimum=1, maximum=1000, description="Most pods"),
        "cpu_percent": Setting(default=70, minimum=10, maximum=95, description="CPU load at which pods are added"),
    },
)
def autoscaler_limits_match_guide(autoscaler: StackResource, context: Context) -> Iterator[Problem]:
    """Autoscalers run 3 to 10 pods at 70 % CPU."""
    settings = context.settings
    least, most = autoscaler.number("spec.minReplicas") or 1, autoscaler.number("spec.maxReplicas") or 0
    if least < settings["least_pods"]:
        yield f"has {least} pods at least: {settings['least_pods']} are needed to carry the load when one fails"
    if most and most <= least:
        yield f"has {most} pods at most and {least} at least: it cannot grow with the load"
    if most > settings["most_pods"]:
        yield f"has {most} pods at most: the database has connections for {settings['most_pods']}"
    loads = [
        metric.number("resource.target.averageUtilization")
        for metric in autoscaler.items("spec.metrics")
        if metric.get("resource.name") == "cpu"
    ]
    if not any(load is not None and load <= settings["cpu_percent"] for load in loads):
        yield f"does not scale at {settings['cpu_percent']} % CPU: new pods start when requests are already slow"


@rule(
    "kubernetes-deployments-have-disruption-budgets",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=[DEPLOYMENT],
    scope=Scope.STACK,
    documentation=f"{KUBERNETES_GUIDE}/tasks/run-application/configure-pdb/",
    remediation="Add a PodDisruptionBudget whose selector matches the pods, with minAvailable: 2.",
)
def deployments_have_disruption_budgets(deployment: StackResource, context: Context) -> Iterator[Problem]:
    """Deployments have a PodDisruptionBudget."""
    labels = deployment.get("spec.template.metadata.labels") or {}
    for budget in context.stack.of_type(DISRUPTION_BUDGET):
        selector = budget.get("spec.selector.matchLabels") or {}
        same_namespace = budget.get("metadata.namespace") == deployment.get("metadata.namespace")
        if selector and same_namespace and selector.items() <= labels.items():
            return
    yield "has no PodDisruptionBudget: a node upgrade may stop all its pods at the same time"


@rule(
    "kubernetes-spread-survives-zone-loss",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.HIGH,
    resource_types=SERVING_TYPES,
    documentation=f"{KUBERNETES_GUIDE}/concepts/scheduling-eviction/topology-spread-constraints/",
    remediation="Set nodeTaintsPolicy: Honor beside whenUnsatisfiable: DoNotSchedule, or use ScheduleAnyway.",
)
def spread_survives_zone_loss(workload: StackResource, _: Context) -> Iterator[Problem]:
    """A spread of pods that is strict does not count nodes that are lost."""
    for constraint in workload.items(f"{POD_PATHS[workload.type]}.topologySpreadConstraints"):
        strict = constraint.get("whenUnsatisfiable") in (None, "DoNotSchedule")
        if strict and constraint.get("nodeTaintsPolicy") != "Honor":
            yield (
                f"spreads its pods strictly over {constraint.get('topologyKey')} and counts nodes that are lost: when "
                "they are, no pod can be started elsewhere"
            )


def _has_fixed_name(resource: StackResource, stack: StackGraph) -> bool:
    """Tell whether the next one of its kind has the same name: Pulumi has not made it, and nothing random is in it."""
    annotations = resource.get("metadata.annotations") or {}
    if not resource.is_set("metadata.name") or annotations.get(AUTONAMED) == "true":
        return False
    sources = [source for source in stack.sources(resource, "metadata") if source.type in RANDOM_TEXTS]
    try:
        name = resource.get("metadata.name")
    except UnknownValue:
        if sources:
            return False
        raise
    return not any(text in name for each in sources for key in RANDOM_TEXTS[each.type] for text in each.texts(key))


@rule(
    "kubernetes-jobs-have-no-fixed-name",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=["kubernetes:Job"],
    scope=Scope.STACK,
    documentation="https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/",
    remediation="Leave metadata.name out, and Pulumi gives each Job a name of its own; or end it with a RandomId whose "
    "keepers are what the Job is made of.",
)
def jobs_have_no_fixed_name(job: StackResource, context: Context) -> Iterator[Problem]:
    """Jobs have names of their own, from Pulumi or with something random in them."""
    if _has_fixed_name(job, context.stack):
        yield "has a fixed name: a Job cannot change, and the next one meets it instead of running"


@rule(
    "kubernetes-immutable-config-maps-have-no-fixed-name",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=["kubernetes:ConfigMap"],
    scope=Scope.STACK,
    applies_to=lambda settings: settings.get("immutable") is True,
    documentation=f"{KUBERNETES_GUIDE}/concepts/configuration/configmap/#configmap-immutable",
    remediation="Leave metadata.name out, and Pulumi names each content itself; or end it with a RandomId whose "
    "keepers are the content. Pods that name it are replaced.",
)
def immutable_config_maps_have_no_fixed_name(settings: StackResource, context: Context) -> Iterator[Problem]:
    """Immutable ConfigMaps have names of their own, from Pulumi or with something random in them."""
    if _has_fixed_name(settings, context.stack):
        yield "is immutable and has a fixed name: a change deletes it under the pods that read it"


@rule(
    "kubernetes-namespaces-enforce-restricted-pods",
    item=ChecklistItem.RUNTIME,
    severity=RuleSeverity.HIGH,
    resource_types=[NAMESPACE],
    documentation=f"{KUBERNETES_GUIDE}/concepts/security/pod-security-admission/",
    remediation=f"Set the label {ENFORCED_STANDARD}: restricted.",
)
def namespaces_enforce_restricted_pods(namespace: StackResource, _: Context) -> Iterator[Problem]:
    """Namespaces admit only pods of the restricted pod security standard."""
    if (namespace.get("metadata.labels") or {}).get(ENFORCED_STANDARD) != "restricted":
        yield "admits pods with privileges, whoever starts them"


@rule(
    "kubernetes-namespaces-deny-by-default",
    item=ChecklistItem.FIREWALL,
    severity=RuleSeverity.MEDIUM,
    resource_types=[NAMESPACE],
    scope=Scope.STACK,
    documentation=f"{KUBERNETES_GUIDE}/concepts/services-networking/network-policies/",
    remediation="Add a NetworkPolicy with podSelector: {} and policyTypes: [Ingress, Egress], without rules.",
)
def namespaces_deny_by_default(namespace: StackResource, context: Context) -> Iterator[Problem]:
    """Pods of a namespace have no connection that is not allowed."""
    for policy in context.stack.of_type(NETWORK_POLICY):
        of_all = not policy.get("spec.podSelector.matchLabels") and not policy.get("spec.podSelector.matchExpressions")
        both = {"Ingress", "Egress"} <= set(policy.texts("spec.policyTypes"))
        here = policy.get("metadata.namespace") == namespace.get("metadata.name")
        if here and of_all and both and not policy.get("spec.ingress") and not policy.get("spec.egress"):
            return
    yield "has no NetworkPolicy that denies by default: each of its pods can connect to everything"


@rule(
    "kubernetes-liveness-differs-from-readiness",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=SERVING_TYPES,
    documentation=f"{KUBERNETES_GUIDE}/concepts/workloads/pods/probes/",
    remediation="Let livenessProbe ask the process alone, for instance with tcpSocket.",
)
def liveness_differs_from_readiness(workload: StackResource, _: Context) -> Iterator[Problem]:
    """Liveness probes ask something else than readiness probes."""

    def differs(container: StackResource) -> bool:
        path = container.get("livenessProbe.httpGet.path")
        return path is None or path != container.get("readinessProbe.httpGet.path")

    problem = "is ended when it is not ready: an outage of the database ends all pods, and they all start at once"
    yield from _failing_containers(workload, problem, differs)


@rule(
    "kubernetes-grace-period-covers-pre-stop",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=SERVING_TYPES,
    documentation=f"{KUBERNETES_GUIDE}/concepts/workloads/pods/pod-lifecycle/#pod-termination",
    remediation="Set terminationGracePeriodSeconds to more than preStop and the load balancer's drain together.",
    settings={
        "drain": Setting(default=60, minimum=0, maximum=3600, description="Seconds in which running requests finish")
    },
)
def grace_period_covers_pre_stop(workload: StackResource, context: Context) -> Iterator[Problem]:
    """Pods have time to finish their requests."""
    grace = workload.number(f"{POD_PATHS[workload.type]}.terminationGracePeriodSeconds")
    seconds = 30 if grace is None else grace
    pauses = [
        container.number("lifecycle.preStop.sleep.seconds") or 0
        for container in workload.items(f"{POD_PATHS[workload.type]}.containers")
    ]
    needed = max(pauses, default=0) + context.settings["drain"]
    if any(pauses) and seconds <= needed:
        yield f"is killed {seconds:g} s after it is told to end, and needs {needed:g} s: running requests are cut"
