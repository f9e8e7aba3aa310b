"""The policy pack over the program with pods, as it registers it: no rule speaks that is silent without them.

Outputs are played, so what a rule joins by an ARN that AWS makes is the sandbox's to show.
"""

from functools import cache
from typing import Any

import pytest

from policies.engine.evaluation import RuleIndex, evaluate_all
from policies.engine.resource import StackResource
from policies.rules import ALL_RULES
from tests.recorder import RANDOM_HEX, Registration, record_stack, unwrap

DIGEST = f"sha256:{'0' * 64}"
IMAGES = {"image_digest": DIGEST, "proxy_image": f"public.ecr.aws/nginx/nginx-unprivileged@{DIGEST}"}


def seen(each: Registration, **outputs: Any) -> StackResource:
    properties = {key: unwrap(value) for key, value in each.inputs.items()}
    return StackResource(
        urn=each.urn,
        type_token=each.type,
        properties={**outputs, **properties},
        protect=each.protect,
        property_dependencies=each.property_dependencies,
    )


@cache
def judged(runtime: str) -> tuple[frozenset[tuple[str, str]], frozenset[str]]:
    """Findings of a stack, and the rules that were evaluated on something of Kubernetes."""
    recording = record_stack(
        "production",
        {
            "runtime": runtime,
            "kubernetes": IMAGES,
            "continuous_integration": {"repository": "fixrx/infrastructure"},
        },
    )
    before = [seen(each) for each in recording.registrations]
    after = [
        seen(
            each,
            id=f"{each.name}-id",
            name=each.name,
            arn=f"arn:aws:{_service(each)}:us-east-1:111122223333:{each.name}",
            hex=RANDOM_HEX,
        )
        for each in recording.registrations
    ]
    verdicts = evaluate_all(RuleIndex(ALL_RULES), before, after)
    of_pods = {
        rule.name for rule, resource in verdicts.evaluated if resource.type.startswith(("kubernetes:", "aws:eks"))
    }
    return frozenset((each.rule.name, each.resource.name) for each in verdicts.findings), frozenset(of_pods)


def _service(each: Registration) -> str:
    return each.type.split(":")[1].partition("/")[0]


@pytest.mark.parametrize("runtime", ["kubernetes", "both"])
def test_no_rule_speaks_of_pods(runtime: str) -> None:
    assert sorted(judged(runtime)[0] - judged("app_servers")[0]) == []


@pytest.mark.parametrize("runtime", ["kubernetes", "both"])
def test_the_rules_of_kubernetes_were_asked(runtime: str) -> None:
    assert {
        "eks-access-is-by-entries-only",
        "eks-add-ons-are-pinned",
        "eks-control-plane-is-logged",
        "eks-endpoint-is-not-public",
        "eks-secrets-encrypted",
        "eks-version-is-supported",
        "kubernetes-autoscaled-replicas-are-unset",
        "kubernetes-deployments-have-disruption-budgets",
        "kubernetes-grace-period-covers-pre-stop",
        "kubernetes-immutable-config-maps-have-no-fixed-name",
        "kubernetes-jobs-have-no-fixed-name",
        "kubernetes-liveness-differs-from-readiness",
        "kubernetes-namespaces-deny-by-default",
        "kubernetes-namespaces-enforce-restricted-pods",
        "kubernetes-spread-survives-zone-loss",
    } <= judged(runtime)[1]
