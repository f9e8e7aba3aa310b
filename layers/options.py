"""Options: what a stack has only if it is asked for. VPN, SSH through an endpoint, DNS firewall."""

from components.dns_firewall import DnsFirewall, DnsFirewallArgs
from components.instance_connect import InstanceConnect, InstanceConnectArgs
from components.shared.connections import Member
from components.vpn import Vpn, VpnArgs
from layers.foundation import Foundation
from settings import StackSettings


def build_options(settings: StackSettings, foundation: Foundation) -> None:
    stack, network, options = foundation.stack, foundation.network, foundation.options
    placements = foundation.connections.placements
    vpn = VpnArgs(
        settings=settings.vpn,
        stack=stack,
        placement=placements.get(Member.VPN),
        target_blocks=network.data_blocks,
    )
    Vpn("vpn", vpn, options)
    InstanceConnect("instance-connect", InstanceConnectArgs(placement=placements.get(Member.INSTANCE_CONNECT)), options)
    firewall = DnsFirewallArgs(
        settings=settings.dns_firewall, stack=stack, vpc_id=network.vpc_id, own_zone=settings.dns.zone
    )
    DnsFirewall("dns-firewall", firewall, options)
