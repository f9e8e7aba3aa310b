"""The product's manifests, judged by the types of the Kubernetes version that the sandbox runs, and by kube-score."""

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import yaml

from sandbox.cluster.api import Api
from sandbox.cluster.identities import ADMIN, Identities
from sandbox.cluster.server import IDENTITIES
from sandbox.session import engine
from sandbox.session.processes import Account, Processes
from tests.cluster import schemas
from tests.layers import manifests
from tests.marks import require

pytestmark = [pytest.mark.engine, pytest.mark.cluster]

ACCEPTED = {
    "--ignore-container-cpu-limit": "a limit would slow a process down beside an idle processor",
    "--ignore-test=container-image-pull-policy": "every image has its digest, and means the same image always",
    "--ignore-test=container-ephemeral-storage-request-and-limit": "containers write into volumes, each with a limit",
    "--ignore-test=deployment-has-host-podantiaffinity": "pods are spread over nodes by a topology spread constraint",
}
"""The options that accept what kube-score finds, and why it stays."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API server of a cluster with nothing in it."""
    require("cluster")
    processes = Processes(tmp_path_factory.mktemp("cluster"), Account(id="111122223333", region="us-east-1"))
    processes.ensure_cluster(engine.find(engine.CLUSTER))
    try:
        running = processes.cluster.running()
        assert running is not None
        identities = Identities(processes.cluster_data / IDENTITIES)
        yield Api(running.port, identities.authority, identities.certificate(ADMIN))
    finally:
        processes.stop()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the production stack's manifests."""
    target = tmp_path_factory.mktemp("manifests")
    assert manifests.write("production", target) > 10
    return target


@pytest.fixture(scope="module")
def types(api: Api, written: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the schemas of all types that the manifests have."""
    target = tmp_path_factory.mktemp("schemas")
    versions = {yaml.safe_load(file.read_text())["apiVersion"] for file in written.iterdir()}
    schemas.write(api, versions, target)
    return target


def conforms(types: Path, manifest: Path) -> tuple[int, str]:
    """How kubeconform ends, and what it says."""
    location = f"{types}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json"
    command = [str(engine.find(engine.KUBECONFORM)), "-strict", "-summary", "-schema-location", location, str(manifest)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout + result.stderr


def test_manifests_fit_the_types_of_this_version(types: Path, written: Path) -> None:
    status, said = conforms(types, written)
    assert status == 0, said
    count = len(list(written.iterdir()))
    assert f"Valid: {count}, Invalid: 0, Errors: 0, Skipped: 0" in said


@pytest.mark.parametrize(
    ("file", "path", "value"),
    [
        ("deployment-fixrx-api", ("spec", "template", "spec", "containers", 0, "readinessProb"), {}),
        ("deployment-fixrx-api", ("spec", "progressDeadlineSeconds"), "soon"),
        ("externalsecret-fixrx-api-1", ("spec", "refreshIntervall"), "1h"),
        ("targetgroupbinding-fixrx-api", ("spec", "targetType"), "pod"),
    ],
)
def test_error_in_a_manifest_is_found(
    types: Path, written: Path, tmp_path: Path, file: str, path: tuple[str | int, ...], value: object
) -> None:
    manifest = yaml.safe_load((written / f"{file}.yaml").read_text())
    place = manifest
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    broken = tmp_path / "broken.yaml"
    broken.write_text(yaml.safe_dump(manifest))
    status, said = conforms(types, broken)
    assert status == 1
    assert str(path[-1]) in said


def score(folder: Path, accepted: Iterable[str] = ACCEPTED) -> list[str]:
    """What kube-score finds that is not accepted."""
    files = map(str, sorted(folder.iterdir()))
    command = [str(engine.find(engine.KUBE_SCORE)), "score", "--output-format", "ci", *accepted, *files]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return [line for line in result.stdout.splitlines() if line.startswith(("[CRITICAL]", "[WARNING]"))]


def test_kube_score_finds_nothing_but_what_is_accepted(written: Path) -> None:
    assert score(written) == []


@pytest.mark.parametrize("option", ACCEPTED)
def test_what_is_accepted_is_there(written: Path, option: str) -> None:
    assert score(written, ACCEPTED.keys() - {option}) != []


def test_kube_score_finds_what_is_not_accepted(written: Path, tmp_path: Path) -> None:
    """The same manifests, one container with a root file system that it can write."""
    for file in written.iterdir():
        text = file.read_text()
        changed = text.replace("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", 1)
        (tmp_path / file.name).write_text(changed if file.name.startswith("deployment") else text)
    (found,) = score(tmp_path)
    assert "writable root filesystem" in found.lower()
