"""The guide's Kubernetes deployment: pods that can do no more than they must, and that survive load, drains and faults.

Reads what Pulumi declares. A chart or a manifest that the cluster expands by itself is out of sight.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource, UnknownValue
from policies.engine.rule import Context, Predicate, Problem, Rule, RuleSeverity, Scope, Setting
from policies.engine.stack import StackGraph

DEPLOYMENT: Final = "kubernetes:Deployment"
AUTOSCALER: Final = "kubernetes:HorizontalPodAutoscaler"
DISRUPTION_BUDGET: Final = "kubernetes:PodDisruptionBudget"
POD_PATHS: Final = {
    "kubernetes:Pod": "spec",
    DEPLOYMENT: "spec.template.spec",
    "kubernetes:StatefulSet": "spec.template.spec",
    "kubernetes:DaemonSet": "spec.template.spec",
    "kubernetes:ReplicaSet": "spec.template.spec",
    "kubernetes:Job": "spec.template.spec",
    "kubernetes:CronJob": "spec.jobTemplate.spec.template.spec",
}
"""Kinds that start pods, and where each describes them."""
SERVING_KINDS: Final = frozenset({DEPLOYMENT, "kubernetes:StatefulSet"})
SECRET_WORDS: Final = ("SECRET", "PASSWORD", "TOKEN", "PRIVATE_KEY", "API_KEY", "DATABASE_URL", "REDIS_URL")
KUBERNETES_GUIDE: Final = "https://kubernetes.io/docs"
POD_STANDARDS: Final = f"{KUBERNETES_GUIDE}/concepts/security/pod-security-standards/"
HPA_GUIDE: Final = f"{KUBERNETES_GUIDE}/tasks/run-application/horizontal-pod-autoscale/"


ContainerTest = Callable[[StackResource, StackResource], bool]
"""Whether a container is as it should be, in what starts it."""


def _containers(owner: StackResource) -> Iterator[StackResource]:
    for group in ("initContainers", "containers"):
        yield from owner.items(f"{POD_PATHS[owner.type]}.{group}")


def _each_container(broken: str, holds: ContainerTest) -> Predicate:
    """Every container must pass a test; those that do not are named."""

    def check(owner: StackResource, _: Context) -> Iterator[Problem]:
        for container in _containers(owner):
            try:
                if not holds(container, owner):
                    yield f"has a container {container.get('name')} that {broken}"
            except UnknownValue as unknown:
                yield unknown

    return check


def _is_not_root(container: StackResource, owner: StackResource) -> bool:
    own = container.get("securityContext.runAsNonRoot")
    return bool(owner.get(f"{POD_PATHS[owner.type]}.securityContext.runAsNonRoot") if own is None else own)


def _gains_no_privileges(container: StackResource, _: StackResource) -> bool:
    return (
        container.get("securityContext.privileged") is not True
        and container.get("securityContext.allowPrivilegeEscalation") is False
        and "ALL" in container.texts("securityContext.capabilities.drop")
        and not container.is_set("securityContext.capabilities.add")
    )


def _cannot_change_itself(container: StackResource, _: StackResource) -> bool:
    return container.get("securityContext.readOnlyRootFilesystem") is True


def _has_its_share(container: StackResource, _: StackResource) -> bool:
    wanted = ("requests.cpu", "requests.memory", "limits.memory")
    return all(container.is_set(f"resources.{path}") for path in wanted)


def _is_asked_how_it_is(container: StackResource, owner: StackResource) -> bool:
    return "initContainers" in container.place or container.is_set("readinessProbe")


def _runs_a_known_image(container: StackResource, _: StackResource) -> bool:
    image = str(container.get("image") or "")
    tag = image.rpartition("/")[2].partition(":")[2]
    return "@sha256:" in image or tag not in ("", "latest")


def _hides_its_secrets(container: StackResource, _: StackResource) -> bool:
    return not any(
        any(word in str(variable.get("name")).upper() for word in SECRET_WORDS) and variable.is_set("value")
        for variable in container.items("env")
    )


def _stays_off_the_node(owner: StackResource, _: Context) -> Iterator[Problem]:
    path = POD_PATHS[owner.type]
    shared = [name for name in ("hostNetwork", "hostPID", "hostIPC") if owner.get(f"{path}.{name}") is True]
    if shared:
        yield f"shares its node's {', '.join(shared)}: whoever breaks in is in every pod of the node"
    if any(volume.is_set("hostPath") for volume in owner.items(f"{path}.volumes")):
        yield "mounts its node's disk: whoever breaks in owns the node"


def _targets(autoscaler: StackResource, deployment: StackResource) -> bool:
    """Deployment and autoscaler find each other by name: as it is given, or as it is in the cluster."""
    return bool(
        autoscaler.get("spec.scaleTargetRef.kind") == "Deployment"
        and autoscaler.get("spec.scaleTargetRef.name") == deployment.get("metadata.name")
        and autoscaler.get("metadata.namespace") == deployment.get("metadata.namespace")
    )


def _autoscalers(deployment: StackResource, stack: StackGraph) -> Sequence[StackResource]:
    return [autoscaler for autoscaler in stack.of_type(AUTOSCALER) if _targets(autoscaler, deployment)]


def _scales(deployment: StackResource, context: Context) -> Iterator[Problem]:
    if not _autoscalers(deployment, context.stack):
        yield "has no HorizontalPodAutoscaler: a rush of users meets as many pods as a quiet night"


def _leaves_replicas_to_the_autoscaler(deployment: StackResource, context: Context) -> Iterator[Problem]:
    if deployment.is_set("spec.replicas") and _autoscalers(deployment, context.stack):
        yield "sets spec.replicas beside its autoscaler: each deployment resets what load has called for"


def _keeps_the_guides_figures(autoscaler: StackResource, context: Context) -> Iterator[Problem]:
    settings = context.settings
    least, most = autoscaler.get("spec.minReplicas") or 1, autoscaler.get("spec.maxReplicas") or 0
    if least < settings["least_pods"]:
        yield f"may shrink to {least} pods, and {settings['least_pods']} carry the load when one fails"
    if most > settings["most_pods"]:
        yield f"may grow to {most} pods, and the database has connections for {settings['most_pods']}"
    loads = [
        metric.get("resource.target.averageUtilization")
        for metric in autoscaler.items("spec.metrics")
        if metric.get("resource.name") == "cpu"
    ]
    if not any(load is not None and load <= settings["cpu_percent"] for load in loads):
        yield f"does not scale at {settings['cpu_percent']} % CPU: new pods come when users already wait"


def _survives_drains(deployment: StackResource, context: Context) -> Iterator[Problem]:
    labels = deployment.get("spec.template.metadata.labels") or {}
    for budget in context.stack.of_type(DISRUPTION_BUDGET):
        selector = budget.get("spec.selector.matchLabels") or {}
        same_namespace = budget.get("metadata.namespace") == deployment.get("metadata.namespace")
        if selector and same_namespace and selector.items() <= labels.items():
            return
    yield "has no PodDisruptionBudget: an upgrade of the nodes may take all its pods at once"


def _container_rule(name: str, description: str, broken: str, holds: ContainerTest, remediation: str) -> Rule:
    return Rule(
        name=f"kubernetes-{name}",
        description=description,
        item=ChecklistItem.RUNTIME,
        severity=RuleSeverity.HIGH,
        documentation=POD_STANDARDS,
        resource_types=frozenset(POD_PATHS),
        check=_each_container(broken, holds),
        remediation=remediation,
    )


RULES = (
    _container_rule(
        "containers-run-as-non-root",
        "Containers run as a user without rights.",
        "may run as root: whoever breaks in is a step away from the node",
        _is_not_root,
        "Set securityContext.runAsNonRoot: true on the pod or the container.",
    ),
    _container_rule(
        "containers-are-unprivileged",
        "Containers have no capabilities and gain none.",
        "has or can gain privileges",
        _gains_no_privileges,
        'Set securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: ["ALL"]}}; no privileged.',
    ),
    _container_rule(
        "root-filesystem-is-read-only",
        "Containers run on a read-only file system.",
        "can overwrite its own program: what breaks in stays",
        _cannot_change_itself,
        "Set securityContext.readOnlyRootFilesystem: true, and an emptyDir where the program writes.",
    ),
    Rule(
        name="kubernetes-pods-are-isolated-from-host",
        description="Pods share neither network, processes nor disk with their node.",
        item=ChecklistItem.RUNTIME,
        severity=RuleSeverity.HIGH,
        documentation=POD_STANDARDS,
        resource_types=frozenset(POD_PATHS),
        check=_stays_off_the_node,
        remediation="Remove hostNetwork, hostPID, hostIPC and hostPath volumes.",
    ),
    Rule(
        name="kubernetes-container-resources-are-set",
        description="Containers say how much processor and memory they need, and how much memory they may take.",
        item=ChecklistItem.AVAILABILITY,
        severity=RuleSeverity.MEDIUM,
        documentation=f"{KUBERNETES_GUIDE}/concepts/configuration/manage-resources-containers/",
        resource_types=frozenset(POD_PATHS),
        check=_each_container("may take its neighbours' memory, and cannot be scaled by load", _has_its_share),
        remediation="Set resources.requests (cpu, memory) and resources.limits.memory.",
    ),
    Rule(
        name="kubernetes-readiness-probes-are-set",
        description="Containers that serve requests have a readiness probe.",
        item=ChecklistItem.AVAILABILITY,
        severity=RuleSeverity.MEDIUM,
        documentation=f"{KUBERNETES_GUIDE}/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/",
        resource_types=SERVING_KINDS,
        check=_each_container("gets requests before it can answer them", _is_asked_how_it_is),
        remediation="Set readinessProbe on /api/v1/system/ready.",
    ),
    Rule(
        name="kubernetes-images-are-pinned",
        description="Containers run an image of a version.",
        item=ChecklistItem.RUNTIME,
        severity=RuleSeverity.MEDIUM,
        documentation=f"{KUBERNETES_GUIDE}/concepts/containers/images/",
        resource_types=frozenset(POD_PATHS),
        check=_each_container(
            "runs whatever image is newest: no deployment can be repeated or undone", _runs_a_known_image
        ),
        remediation="Name the image by version or digest.",
    ),
    Rule(
        name="kubernetes-environment-has-no-plain-secrets",
        description="Containers take secrets from a Secret.",
        item=ChecklistItem.SECRETS,
        severity=RuleSeverity.HIGH,
        documentation=f"{KUBERNETES_GUIDE}/concepts/configuration/secret/",
        resource_types=frozenset(POD_PATHS),
        check=_each_container(
            "carries a secret in plain text: whoever may read the pod can read it", _hides_its_secrets
        ),
        remediation="Use valueFrom.secretKeyRef in place of value.",
    ),
    Rule(
        name="kubernetes-deployments-have-autoscalers",
        description="Deployments have an autoscaler.",
        item=ChecklistItem.AVAILABILITY,
        severity=RuleSeverity.MEDIUM,
        documentation=HPA_GUIDE,
        scope=Scope.STACK,
        resource_types=frozenset({DEPLOYMENT}),
        check=_scales,
        remediation="Add a HorizontalPodAutoscaler from 3 to 10 pods at 70 % CPU.",
    ),
    Rule(
        name="kubernetes-autoscaled-replicas-are-unset",
        description="Deployments with an autoscaler do not set a number of pods.",
        item=ChecklistItem.AVAILABILITY,
        severity=RuleSeverity.MEDIUM,
        documentation=HPA_GUIDE,
        scope=Scope.STACK,
        resource_types=frozenset({DEPLOYMENT}),
        check=_leaves_replicas_to_the_autoscaler,
        remediation="Remove spec.replicas.",
    ),
    Rule(
        name="kubernetes-autoscaler-limits-match-guide",
        description="Autoscalers run 3 to 10 pods at 70 % CPU.",
        item=ChecklistItem.AVAILABILITY,
        severity=RuleSeverity.MEDIUM,
        documentation=HPA_GUIDE,
        resource_types=frozenset({AUTOSCALER}),
        check=_keeps_the_guides_figures,
        remediation="Set minReplicas: 3, maxReplicas: 10 and a cpu metric with averageUtilization: 70.",
        settings={
            "least_pods": Setting(default=3, minimum=1, maximum=100, description="Pods that always run"),
            "most_pods": Setting(default=10, minimum=1, maximum=1000, description="Pods that run at the most"),
            "cpu_percent": Setting(default=70, minimum=10, maximum=95, description="Load at which pods are added"),
        },
    ),
    Rule(
        name="kubernetes-deployments-have-disruption-budgets",
        description="Deployments have a disruption budget.",
        item=ChecklistItem.AVAILABILITY,
        severity=RuleSeverity.MEDIUM,
        documentation=f"{KUBERNETES_GUIDE}/tasks/run-application/configure-pdb/",
        scope=Scope.STACK,
        resource_types=frozenset({DEPLOYMENT}),
        check=_survives_drains,
        remediation="Add a PodDisruptionBudget whose selector matches the pods, with minAvailable: 2.",
    ),
)
