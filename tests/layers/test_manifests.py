"""The manifests as files: what kubectl and other tools would read."""

from pathlib import Path

import yaml

from tests.layers.manifests import write


def test_manifests_are_whole_and_named(tmp_path: Path) -> None:
    count = write("staging", tmp_path / "staging")
    found = {path.name: yaml.safe_load(path.read_text()) for path in (tmp_path / "staging").iterdir()}
    deployment = found["deployment-fixrx-api.yaml"]

    assert count == len(found)
    assert sorted(name.partition("-")[0] for name in found) == [
        "configmap",
        "configmap",
        "deployment",
        "externalsecret",
        "horizontalpodautoscaler",
        "job",
        "namespace",
        *["networkpolicy"] * 4,
        "poddisruptionbudget",
        "secretstore",
        "service",
        "serviceaccount",
        "serviceaccount",
        "targetgroupbinding",
    ]
    assert (deployment["apiVersion"], deployment["kind"]) == ("apps/v1", "Deployment")
    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 90
    # Whole numbers: a manifest with 90.0 is refused.
    assert "90.0" not in (tmp_path / "staging" / "deployment-fixrx-api.yaml").read_text()
    assert found["job-fixrx-api-migration-0a1b2c3d.yaml"]["metadata"]["namespace"] == "fixrx"
