"""What real controllers make of the workload on nodes that kwok plays: scaling, evictions, losses, refusals."""

import pytest

from sandbox.cluster.components import ZONES
from tests.cluster.workload import Workload, node_of

pytestmark = [pytest.mark.engine, pytest.mark.cluster]

PLAIN = {"name": "a", "image": "a"}
SCALE_SECONDS = 120
"""metrics-server asks the nodes every 10 seconds, and knows a new pod's usage when it has asked twice."""


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"containers": [PLAIN]}, "runAsNonRoot != true"),
        ({"hostNetwork": True, "containers": [PLAIN]}, "hostNetwork=true"),
        ({"containers": [{**PLAIN, "securityContext": {"privileged": True}}]}, "privileged"),
    ],
)
def test_pod_that_breaks_pod_security_is_refused(workload: Workload, spec: dict[str, object], reason: str) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bad"}, "spec": spec}
    answer = workload.api().call("POST", workload.pods_path, pod)
    assert answer.status == 403
    assert 'violates PodSecurity "restricted:latest"' in answer.body["message"]
    assert reason in answer.body["message"]


def test_user_without_a_role_is_refused(workload: Workload) -> None:
    answer = workload.stranger().call("GET", workload.pods_path)
    assert answer.status == 403
    assert answer.body["message"].startswith('pods is forbidden: User "stranger" cannot list resource "pods"')


def test_field_that_a_type_does_not_have_is_refused(workload: Workload) -> None:
    binding = {
        "apiVersion": "elbv2.k8s.aws/v1beta1",
        "kind": "TargetGroupBinding",
        "metadata": {"name": "api"},
        "spec": {"serviceRef": {"name": "api", "port": "http"}, "targetGroupArn": "arn"},
    }
    path = f"/apis/elbv2.k8s.aws/v1beta1/namespaces/{workload.namespace}/targetgroupbindings?fieldValidation=Strict"
    answer = workload.api().call("POST", path, binding)
    assert answer.status == 400
    assert 'unknown field "spec.targetGroupArn"' in answer.body["message"]


def test_one_pod_runs_in_each_zone(workload: Workload) -> None:
    assert workload.zones() == {"us-east-1a": 1, "us-east-1b": 1, "us-east-1c": 1}


def test_evictions_leave_two_pods(workload: Workload) -> None:
    """Every node is closed, so that no pod can come in the place of the one that goes."""
    cordon(workload, closed=True)
    try:
        answers = []
        for pod in workload.pods():
            name = pod["metadata"]["name"]
            eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
            ready = len(workload.pods())
            answers.append(workload.api().call("POST", f"{workload.pods_path}/{name}/eviction", eviction).status)
            if answers[-1] == 201:
                workload.wait("the pod has gone", lambda ready=ready: len(workload.pods()) == ready - 1)  # type: ignore[misc]
                workload.wait("the budget knows", lambda: budget(workload) == 0)
        assert answers == [201, 429, 429]
        assert len(workload.pods()) == 2
    finally:
        cordon(workload, closed=False)
    workload.wait("three pods run again", lambda: len(workload.pods()) == 3)


def test_pods_of_a_lost_node_run_elsewhere(workload: Workload) -> None:
    lose(workload, [node_of(workload.pods()[0])])


def test_pods_of_a_lost_zone_run_elsewhere(workload: Workload) -> None:
    zone = ZONES[node_of(workload.pods()[0])]
    lose(workload, [node for node, place in ZONES.items() if place == zone])


def test_autoscaler_follows_the_load(workload: Workload) -> None:
    workload.use("900m")
    workload.wait("ten pods under load", lambda: len(workload.pods()) == 10, SCALE_SECONDS)
    assert sorted(workload.zones().values()) == [3, 3, 4]
    workload.use("50m")
    workload.wait("three pods without load", lambda: len(workload.pods()) == 3, SCALE_SECONDS)


def cordon(workload: Workload, *, closed: bool) -> None:
    """Closes or opens every node for new pods."""
    for node in ZONES:
        workload.api().merge(f"/api/v1/nodes/{node}", {"spec": {"unschedulable": closed or None}})


def budget(workload: Workload) -> int:
    """How many pods may be evicted now."""
    status = workload.api().get(f"/apis/policy/v1/namespaces/{workload.namespace}/poddisruptionbudgets/api")["status"]
    allowed: int = status["disruptionsAllowed"]
    return allowed


def lose(workload: Workload, nodes: list[str]) -> None:
    """Loses nodes with pods on them, and expects three pods on the others, then three again when the nodes are back."""

    def tainted(node: str) -> bool:
        taints = workload.api().get(f"/api/v1/nodes/{node}")["spec"].get("taints", [])
        return any(taint["key"] == "node.kubernetes.io/unreachable" for taint in taints)

    def elsewhere() -> int:
        return sum(node_of(pod) not in nodes for pod in workload.pods())

    assert elsewhere() < 3
    workload.lose(nodes)
    try:
        workload.wait("the nodes are unreachable", lambda: all(map(tainted, nodes)))
        workload.wait("three pods elsewhere", lambda: elsewhere() == 3)
    finally:
        workload.lose([])
    workload.wait("the nodes are back", lambda: not any(map(tainted, nodes)))
    workload.wait("three pods run", lambda: len(workload.pods()) == 3)
