"""An API in Kubernetes with what its deployment depends on: run by the sandbox in place of the project's program.

Its settings are `fixrx:workload`; `None` leaves a setting at its default.
"""

import json

import pulumi
import pulumi_kubernetes as k8s

NAMESPACE = "workload"
LABELS = {"app": "api"}
EKS = "https://0123456789ABCDEF0123456789ABCDEF.gr7.us-east-1.eks.amazonaws.com"


def main() -> None:
    """Declares everything."""
    settings = pulumi.Config().require_object("workload")
    image = settings["image"]
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "aws", "args": ["eks", "get-token"]}}
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "eks",
        "clusters": [{"name": "eks", "cluster": {"server": EKS}}],
        "users": [{"name": "eks", "user": user}],
        "contexts": [{"name": "eks", "context": {"cluster": "eks", "user": "eks"}}],
    }
    provider = k8s.Provider("cluster", kubeconfig=json.dumps(kubeconfig))

    def options(*needs: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(provider=provider, depends_on=list(needs))

    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = k8s.core.v1.Namespace("namespace", metadata={"name": NAMESPACE, "labels": labels}, opts=options())
    inside = {"namespace": namespace.metadata["name"]}
    # Neither has a name of its own: what is changed is made anew, and the old one goes last.
    configuration = k8s.core.v1.ConfigMap(
        "configuration", metadata=inside, immutable=True, data={"LOG_LEVEL": settings["log_level"]}, opts=options()
    )
    container = {
        "name": "api",
        "image": image,
        "envFrom": [{"configMapRef": {"name": configuration.metadata["name"]}}],
        "resources": {"requests": {"cpu": "500m", "memory": "256Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {"securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}}
    waits = {"pulumi.com/timeoutSeconds": settings["timeout"]}
    migration = k8s.batch.v1.Job(
        "migration",
        metadata={**inside, "annotations": waits},
        spec={
            "backoffLimit": 0,
            "template": {"spec": {**pod, "restartPolicy": "Never", "containers": [container]}},
        },
        opts=options(),
    )
    constraint = {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": LABELS},
        "matchLabelKeys": ["pod-template-hash"],
    }
    deployment = k8s.apps.v1.Deployment(
        "api",
        metadata={**inside, "name": "api", "annotations": waits},
        # No replicas: their number is the autoscaler's.
        spec={
            "selector": {"matchLabels": LABELS},
            "progressDeadlineSeconds": 5,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "template": {
                "metadata": {"labels": LABELS},
                "spec": {**pod, "containers": [container], "topologySpreadConstraints": [constraint]},
            },
        },
        opts=options(migration),
    )
    k8s.autoscaling.v2.HorizontalPodAutoscaler(
        "autoscaler",
        metadata={**inside, "name": "api"},
        spec={
            "minReplicas": 3,
            "maxReplicas": 10,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 5}},
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
                }
            ],
        },
        opts=options(deployment),
    )
    k8s.policy.v1.PodDisruptionBudget(
        "budget",
        metadata={**inside, "name": "api"},
        spec={"minAvailable": 2, "selector": {"matchLabels": LABELS}},
        opts=options(),
    )
    # Recorded only: nothing here could run a chart.
    k8s.helm.v3.Release(
        "controller", chart="aws-load-balancer-controller", version="3.0.0", namespace="kube-system", opts=options()
    )


if __name__ == "__main__":
    main()
