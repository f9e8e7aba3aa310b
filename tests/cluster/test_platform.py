"""The project's own program with pods, deployed as a user does it: policies, the real provider, a real control plane.

What an image that never gets ready does is tested with a smaller workload (`test_deployments`): here it takes minutes.
"""

import re
from collections.abc import Iterator

import pytest

from tests.cluster.workload import Platform
from tests.end_to_end.driver import summary
from tests.layers.manifests import DIGEST

# A first `up` takes three minutes while three other tests run.
pytestmark = [pytest.mark.engine, pytest.mark.cluster, pytest.mark.timeout(900)]

NAMED_DIGEST = DIGEST.rpartition(":")[2]
FAILING, SECOND = (f"{NAMED_DIGEST[: -len(end)]}{end}" for end in ("baadf00d", "2"))


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The staging stack over three zones, with pods alone, deployed."""
    platform = Platform(tmp_path_factory.mktemp("platform"))
    try:
        platform.succeed("up")
        yield platform
    finally:
        platform.end()


def test_three_pods_run_in_three_zones(platform: Platform) -> None:
    platform.wait("the autoscaler's three pods", lambda: len(platform.pods()) == 3)
    assert platform.zones() == {"us-east-1a": 1, "us-east-1b": 1, "us-east-1c": 1}
    assert platform.images() == {NAMED_DIGEST: 3}
    assert list(platform.jobs().values()) == [NAMED_DIGEST]


def test_second_up_changes_nothing(platform: Platform) -> None:
    before = platform.versions()
    assert summary(platform.succeed("up")).keys() == {"unchanged"}
    assert platform.versions() == before
    assert platform.get()["spec"]["replicas"] == 3


def test_change_by_hand_is_set_back_and_an_addition_is_named(platform: Platform) -> None:
    deadline = platform.get()["spec"]["progressDeadlineSeconds"]
    edited = {"metadata": {"labels": {"team": "night"}}, "spec": {"progressDeadlineSeconds": deadline + 1}}
    platform.api().merge(f"{platform.path}?fieldManager=kubectl-edit", edited)
    platform.api().merge(f"{platform.path}?fieldManager=other", {"metadata": {"labels": {"shift": "late"}}})
    title = "Deployment eks-workload-deployment"
    assert platform.drift() == [
        f"{title}, deployed -> found:",
        f"      spec.progressDeadlineSeconds: {deadline} -> {deadline + 1}",
        f"{title}: kubectl-edit, not Pulumi, has set metadata.labels.team, spec.progressDeadlineSeconds.",
        f"{title}: other, not Pulumi, has set metadata.labels.shift.",
    ]
    platform.succeed("up")
    assert platform.get()["spec"]["progressDeadlineSeconds"] == deadline
    assert platform.get()["metadata"]["labels"] == {"shift": "late"}
    assert platform.drift() == [f"{title}: other, not Pulumi, has set metadata.labels.shift."]


def test_deployed_pods_keep_the_policies(platform: Platform) -> None:
    """The cluster's own defaults and what its controllers write are in the state, too."""
    platform.sandbox.succeed("analyze")


def test_setting_and_secrets_reach_every_pod_without_a_migration(platform: Platform) -> None:
    before, jobs = platform.inputs()[0], platform.jobs()
    platform.change(max_pods=9, secrets_generation=2)
    platform.succeed("up")
    after = platform.inputs()
    settings = platform.state()["eks-workload-settings"]["outputs"]["metadata"]["name"]
    assert settings != before["settings"]
    assert before["secret"] == "fixrx-api-1"
    assert after == [{"settings": settings, "secret": "fixrx-api-2", "files": before["files"]}] * 3
    assert platform.jobs() == jobs


def test_failed_migration_leaves_the_deployment_untouched_and_is_tried_again(platform: Platform) -> None:
    before, image = platform.generation(), platform.template_image()
    platform.change(image_digest=f"sha256:{FAILING}")
    tried = set()
    for _ in range(2):
        result = platform.run("up")
        assert result.status == 1
        assert re.search(
            r"^  Job eks-workload-migration: .*\[BackoffLimitExceeded\] Job has reached the specified backoff limit$",
            result.sentence,
            re.MULTILINE,
        )
        assert (platform.generation(), platform.template_image()) == (before, image)
        tried |= {job for job, tag in platform.jobs().items() if tag == FAILING}
    assert len(tried) == 2


def test_next_image_recovers_and_servers_come_back_and_take_the_requests(platform: Platform) -> None:
    platform.runtime = "both"
    platform.change(image_digest=f"sha256:{SECOND}", traffic_percent=25)
    platform.succeed("up")
    assert platform.images() == {SECOND: 3}
    assert list(platform.jobs().values()) == [SECOND]
    for path in ("/", "/health"):
        assert platform.shares(path) == {"load-balancer-api": 75, "load-balancer-pods": 25}
    before = platform.versions()
    platform.change(traffic_percent=0)
    assert summary(platform.succeed("up"))["updated"] == 2, "the listener and its rule for /health"
    for path in ("/", "/health"):
        assert platform.shares(path) == {"load-balancer-api": 100, "load-balancer-pods": 0}
    assert platform.versions() == before


def test_destroy_removes_everything(platform: Platform) -> None:
    platform.succeed("destroy")
    assert platform.api().call("GET", f"/api/v1/namespaces/{platform.namespace}").status == 404
    assert platform.state() == {}
