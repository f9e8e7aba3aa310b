"""Deployments by the real engine and the real provider to a real control plane: what they change, and what they do not.

The tests build on one another's deployments, and each begins with a workload that is up.
"""

import pytest

from tests.cluster.workload import DEPLOYMENT, IMAGE, NAMESPACE, Workload

pytestmark = [pytest.mark.engine, pytest.mark.cluster]

NEVER_READY = "deadbeef"
JOB_FAILS = "baadf00d"


def generation(workload: Workload) -> int:
    number: int = workload.api().get(DEPLOYMENT)["metadata"]["generation"]
    return number


def template_image(workload: Workload) -> str:
    image: str = workload.api().get(DEPLOYMENT)["spec"]["template"]["spec"]["containers"][0]["image"]
    return image


def jobs(workload: Workload) -> list[str]:
    """The images of the Jobs that are there."""
    found = workload.api().items(f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs")
    return [job["spec"]["template"]["spec"]["containers"][0]["image"] for job in found]


def test_second_up_changes_nothing(workload: Workload) -> None:
    before = workload.versions()
    workload.deploy()
    assert workload.versions() == before
    assert workload.api().get(DEPLOYMENT)["spec"]["replicas"] == 3, "the number is the autoscaler's"


def test_helm_releases_are_recorded(workload: Workload) -> None:
    assert workload.state()["controller"]["outputs"]["chart"] == "aws-load-balancer-controller"


def test_status_names_the_cluster(workload: Workload) -> None:
    assert "workload: the cluster runs on port " in workload.run("status").output


def test_new_image_is_on_every_pod_when_up_returns(workload: Workload) -> None:
    workload.deploy(image=f"{IMAGE}:2")
    assert workload.images() == {"2": 3}
    assert jobs(workload) == [f"{IMAGE}:2"], "the migration of the image before is gone"


def test_changed_configuration_reaches_every_pod(workload: Workload) -> None:
    before = generation(workload)
    workload.deploy(log_level="debug")
    assert generation(workload) > before
    assert workload.log_levels() == ["debug"], "the one before is deleted last"
    name = workload.state()["configuration"]["outputs"]["metadata"]["name"]
    used = {pod["spec"]["containers"][0]["envFrom"][0]["configMapRef"]["name"] for pod in workload.pods()}
    assert used == {name}


def test_image_that_never_gets_ready_takes_no_traffic(workload: Workload) -> None:
    good = workload.settings["image"]
    before = workload.images()
    result = workload.up(image=f"{IMAGE}:{NEVER_READY}")
    assert result.status == 1
    assert "Deployment" in result.errors
    assert "Minimum number of Pods to consider the application live was not attained" in result.errors
    assert workload.images() == before
    workload.deploy(image=good)
    assert workload.images() == before


def test_failed_migration_leaves_the_deployment_untouched(workload: Workload) -> None:
    good, before = workload.settings["image"], generation(workload)
    result = workload.up(image=f"{IMAGE}:{JOB_FAILS}")
    assert result.status == 1
    assert "Job" in result.errors
    assert "BackoffLimitExceeded" in result.errors
    assert (template_image(workload), generation(workload)) == (good, before)
    workload.deploy(image=f"{IMAGE}:3")
    assert workload.images() == {"3": 3}
    assert jobs(workload) == [f"{IMAGE}:3"]


def test_destroy_removes_everything(workload: Workload) -> None:
    result = workload.run("destroy")
    assert result.status == 0, result.errors
    assert workload.api().call("GET", f"/api/v1/namespaces/{NAMESPACE}").status == 404
