"""The private network: a VPC over several zones with a public, an application and an isolated data tier.

It does not decide who may reach whom: that is the table in `components/connections.py`. A NAT gateway costs about
33 USD a month (us-east-1), plus traffic.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
import pulumi_aws as aws

from components.sections.network import NatMode, NetworkSettings
from components.shared import cidr, iam
from components.shared.alarm_specification import AlarmSpecification, DashboardSection, Metric, Severity
from components.shared.connections import Tier
from components.shared.keys import StackContext
from components.shared.ports import ANYWHERE_IPV4, ANYWHERE_IPV6, HTTP_PORT, HTTPS_PORT, PATH_MTU_MESSAGES, IcmpMessage

EPHEMERAL_PORTS = (1024, 65535)
"""Destination ports of responses; a network ACL is stateless and must allow them."""
REMOTE_ADMIN_PORTS = (22, 3389)
FLOW_LOG_INTERVAL_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    settings: NetworkSettings
    stack: StackContext


class Network(pulumi.ComponentResource):
    """VPC, subnets, routes, NAT, network ACLs and flow log."""

    vpc_id: pulumi.Output[str]
    subnet_ids: Mapping[Tier, Sequence[pulumi.Output[str]]]
    public_blocks: Sequence[str]
    """Addresses of the public tier, where the load balancer is."""
    data_blocks: Sequence[str]
    """Addresses of the data tier."""
    application_route_table_ids: Sequence[pulumi.Output[str]]
    alarms: Sequence[AlarmSpecification]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Network", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self._plan = cidr.plan_zones(args.settings.cidr_block, args.settings.availability_zones)

        self._vpc = self._create_vpc()
        self.vpc_id = self._vpc.id
        gateway = aws.ec2.InternetGateway(f"{name}-internet-gateway", vpc_id=self.vpc_id, opts=self._child)
        public = self._create_public_subnets()
        application = self._create_private_subnets("application", {z: p.application for z, p in self._plan.items()})
        data = self._create_private_subnets("data", {z: p.data for z, p in self._plan.items()})

        self._route_public_tier(gateway, public)
        nat_gateways = self._create_nat_gateways(gateway, public)
        application_tables = self._route_application_tier(nat_gateways, application)
        self._isolate_data_tier(data)
        self._close_defaults()
        self._create_network_acls(public, application, data)
        self._record_flows()

        tiers = {Tier.PUBLIC: public, Tier.APPLICATION: application, Tier.DATA: data}
        self.subnet_ids = {tier: [subnet.id for subnet in subnets.values()] for tier, subnets in tiers.items()}
        self.public_blocks = [str(plan.public) for plan in self._plan.values()]
        self.data_blocks = [str(plan.data) for plan in self._plan.values()]
        self.application_route_table_ids = [table.id for table in application_tables]
        self.alarms = [_nat_port_alarm(key, gateway) for key, gateway in nat_gateways.items()]
        self.register_outputs({"vpc_id": self.vpc_id})

    def _create_vpc(self) -> aws.ec2.Vpc:
        return aws.ec2.Vpc(
            f"{self._name}-vpc",
            cidr_block=str(self._args.settings.cidr_block),
            assign_generated_ipv6_cidr_block=True,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.settings.protect),
        )

    def _create_public_subnets(self) -> Mapping[str, aws.ec2.Subnet]:
        """Only these have IPv6: the load balancer serves phones on IPv6 networks, the servers behind it need none."""
        return {
            zone: aws.ec2.Subnet(
                f"{self._name}-public-{zone[-1]}",
                vpc_id=self.vpc_id,
                availability_zone=zone,
                cidr_block=str(plan.public),
                ipv6_cidr_block=self._vpc.ipv6_cidr_block.apply(lambda block, zone=zone: cidr.ipv6_subnet(block, zone)),
                map_public_ip_on_launch=False,
                opts=self._child,
            )
            for zone, plan in self._plan.items()
        }

    def _create_private_subnets(self, tier: str, blocks: Mapping[str, IPv4Network]) -> Mapping[str, aws.ec2.Subnet]:
        return {
            zone: aws.ec2.Subnet(
                f"{self._name}-{tier}-{zone[-1]}",
                vpc_id=self.vpc_id,
                availability_zone=zone,
                cidr_block=str(block),
                map_public_ip_on_launch=False,
                opts=self._child,
            )
            for zone, block in blocks.items()
        }

    def _route_public_tier(self, gateway: aws.ec2.InternetGateway, subnets: Mapping[str, aws.ec2.Subnet]) -> None:
        table = self._create_route_table("public", subnets)
        aws.ec2.Route(
            f"{self._name}-public-internet-ipv4",
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE_IPV4,
            gateway_id=gateway.id,
            opts=self._child,
        )
        aws.ec2.Route(
            f"{self._name}-public-internet-ipv6",
            route_table_id=table.id,
            destination_ipv6_cidr_block=ANYWHERE_IPV6,
            gateway_id=gateway.id,
            opts=self._child,
        )

    def _create_nat_gateways(
        self, gateway: aws.ec2.InternetGateway, subnets: Mapping[str, aws.ec2.Subnet]
    ) -> Mapping[str, aws.ec2.NatGateway]:
        """Return the NAT gateways by the letter of their zone, or the one that serves all zones as `all`."""
        # A NAT gateway created before the internet gateway is attached fails.
        after_gateway = pulumi.ResourceOptions(parent=self, depends_on=[gateway])
        match self._args.settings.nat:
            case NatMode.NONE:
                return {}
            case NatMode.REGIONAL:
                return {
                    "all": aws.ec2.NatGateway(
                        f"{self._name}-nat-regional",
                        vpc_id=self.vpc_id,
                        availability_mode="regional",
                        opts=after_gateway,
                    )
                }
            case NatMode.SINGLE:
                first_zone = self._args.settings.availability_zones[0]
                return {"all": self._create_zonal_nat_gateway("single", subnets[first_zone], after_gateway)}
            case NatMode.PER_ZONE:
                return {
                    zone[-1]: self._create_zonal_nat_gateway(zone[-1], subnet, after_gateway)
                    for zone, subnet in subnets.items()
                }

    def _create_zonal_nat_gateway(
        self, key: str, subnet: aws.ec2.Subnet, options: pulumi.ResourceOptions
    ) -> aws.ec2.NatGateway:
        address = aws.ec2.Eip(f"{self._name}-nat-address-{key}", domain="vpc", opts=options)
        return aws.ec2.NatGateway(
            f"{self._name}-nat-{key}", subnet_id=subnet.id, allocation_id=address.allocation_id, opts=options
        )

    def _route_application_tier(
        self, nat_gateways: Mapping[str, aws.ec2.NatGateway], subnets: Mapping[str, aws.ec2.Subnet]
    ) -> Sequence[aws.ec2.RouteTable]:
        tables = []
        for zone, subnet in subnets.items():
            letter = zone[-1]
            table = self._create_route_table(f"application-{letter}", {zone: subnet})
            nat_gateway = nat_gateways.get(letter, nat_gateways.get("all"))
            if nat_gateway:
                aws.ec2.Route(
                    f"{self._name}-application-{letter}-internet",
                    route_table_id=table.id,
                    destination_cidr_block=ANYWHERE_IPV4,
                    nat_gateway_id=nat_gateway.id,
                    opts=self._child,
                )
            tables.append(table)
        return tables

    def _isolate_data_tier(self, subnets: Mapping[str, aws.ec2.Subnet]) -> None:
        """A table of its own, without a route: the VPC's main table could be given one."""
        self._create_route_table("data", subnets)

    def _create_route_table(self, tier: str, subnets: Mapping[str, aws.ec2.Subnet]) -> aws.ec2.RouteTable:
        table = aws.ec2.RouteTable(f"{self._name}-{tier}-routes", vpc_id=self.vpc_id, opts=self._child)
        prefix = tier.removesuffix(f"-{next(iter(subnets))[-1]}")
        for zone, subnet in subnets.items():
            aws.ec2.RouteTableAssociation(
                f"{self._name}-{prefix}-{zone[-1]}-routing",
                route_table_id=table.id,
                subnet_id=subnet.id,
                opts=self._child,
            )
        return table

    def _close_defaults(self) -> None:
        """What is created without a security group or network ACL of its own must not be reachable."""
        aws.ec2.DefaultSecurityGroup(
            f"{self._name}-default-security-group", vpc_id=self.vpc_id, ingress=[], egress=[], opts=self._child
        )
        aws.ec2.DefaultNetworkAcl(
            f"{self._name}-default-network-acl",
            default_network_acl_id=self._vpc.default_network_acl_id,
            ingress=[],
            egress=[],
            # AWS adds every subnet without an ACL of its own; that is not drift.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["subnetIds"]),
        )

    def _create_network_acls(
        self,
        public: Mapping[str, aws.ec2.Subnet],
        application: Mapping[str, aws.ec2.Subnet],
        data: Mapping[str, aws.ec2.Subnet],
    ) -> None:
        inside = str(self._args.settings.cidr_block)
        refuse_admin = _acl_rules(200, "deny", REMOTE_ADMIN_PORTS)
        web = _acl_rules(300, "allow", (HTTP_PORT, HTTPS_PORT))
        answers_ipv4 = _acl_rule(400, "allow", EPHEMERAL_PORTS, ANYWHERE_IPV4)
        answers_ipv6 = _acl_rule(401, "allow", EPHEMERAL_PORTS, ANYWHERE_IPV6)
        within = _acl_rule(100, "allow", None, inside)
        everywhere = [_acl_rule(100, "allow", None, ANYWHERE_IPV4), _acl_rule(101, "allow", None, ANYWHERE_IPV6)]

        # The load balancer's: an ACL remembers no connection, so it lets through what belongs to none as well.
        path_mtu = [_acl_message_rule(500 + n, message) for n, message in enumerate(PATH_MTU_MESSAGES)]

        self._create_network_acl(
            "public", public, [within, *refuse_admin, *web, answers_ipv4, answers_ipv6, *path_mtu], everywhere
        )
        self._create_network_acl("application", application, [within, *refuse_admin, answers_ipv4], everywhere)
        self._create_network_acl("data", data, [within], [within])

    def _create_network_acl(
        self,
        tier: str,
        subnets: Mapping[str, aws.ec2.Subnet],
        ingress: Sequence[aws.ec2.NetworkAclIngressArgsDict],
        egress: Sequence[aws.ec2.NetworkAclEgressArgsDict],
    ) -> None:
        aws.ec2.NetworkAcl(
            f"{self._name}-{tier}-network-acl",
            vpc_id=self.vpc_id,
            subnet_ids=[subnet.id for subnet in subnets.values()],
            ingress=ingress,
            egress=egress,
            opts=self._child,
        )

    def _record_flows(self) -> None:
        log_group = aws.cloudwatch.LogGroup(
            f"{self._name}-flow-log-group",
            name=f"/{self._args.stack.identity.project}/{self._args.stack.identity.environment}/vpc-flow-log",
            retention_in_days=self._args.settings.flow_log_retention_days,
            kms_key_id=self._args.stack.keys.logs,
            opts=self._child,
        )
        role = iam.service_role(
            f"{self._name}-flow-log", "vpc-flow-logs.amazonaws.com", self._args.stack.identity.account_id, self._child
        )
        iam.role_policy(
            f"{self._name}-flow-log",
            role,
            iam.document(
                iam.statement(
                    "WriteFlowLog",
                    actions=["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                    resources=[pulumi.Output.concat(log_group.arn, ":*")],
                ),
                # The delivery looks its log group up by listing them all before it writes.
                iam.statement(
                    "FindFlowLog",
                    actions=["logs:DescribeLogGroups"],
                    resources=[
                        f"arn:aws:logs:{self._args.stack.identity.region}:{self._args.stack.identity.account_id}:log-group:*"
                    ],
                ),
            ),
            self._child,
        )
        aws.ec2.FlowLog(
            f"{self._name}-flow-log",
            vpc_id=self.vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=log_group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=FLOW_LOG_INTERVAL_SECONDS,
            opts=self._child,
        )


def _acl_rule(number: int, action: str, ports: tuple[int, int] | None, block: str) -> aws.ec2.NetworkAclIngressArgsDict:
    """Return a network ACL rule for TCP on these ports, or for all traffic where no ports are given."""
    first, last = ports or (0, 0)
    rule: aws.ec2.NetworkAclIngressArgsDict = {
        "rule_no": number,
        "action": action,
        "protocol": "tcp" if ports else "-1",
        "from_port": first,
        "to_port": last,
    }
    if ":" in block:
        rule["ipv6_cidr_block"] = block
    else:
        rule["cidr_block"] = block
    return rule


def _acl_message_rule(number: int, message: IcmpMessage) -> aws.ec2.NetworkAclIngressArgsDict:
    """Return a network ACL rule that allows an ICMP message."""
    rule = _acl_rule(number, "allow", None, message.source)
    return {**rule, "protocol": message.number, "icmp_type": message.type, "icmp_code": message.code}


def _acl_rules(first_number: int, action: str, ports: Sequence[int]) -> Sequence[aws.ec2.NetworkAclIngressArgsDict]:
    """Return the rules for single TCP ports and every address, IPv4 and IPv6, numbered in this order."""
    combinations = [(port, block) for port in ports for block in (ANYWHERE_IPV4, ANYWHERE_IPV6)]
    return [_acl_rule(first_number + n, action, (port, port), block) for n, (port, block) in enumerate(combinations)]


def _nat_port_alarm(key: str, gateway: aws.ec2.NatGateway) -> AlarmSpecification:
    return AlarmSpecification(
        name=f"NatPortAllocationErrors-{key}",
        summary="The NAT gateway has no free port: calls to Twilio, SendGrid, Firebase and OAuth providers fail",
        severity=Severity.P2,
        measure=Metric(
            namespace="AWS/NATGateway",
            metric_name="ErrorPortAllocation",
            dimensions={"NatGatewayId": gateway.id},
            statistic="Sum",
        ),
        threshold=0,
        unit="errors",
        section=DashboardSection.EDGE,
        period_seconds=300,
        evaluation_periods=1,
    )
