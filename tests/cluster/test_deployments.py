"""Deployments by the real engine and the real provider to a real control plane: what they change, and what they do not.

The tests build on one another's deployments, and each begins with a workload that is up.
"""

import re

import pytest

from tests.cluster.workload import FIRST, IMAGE, Workload

pytestmark = [pytest.mark.engine, pytest.mark.cluster]

NEVER_READY = "deadbeef"
JOB_FAILS = "baadf00d"


def test_second_up_changes_nothing(workload: Workload) -> None:
    before = workload.versions()
    workload.deploy()
    assert workload.versions() == before
    assert workload.get()["spec"]["replicas"] == 3, "the number is the autoscaler's"


def test_helm_releases_are_recorded(workload: Workload) -> None:
    assert workload.state()["controller"]["outputs"]["chart"] == "aws-load-balancer-controller"


def test_status_names_the_cluster(workload: Workload) -> None:
    assert "workload: the cluster runs on port " in workload.run("status").output


def test_new_image_is_on_every_pod_when_up_returns(workload: Workload) -> None:
    workload.deploy(image=f"{IMAGE}:2")
    assert workload.images() == {"2": 3}
    assert list(workload.jobs().values()) == ["2"], "the migration of the image before is gone"


def test_changed_configuration_reaches_every_pod(workload: Workload) -> None:
    before = workload.generation()
    workload.deploy(log_level="debug")
    assert workload.generation() > before
    assert workload.log_levels() == ["debug"], "the one before is deleted last"
    name = workload.state()["configuration"]["outputs"]["metadata"]["name"]
    used = {pod["spec"]["containers"][0]["envFrom"][0]["configMapRef"]["name"] for pod in workload.pods()}
    assert used == {name}


def test_image_that_never_gets_ready_takes_no_traffic(workload: Workload) -> None:
    good = workload.settings["image"]
    before = workload.images()
    # Pulumi waits as long as it may, though the Deployment has given up before.
    result = workload.up(image=f"{IMAGE}:{NEVER_READY}", timeout="15")
    assert result.status == 1
    assert re.search(
        r"^  Deployment api: 'api' timed out waiting to be Ready; \[ProgressDeadlineExceeded\] ReplicaSet \"api-\w+\" "
        r"has timed out progressing; Minimum number of Pods to consider the application live was not attained$",
        result.sentence,
        re.MULTILINE,
    )
    assert workload.images() == before
    workload.deploy(image=good, timeout=FIRST["timeout"])
    assert workload.images() == before


def test_failed_migration_leaves_the_deployment_untouched(workload: Workload) -> None:
    image, before = workload.template_image(), workload.generation()
    result = workload.up(image=f"{IMAGE}:{JOB_FAILS}")
    assert result.status == 1
    assert re.search(
        r"^  Job migration: .*Container \"api\" completed with exit code 1; \[BackoffLimitExceeded\] Job has reached "
        r"the specified backoff limit$",
        result.sentence,
        re.MULTILINE,
    )
    assert (workload.template_image(), workload.generation()) == (image, before)
    workload.deploy(image=f"{IMAGE}:3")
    assert workload.images() == {"3": 3}
    assert list(workload.jobs().values()) == ["3"]


def test_destroy_removes_everything(workload: Workload) -> None:
    result = workload.run("destroy")
    assert result.status == 0, result.errors
    assert workload.api().call("GET", f"/api/v1/namespaces/{workload.namespace}").status == 404
