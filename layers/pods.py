"""Pods: the cluster of Kubernetes, its own or somebody else's, and the API in it."""

from dataclasses import dataclass

import pulumi

from components.database import TLS_OPTIONS
from components.eks_cluster import EksCluster, EksClusterArgs
from components.eks_controllers import EksControllers, EksControllersArgs
from components.eks_nodes import EksNodes, EksNodesArgs
from components.eks_workload import EksWorkload, EksWorkloadArgs
from components.image_repository import ImageRepository, ImageRepositoryArgs
from components.shared.alarm_specification import AlarmSpecification
from components.shared.connections import Member
from components.shared.runtime import ApplicationEnvironment, TargetGroup
from layers.data import Data
from layers.foundation import Foundation
from layers.migration import Migration
from settings import StackSettings


@dataclass(frozen=True, kw_only=True)
class Pods:
    """What serves the API in pods."""

    name: pulumi.Output[str]
    """Of the Deployment."""
    alarms: list[AlarmSpecification]
    parts: tuple[pulumi.ComponentResource, ...]
    """All of it."""


def build_pods(
    settings: StackSettings,
    foundation: Foundation,
    data: Data,
    migration: Migration,
    target_group: TargetGroup,
    environment: ApplicationEnvironment,
) -> Pods:
    stack, options, kubernetes = foundation.stack, foundation.options, settings.kubernetes
    network, placements = foundation.network, foundation.connections.placements
    own = placements.get(Member.NODES)
    cluster = EksCluster(
        "eks-cluster",
        EksClusterArgs(
            settings=kubernetes,
            stack=stack,
            placement=placements.get(Member.KUBERNETES_API),
            workflow_role_arns=foundation.workflows.role_arns,
        ),
        options,
    )
    nodes = EksNodes(
        "eks-nodes", EksNodesArgs(settings=kubernetes, stack=stack, cluster=cluster.cluster, placement=own), options
    )
    repository = ImageRepository("image-repository", ImageRepositoryArgs(settings=kubernetes, stack=stack), options)
    controllers = EksControllers(
        "eks-controllers",
        EksControllersArgs(
            stack=stack,
            cluster=cluster.cluster,
            placement=own,
            ready_first=nodes.ready,
            target_group_arn=target_group.arn,
            secret_arns=data.secrets.arns,
        ),
        options,
    )
    workload = EksWorkload(
        "eks-workload",
        EksWorkloadArgs(
            settings=kubernetes,
            stack=stack,
            cluster=cluster.cluster,
            image=repository.image,
            target_group=target_group,
            load_balancer=placements[Member.LOAD_BALANCER],
            environment=environment,
            primary=data.database.access,
            database_name=data.database.database_name,
            url_options=TLS_OPTIONS,
            vpc_cidr=settings.network.cidr_block,
            public_blocks=network.public_blocks,
            data_blocks=network.data_blocks,
            ready_first=[*nodes.ready, *controllers.ready],
            migrate_first=[marker.parameter for marker in (*migration.migrated, *migration.prepared)],
        ),
        options,
    )
    return Pods(
        name=workload.name,
        alarms=[*cluster.alarms, *nodes.alarms, *workload.alarms],
        parts=(cluster, nodes, repository, controllers, workload),
    )
