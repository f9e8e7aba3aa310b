"""Who has set fields of objects in a cluster, from what Kubernetes notes in `metadata.managedFields`."""

from typing import Any

import pytest

from review.field_managers import added_by_others
from tests.review.changes import kubernetes_object, plan_of, step, with_outputs


def entry(manager: str, fields: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": fields, **more}


ANY_FIELD: dict[str, Any] = {"f:spec": {"f:paused": {}}}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"f:metadata": {"f:labels": {"f:team": {}}}}, "metadata.labels.team"),
        (
            {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"debug"}': {".": {}, "f:image": {}}}}}}},
            "spec.template.spec.containers[debug].image",
        ),
        # An item of a list of which only its being there is owned.
        ({"f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}}}}}, "spec.ports[80,TCP]"),
        (
            {"f:metadata": {"f:finalizers": {".": {}, 'v:"example.com/keep"': {}}}},
            'metadata.finalizers["example.com/keep"]',
        ),
        ({"f:data": {f"f:{key}": {} for key in "ABCDE"}}, "data.A, data.B, data.C and 2 more"),
    ],
)
def test_fields_of_an_unknown_manager_are_named(fields: dict[str, Any], named: str) -> None:
    plan = plan_of(kubernetes_object(entry("kubectl-edit", fields)))
    assert added_by_others(plan) == [f"Deployment api: kubectl-edit, not Pulumi, has set {named}."]


@pytest.mark.parametrize(
    "known",
    [
        entry("pulumi-kubernetes-0a1b2c3d", ANY_FIELD),
        entry("kube-controller-manager", ANY_FIELD),
        entry("anybody", ANY_FIELD, subresource="status"),
    ],
    ids=lambda each: each["manager"],
)
def test_known_managers_and_subresources_are_not_named(known: dict[str, Any]) -> None:
    assert added_by_others(plan_of(kubernetes_object(known))) == []


def test_each_manager_of_an_object_is_a_sentence_and_other_types_are_left_out() -> None:
    foreign = {"metadata": {"managedFields": [entry("x", ANY_FIELD)]}}
    plan = plan_of(
        kubernetes_object(entry("kubectl-edit", ANY_FIELD), entry("helm", ANY_FIELD)),
        step("same", "kubernetes:core/v1:Service", "without", new={}),
        with_outputs(step("same", "aws:s3/bucket:Bucket", "bucket", new={}), foreign),
    )
    assert [sentence.split()[2] for sentence in added_by_others(plan)] == ["kubectl-edit,", "helm,"]
