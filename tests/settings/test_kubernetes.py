"""What a stack with pods may set: one wrong value at a time, with what is said about it."""

from typing import Any

import pytest

from components.sections.kubernetes import KubernetesSettings
from components.shared.backends import Backend, RuntimeKind
from settings import InvalidSettings, StackSettings, parse_settings
from tests.settings.configuration import MISSING, as_pulumi_hands_it_over, changed, stack_file

DIGEST = f"sha256:{'0' * 64}"
IMAGES = {
    "kubernetes.image_digest": DIGEST,
    "kubernetes.proxy_image": f"public.ecr.aws/nginx/nginx-unprivileged@{DIGEST}",
}
EXISTING = {
    "name": "shop",
    "endpoint": "https://0123456789ABCDEF.gr7.us-east-1.eks.amazonaws.com",
    "certificate_authority": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
    "security_group_id": "sg-0123456789abcdef0",
}


def settings_of(runtime: str, **changes: Any) -> StackSettings:
    named = {f"kubernetes.{name}": value for name, value in changes.items()}
    configuration = changed(stack_file("production"), {"runtime": runtime, **IMAGES, **named})
    return parse_settings(as_pulumi_hands_it_over(configuration))


def test_a_stack_runs_on_servers_unless_it_says_otherwise() -> None:
    settings = parse_settings(as_pulumi_hands_it_over(stack_file("production")))

    assert settings.runtime is RuntimeKind.APP_SERVERS
    assert settings.traffic == {Backend.SERVERS: 100}


@pytest.mark.parametrize(
    ("runtime", "percent", "traffic"),
    [
        ("app_servers", 0, {Backend.SERVERS: 100}),
        ("kubernetes", 0, {Backend.PODS: 100}),
        ("both", 0, {Backend.SERVERS: 100, Backend.PODS: 0}),
        ("both", 10, {Backend.SERVERS: 90, Backend.PODS: 10}),
        ("both", 100, {Backend.SERVERS: 0, Backend.PODS: 100}),
    ],
)
def test_shares_of_the_requests(runtime: str, percent: int, traffic: dict[Backend, int]) -> None:
    assert settings_of(runtime, traffic_percent=percent).traffic == traffic


@pytest.mark.parametrize(
    ("runtime", "processes", "pool"),
    [
        # 11 servers with two processes each; 10 pods and one of a rollout; both.
        ("app_servers", 22, 3),
        ("kubernetes", 11, 6),
        ("both", 33, 2),
    ],
)
def test_connections_are_counted_over_servers_and_pods(runtime: str, processes: int, pool: int) -> None:
    settings = settings_of(runtime)

    assert (settings.connection_budget.peak_processes, settings.pool_size) == (processes, pool)
    assert settings.application_environment["PG_POOL_MAX"] == str(pool)


def test_the_table_of_connections_has_pods_only_where_there_are_some() -> None:
    assert "peak_pods" not in settings_of("app_servers").connection_budget.as_table(3)
    assert settings_of("both").connection_budget.as_table(2)["peak_pods"] == 11


def test_defaults_hold_all_pods_after_the_loss_of_one_of_three_zones() -> None:
    settings = KubernetesSettings()

    assert settings.nodes * 2 // 3 * settings.pods_per_node >= settings.peak_pods
    assert (settings.memory_request_mib, settings.memory_limit_mib) == (1280, 1536)


@pytest.mark.parametrize(
    ("types", "heap", "pods"),
    [
        # (4000 - 500) / 1100 processors, (16384 - 2048) / (1280 + 64) MiB.
        (["m7g.xlarge"], 1024, 3),
        # (8192 - 2048) / 1344: memory is less here.
        (["c7g.xlarge"], 1024, 3),
        (["c7g.xlarge"], 2048, 2),
        (["m7g.2xlarge"], 1024, 6),
        # The smallest one counts.
        (["m7g.2xlarge", "m7g.xlarge"], 1024, 3),
    ],
)
def test_pods_of_a_node(types: list[str], heap: int, pods: int) -> None:
    settings = KubernetesSettings.model_validate({"node_instance_types": types, "heap_mib": heap, "nodes": 20})

    assert settings.pods_per_node == pods


PROBLEMS = [
    (
        "kubernetes",
        {"image_digest": MISSING},
        "image_digest: is missing, and runtime is kubernetes; set it to the digest that `docker push` prints",
    ),
    (
        "both",
        {"proxy_image": MISSING},
        "proxy_image: is missing, and runtime is both; set it to nginx-unprivileged with its digest",
    ),
    (
        "app_servers",
        {"traffic_percent": 10},
        "traffic_percent: is 10, but runtime is app_servers; leave it out, or set runtime to both",
    ),
    (
        "kubernetes",
        {"traffic_percent": 10},
        "traffic_percent: is 10, but runtime is kubernetes; leave it out, or set runtime to both",
    ),
    ("both", {"max_pods": 3}, "max_pods is not greater than min_pods, so nothing can scale; raise it"),
    (
        "both",
        {"node_instance_types": ["m7g.xlarge", "m7i.xlarge"]},
        "node_instance_types are for arm64 and x86_64; name types of one architecture",
    ),
    (
        "both",
        {"nodes": 3},
        "3 nodes hold 3 pods each, and 11 may run at once (max_pods, and one of a rollout); raise "
        "nodes, take larger node_instance_types, or lower max_pods",
    ),
    (
        "both",
        {"existing_cluster": {"name": "shop", "endpoint": EXISTING["endpoint"]}},
        "certificate_authority, security_group_id is missing; give all of existing_cluster, or nothing of it",
    ),
    (
        "both",
        {"existing_cluster": {**EXISTING, "endpoint": EXISTING["endpoint"].replace("east-1", "west-2")}},
        "existing_cluster.endpoint: is not in us-east-1; take a cluster in the VPC of the stack",
    ),
    (
        "kubernetes",
        {"max_pods": 90, "nodes": 40},
        "max_pods: leaves less than one connection for each process: 91 pods "
        "may hold 72 connections (alarm at 80, database accepts 811); lower max_pods",
    ),
    (
        "both",
        {"max_pods": 60, "nodes": 40},
        "leaves less than one connection for each process: 11 servers x 2 processes "
        "and 61 pods may hold 72 connections (alarm at 80, database accepts 811); lower max_size or choose "
        "an instance type with fewer processors, and lower kubernetes.max_pods",
    ),
    ("both", {"image_digest": "latest"}, 'image_digest: "latest" is not the digest of an image'),
    ("both", {"proxy_image": "nginx:1.29"}, 'proxy_image: "nginx:1.29" is not an image with its digest'),
    ("both", {"version": "1.34"}, 'version: "1.34" is not a value of this setting; did you mean 1.36'),
]


@pytest.mark.parametrize(("runtime", "changes", "said"), PROBLEMS, ids=[said[:40] for _, _, said in PROBLEMS])
def test_what_cannot_work_is_refused(runtime: str, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidSettings) as refusal:
        settings_of(runtime, **changes)

    (problem,) = [str(each) for each in refusal.value.problems]
    assert said in problem


def test_an_existing_cluster_is_not_judged_by_nodes_it_does_not_have() -> None:
    assert settings_of("both", existing_cluster=EXISTING, nodes=3).kubernetes.existing_cluster.name == "shop"
