"""What breaks the rules of `policies.rules.kubernetes`."""

from tests.policies.changes import Case, put, remove

POD = "spec.template.spec"
SPREAD = f"{POD}.topologySpreadConstraints.0"
CONTAINER = f"{POD}.containers.0"
CASES = (
    *(
        Case(f"kubernetes-{rule}", "api-deployment", put("api-deployment", path, value), ("api-deployment", hidden))
        for rule, path, value, hidden in (
            (
                "containers-run-as-non-root",
                f"{POD}.securityContext.runAsNonRoot",
                False,
                f"{POD}.securityContext.runAsNonRoot",
            ),
            (
                "containers-are-unprivileged",
                f"{CONTAINER}.securityContext.capabilities.drop",
                ["NET_RAW"],
                f"{CONTAINER}.securityContext.capabilities",
            ),
            (
                "root-filesystem-is-read-only",
                f"{CONTAINER}.securityContext.readOnlyRootFilesystem",
                False,
                f"{CONTAINER}.securityContext.readOnlyRootFilesystem",
            ),
            ("pods-are-isolated-from-host", f"{POD}.hostNetwork", True, f"{POD}.hostNetwork"),
            (
                "container-resources-are-set",
                f"{CONTAINER}.resources.limits",
                {},
                f"{CONTAINER}.resources",
            ),
            ("readiness-probes-are-set", f"{CONTAINER}.readinessProbe", {}, f"{CONTAINER}.readinessProbe"),
            ("images-are-pinned", f"{CONTAINER}.image", "registry.fixrx.com:5000/api", f"{CONTAINER}.image"),
            (
                "environment-has-no-plain-secrets",
                f"{CONTAINER}.env.0",
                {"name": "JWT_SECRET", "value": "in the clear"},
                f"{CONTAINER}.env.0.name",
            ),
        )
    ),
    Case(
        "kubernetes-containers-are-unprivileged",
        "api-deployment",
        put("api-deployment", f"{CONTAINER}.securityContext.privileged", True),
        None,
    ),
    Case(
        "kubernetes-pods-are-isolated-from-host",
        "api-deployment",
        put("api-deployment", f"{POD}.volumes", [{"name": "node", "hostPath": {"path": "/"}}]),
        None,
    ),
    Case(
        "kubernetes-deployments-have-autoscalers",
        "api-deployment",
        put("api-autoscaler", "spec.scaleTargetRef.name", "web"),
        ("api-autoscaler", "spec.scaleTargetRef.name"),
    ),
    Case(
        "kubernetes-autoscaled-replicas-are-unset",
        "api-deployment",
        put("api-deployment", "spec.replicas", 3),
        ("api-deployment", "spec.replicas"),
    ),
    *(
        Case(
            "kubernetes-autoscaler-limits-match-guide",
            "api-autoscaler",
            put("api-autoscaler", path, value),
            ("api-autoscaler", path),
        )
        for path, value in (
            ("spec.minReplicas", 1),
            ("spec.maxReplicas", 40),
            ("spec.metrics.0.resource.target.averageUtilization", 95),
        )
    ),
    Case(
        "kubernetes-deployments-have-disruption-budgets",
        "api-deployment",
        put("api-budget", "spec.selector.matchLabels", {"app": "web"}),
        ("api-budget", "spec.selector"),
    ),
    Case("kubernetes-deployments-have-disruption-budgets", "api-deployment", remove("api-budget"), None),
    Case(
        "kubernetes-spread-survives-zone-loss",
        "api-deployment",
        put("api-deployment", f"{SPREAD}.nodeTaintsPolicy", "Ignore"),
        ("api-deployment", f"{SPREAD}.nodeTaintsPolicy"),
    ),
    Case(
        "kubernetes-jobs-have-no-fixed-name",
        "migration",
        put("migration", "metadata.annotations", {}),
        ("migration", "metadata.annotations"),
    ),
    Case(
        "kubernetes-immutable-config-maps-have-no-fixed-name",
        "api-settings",
        put("api-settings", "metadata.name", "api-settings"),
        ("api-settings", "metadata.annotations"),
    ),
    Case(
        "kubernetes-namespaces-enforce-restricted-pods",
        "fixrx",
        put("fixrx", "metadata.labels", {"pod-security.kubernetes.io/enforce": "baseline"}),
        ("fixrx", "metadata.labels"),
    ),
    *(
        Case("kubernetes-namespaces-deny-by-default", "fixrx", change, hidden)
        for change, hidden in (
            (remove("default-deny"), None),
            (put("default-deny", "spec.policyTypes", ["Ingress"]), ("default-deny", "spec.policyTypes")),
            (put("default-deny", "spec.podSelector", {"matchLabels": {"app": "web"}}), None),
            (put("default-deny", "metadata.namespace", "web"), ("default-deny", "metadata.namespace")),
            (put("default-deny", "spec.ingress", [{"from": []}]), None),
        )
    ),
    Case(
        "kubernetes-liveness-differs-from-readiness",
        "api-deployment",
        put("api-deployment", f"{CONTAINER}.livenessProbe.httpGet.path", "/api/v1/system/ready"),
        ("api-deployment", f"{CONTAINER}.livenessProbe"),
    ),
    Case(
        "kubernetes-grace-period-covers-pre-stop",
        "api-deployment",
        put("api-deployment", f"{POD}.terminationGracePeriodSeconds", 75),
        ("api-deployment", f"{POD}.terminationGracePeriodSeconds"),
    ),
)
