"""Network: the VPC, who may reach whom in it, and the AWS services that are reached without the internet."""

from dataclasses import dataclass

import pulumi

from components.connections import Connections, ConnectionsArgs
from components.endpoints import Endpoints, EndpointsArgs
from components.network import Network, NetworkArgs
from components.shared.connections import Member
from components.shared.keys import StackContext
from settings import StackSettings


@dataclass(frozen=True, kw_only=True)
class NetworkLayer:
    """Where everything is."""

    network: Network
    connections: Connections
    endpoints: Endpoints

    @property
    def parts(self) -> tuple[pulumi.ComponentResource, ...]:
        """All of it."""
        return (self.network, self.connections, self.endpoints)


def build_network(settings: StackSettings, stack: StackContext, options: pulumi.ResourceOptions) -> NetworkLayer:
    network = Network("network", NetworkArgs(settings=settings.network, stack=stack), options)
    asked_for = {
        Member.VPN: settings.vpn.enabled,
        Member.INSTANCE_CONNECT: settings.admin_access.instance_connect,
        Member.RESTORE_TEST: settings.backup_vault.tests_restores,
        Member.APP_SERVERS: settings.runtime.has_servers,
        Member.KUBERNETES_API: settings.has_own_cluster,
        Member.NODES: settings.has_own_cluster,
    }
    connections = Connections(
        "connections",
        ConnectionsArgs(
            vpc_id=network.vpc_id,
            subnet_ids=network.subnet_ids,
            optional=asked_for,
            adopted={Member.NODES: settings.foreign_nodes},
        ),
        options,
    )
    endpoints = Endpoints(
        "endpoints",
        EndpointsArgs(
            settings=settings.endpoints,
            identity=stack.identity,
            placement=connections.placements[Member.ENDPOINTS],
            route_table_ids=network.application_route_table_ids,
            pulls_images=settings.runtime.has_pods,
        ),
        options,
    )
    return NetworkLayer(network=network, connections=connections, endpoints=endpoints)
