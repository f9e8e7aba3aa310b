"""Resources from creation to deletion, read back from the emulator with a client that knows nothing of the sandbox."""

import base64
import json
from typing import Any

import pytest

from sandbox.provider.emulator import ApiError
from sandbox.provider.resource_provider import Identity, ProviderError
from sandbox.provider.values import UNKNOWN
from tests.sandbox.provider.services import CONFIGURATION, TRUST, Resource, Services

pytestmark = pytest.mark.emulator

LISTENER_ARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/it/1/2"
VISIBILITY = {"cloudwatchMetricsEnabled": True, "metricName": "m", "sampledRequestsEnabled": True}


def network(services: Services) -> tuple[Resource, list[Resource], Resource]:
    """A VPC with two subnets and a security group."""
    vpc = services.create("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16", "tags": {"Name": "main"}}, "vpc")
    subnets = [
        services.create(
            "aws:ec2/subnet:Subnet",
            {"vpcId": vpc.id, "cidrBlock": f"10.0.{n}.0/24", "availabilityZone": f"us-east-1{zone}"},
            f"subnet-{zone}",
        )
        for n, zone in enumerate("ab")
    ]
    group = services.create("aws:ec2/securityGroup:SecurityGroup", {"vpcId": vpc.id}, "web")
    return vpc, subnets, group


def balancer(services: Services) -> tuple[Resource, Resource]:
    """An application load balancer and a target group in a network of their own."""
    vpc, subnets, group = network(services)
    inputs = {"subnets": [subnet.id for subnet in subnets], "securityGroups": [group.id]}
    target = {"port": 3000, "protocol": "HTTP", "vpcId": vpc.id, "healthCheck": {"path": "/health", "interval": 10}}
    return (
        services.create("aws:lb/loadBalancer:LoadBalancer", inputs, "lb"),
        services.create("aws:lb/targetGroup:TargetGroup", target, "tg"),
    )


def drifts(services: Services) -> dict[str, dict[str, Any] | None]:
    """What a refresh of everything finds changed."""
    found = {resource.identity.name: services.drift(resource) for resource in services.resources}
    return {name: drift for name, drift in found.items() if drift != {}}


def test_a_network_is_as_it_was_asked_for(services: Services) -> None:
    vpc, subnets, _ = network(services)
    found = services.client("ec2").describe_subnets(SubnetIds=[subnet.id for subnet in subnets])["Subnets"]
    assert [(one["CidrBlock"], one["AvailabilityZone"], one["VpcId"]) for one in found] == [
        ("10.0.0.0/24", "us-east-1a", vpc.id),
        ("10.0.1.0/24", "us-east-1b", vpc.id),
    ]
    assert vpc.state["tagsAll"] == {"Name": "main", "Project": "fixrx"}
    assert vpc.state["arn"] == f"arn:aws:ec2:us-east-1:123456789012:vpc/{vpc.id}"
    assert drifts(services) == {}


def test_what_the_emulator_does_not_report_is_no_drift(services: Services) -> None:
    vpc = services.create("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16", "assignGeneratedIpv6CidrBlock": True}, "vpc")
    assert vpc.state["ipv6CidrBlock"].endswith("/56")
    groups = [services.create("aws:ec2/securityGroup:SecurityGroup", {"vpcId": vpc.id}, name) for name in ("a", "b")]
    services.create(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        {
            "securityGroupId": groups[0].id,
            "referencedSecurityGroupId": groups[1].id,
            "ipProtocol": "tcp",
            "fromPort": 5432,
            "toPort": 5432,
            "description": "the application",
        },
        "rule",
    )
    assert drifts(services) == {}


def test_a_vpc_gets_and_gives_back_its_ipv6_block_in_place(services: Services) -> None:
    vpc = services.create("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}, "vpc")
    services.update(vpc, assignGeneratedIpv6CidrBlock=True)
    assert vpc.state["ipv6CidrBlock"].endswith("/56")
    services.update(vpc, assignGeneratedIpv6CidrBlock=False)
    assert vpc.state["ipv6CidrBlock"] == ""
    assert drifts(services) == {}


def test_a_route_gets_another_target_in_place(services: Services) -> None:
    vpc, subnets, _ = network(services)
    gateway = services.create("aws:ec2/internetGateway:InternetGateway", {"vpcId": vpc.id}, "gateway")
    address = services.create("aws:ec2/eip:Eip", {"domain": "vpc"}, "address")
    nat = services.create(
        "aws:ec2/natGateway:NatGateway", {"subnetId": subnets[0].id, "allocationId": address.id}, "nat"
    )
    table = services.create("aws:ec2/routeTable:RouteTable", {"vpcId": vpc.id}, "table")
    inputs = {"routeTableId": table.id, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": gateway.id}
    route = services.create("aws:ec2/route:Route", inputs, "route")
    services.update(route, gatewayId=None, natGatewayId=nat.id)
    found = services.client("ec2").describe_route_tables(RouteTableIds=[table.id])["RouteTables"][0]["Routes"]
    targets = [(one.get("GatewayId"), one.get("NatGatewayId")) for one in found]
    assert targets == [("local", None), (None, nat.id)]
    assert drifts(services) == {}
    services.destroy()
    assert services.client("ec2").describe_network_interfaces()["NetworkInterfaces"] == []


def test_a_change_that_the_emulator_drops_is_recorded(services: Services) -> None:
    vpc, subnets, group = network(services)
    endpoint = services.create(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        {
            "vpcId": vpc.id,
            "serviceName": "com.amazonaws.us-east-1.ssm",
            "vpcEndpointType": "Interface",
            "subnetIds": [subnets[0].id],
            "securityGroupIds": [group.id],
            "privateDnsEnabled": False,
        },
        "ssm",
    )
    services.update(endpoint, privateDnsEnabled=True, subnetIds=[subnet.id for subnet in subnets])
    found = services.client("ec2").describe_vpc_endpoints(VpcEndpointIds=[endpoint.id])["VpcEndpoints"][0]
    assert sorted(found["SubnetIds"]) == sorted(subnet.id for subnet in subnets)
    assert endpoint.state["privateDnsEnabled"] is True
    assert drifts(services) == {}


def test_a_new_security_group_lets_nothing_out(services: Services) -> None:
    _, _, group = network(services)
    found = services.client("ec2").describe_security_groups(GroupIds=[group.id])["SecurityGroups"][0]
    assert found["IpPermissionsEgress"] == []


def test_drift_in_scalars_lists_and_tags_is_seen(services: Services) -> None:
    vpc, subnets, group = network(services)
    rule = services.create(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        {"securityGroupId": group.id, "ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "10.0.0.0/8"},
        "https",
    )
    ec2 = services.client("ec2")
    ec2.modify_vpc_attribute(VpcId=vpc.id, EnableDnsSupport={"Value": False})
    ec2.create_tags(Resources=[subnets[0].id], Tags=[{"Key": "Owner", "Value": "someone"}])
    ec2.modify_security_group_rules(
        GroupId=group.id,
        SecurityGroupRules=[
            {
                "SecurityGroupRuleId": rule.id,
                "SecurityGroupRule": {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIpv4": "0.0.0.0/0"},
            }
        ],
    )
    assert drifts(services) == {
        "vpc": {"enableDnsSupport": False},
        "subnet-a": {"tags": {"Owner": "someone"}},
        "https": {"cidrIpv4": "0.0.0.0/0"},
    }


def test_deletion_by_hand_is_seen(services: Services) -> None:
    _, subnets, _ = network(services)
    services.client("ec2").delete_subnet(SubnetId=subnets[1].id)
    assert drifts(services) == {"subnet-b": None}


def test_deleting_what_is_gone_is_no_error(services: Services) -> None:
    _, subnets, _ = network(services)
    services.client("ec2").delete_subnet(SubnetId=subnets[1].id)
    services.delete(subnets[1])


def test_a_network_in_use_is_not_deleted(services: Services) -> None:
    vpc, _, _ = network(services)
    with pytest.raises(ApiError, match="has dependencies and cannot be deleted"):
        services.delete(vpc)


def test_a_destroyed_network_leaves_nothing(services: Services) -> None:
    ec2 = services.client("ec2")
    before = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]]
    network(services)
    services.destroy()
    assert [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]] == before


def test_tags_are_added_changed_and_removed_in_place(services: Services) -> None:
    vpc, _, _ = network(services)
    services.update(vpc, tags={"Tier": "app"})
    tags = services.client("ec2").describe_vpcs(VpcIds=[vpc.id])["Vpcs"][0]["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"Project": "fixrx", "Tier": "app"}


def test_what_replaces_and_what_does_not(services: Services) -> None:
    vpc, subnets, group = network(services)
    assert services.changes(vpc, cidrBlock="10.1.0.0/16", enableDnsHostnames=True) == {
        "cidrBlock": True,
        "enableDnsHostnames": False,
    }
    assert services.changes(subnets[0], mapPublicIpOnLaunch=True) == {"mapPublicIpOnLaunch": False}
    assert services.changes(group, description="other", tags={"a": "b"}) == {
        "description": True,
        "tags": False,
        "tagsAll": False,
    }


def test_a_fixed_name_deletes_before_it_creates(services: Services) -> None:
    for name, first in (("fixed", True), (None, False)):
        inputs = {"assumeRolePolicy": TRUST, **({"name": name} if name else {})}
        role = services.create("aws:iam/role:Role", inputs, f"role-{name}")
        new = {**role.inputs, "path": "/app/"}
        package, identity = services.package, role.identity
        difference = package.difference(identity, role.inputs, role.state, new, (), CONFIGURATION)
        assert (list(difference.changes), difference.delete_first) == (["path"], first)


def test_an_automatic_name_is_kept(services: Services) -> None:
    role = services.create("aws:iam/role:Role", {"assumeRolePolicy": TRUST}, "app")
    services.update(role, description="the servers' role")
    assert role.id == role.inputs["name"] == "app-19b2585"


def test_a_name_that_is_too_long_is_an_error(services: Services) -> None:
    _, failures = services.package.check(
        Identity("aws:lb/targetGroup:TargetGroup", "a" * 30), {"port": 80}, {}, b"seed", None, CONFIGURATION
    )
    assert [(one.property, one.reason) for one in failures] == [
        (
            "name",
            f"the automatic name '{'a' * 30}-19b2585' has 38 characters, AWS allows 32: "
            "shorten the logical name or set name",
        )
    ]


def test_documents_that_mean_the_same_are_no_change(services: Services) -> None:
    role = services.create("aws:iam/role:Role", {"assumeRolePolicy": TRUST}, "app")
    same = json.loads(TRUST)
    same["Statement"][0]["Action"] = ["sts:AssumeRole"]
    spelt_otherwise = json.dumps(dict(reversed(same.items())), indent=4)
    assert services.changes(role, assumeRolePolicy=spelt_otherwise) == {}


def test_ignored_inputs_are_no_change(services: Services) -> None:
    vpc, _, _ = network(services)
    new = {**vpc.inputs, "cidrBlock": "10.1.0.0/16", "tags": {"Name": "other"}}
    ignored = ["cidrBlock", "tags.Name"]
    difference = services.package.difference(vpc.identity, vpc.inputs, vpc.state, new, ignored, CONFIGURATION)
    assert difference.changes == {}


def test_an_input_that_nothing_can_change_is_refused_in_the_preview(services: Services) -> None:
    _, subnets, _ = network(services)
    with pytest.raises(ProviderError, match="cannot be changed in place"):
        services.changes(subnets[0], ipv4IpamPoolId="ipam-1")


def test_an_input_that_cannot_be_reset_is_not_taken_away(services: Services) -> None:
    vpc = services.create("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True}, "vpc")
    with pytest.raises(ProviderError, match="enableDnsHostnames cannot be taken away from aws:ec2/vpc:Vpc"):
        services.changes(vpc, enableDnsHostnames=None)


def test_a_preview_knows_inputs_and_nothing_else(services: Services) -> None:
    checked = services.check("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}, name="vpc")
    planned = services.package.preview_create(Identity("aws:ec2/vpc:Vpc", "vpc"), checked, CONFIGURATION)
    assert {key: value for key, value in planned.items() if value != UNKNOWN} == {
        "cidrBlock": "10.0.0.0/16",
        "enableDnsSupport": True,
        "instanceTenancy": "default",
        "region": "us-east-1",
        "tagsAll": {"Project": "fixrx"},
    }
    assert services.client("ec2").describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.0.0.0/16"]}])["Vpcs"] == []


def test_what_fails_halfway_is_taken_back(services: Services) -> None:
    """The profile is made, but the role that it is to hold does not come into being."""
    services.check("aws:iam/role:Role", {"assumeRolePolicy": TRUST, "name": "never-made"})
    with pytest.raises(ApiError, match="NoSuchEntity"):
        services.create("aws:iam/instanceProfile:InstanceProfile", {"role": "never-made"}, "profile")
    assert services.client("iam").list_instance_profiles()["InstanceProfiles"] == []


def test_a_launch_template_gets_a_further_version(services: Services) -> None:
    data = base64.b64encode(b"#!/bin/sh\n").decode()
    inputs = {"imageId": "ami-0abcdef1234567890", "instanceType": "m7g.large", "updateDefaultVersion": True}
    template = services.create("aws:ec2/launchTemplate:LaunchTemplate", {**inputs, "userData": data}, "app")
    services.update(template, instanceType="m7g.xlarge")
    assert (template.state["latestVersion"], template.state["defaultVersion"]) == (2, 2)
    versions = services.client("ec2").describe_launch_template_versions(LaunchTemplateId=template.id)
    found = {one["VersionNumber"]: one["LaunchTemplateData"] for one in versions["LaunchTemplateVersions"]}
    assert (found[2]["InstanceType"], found[2]["UserData"]) == ("m7g.xlarge", data)
    assert drifts(services) == {}


def test_a_preview_does_not_promise_the_next_version(services: Services) -> None:
    template = services.create("aws:ec2/launchTemplate:LaunchTemplate", {"instanceType": "m7g.large"}, "app")
    new = {**template.inputs, "instanceType": "m7g.xlarge"}
    planned = services.package.preview_update(template.identity, template.state, new, CONFIGURATION)
    assert (planned["latestVersion"], planned["instanceType"]) == (UNKNOWN, "m7g.xlarge")


def test_a_load_balancer_with_protection_is_not_deleted(services: Services) -> None:
    lb, _ = balancer(services)
    services.update(lb, enableDeletionProtection=True, idleTimeout=120)
    with pytest.raises(ProviderError, match="is protected against deletion"):
        services.delete(lb)
    attributes = services.client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=lb.id)["Attributes"]
    found = {one["Key"]: one["Value"] for one in attributes}
    assert (found["deletion_protection.enabled"], found["idle_timeout.timeout_seconds"]) == ("true", "120")


def test_drift_in_attributes_and_health_checks_is_seen(services: Services) -> None:
    lb, target = balancer(services)
    elbv2 = services.client("elbv2")
    elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=lb.id,
        Attributes=[{"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"}],
    )
    elbv2.modify_target_group(TargetGroupArn=target.id, HealthCheckPath="/deep")
    found = drifts(services)
    assert found["lb"] == {"dropInvalidHeaderFields": True}
    assert found["tg"] is not None
    assert found["tg"]["healthCheck"]["path"] == "/deep"


def test_listeners_headers_rules_and_recorded_transforms(services: Services) -> None:
    lb, target = balancer(services)
    listener = services.create(
        "aws:lb/listener:Listener",
        {
            "loadBalancerArn": lb.id,
            "port": 80,
            "protocol": "HTTP",
            "defaultActions": [{"type": "forward", "targetGroupArn": target.id}],
            "routingHttpResponseXFrameOptionsHeaderValue": "DENY",
        },
        "http",
    )
    rewrite = {"type": "url-rewrite", "urlRewriteConfig": {"rewrite": {"regex": "^/h$", "replace": "/health"}}}
    rule = services.create(
        "aws:lb/listenerRule:ListenerRule",
        {
            "listenerArn": listener.id,
            "priority": 10,
            "conditions": [{"pathPattern": {"values": ["/h"]}}],
            "actions": [{"type": "forward", "targetGroupArn": target.id}],
            "transforms": [rewrite],
        },
        "health",
    )
    services.update(rule, priority=20, conditions=[{"pathPattern": {"values": ["/h", "/i"]}}])
    elbv2 = services.client("elbv2")
    found = elbv2.describe_rules(RuleArns=[rule.id])["Rules"][0]
    assert (found["Priority"], found["Conditions"][0]["PathPatternConfig"]["Values"]) == ("20", ["/h", "/i"])
    attributes = elbv2.describe_listener_attributes(ListenerArn=listener.id)["Attributes"]
    assert {"Key": "routing.http.response.x_frame_options.header_value", "Value": "DENY"} in attributes
    assert rule.state["transforms"] == [rewrite]
    assert drifts(services) == {}
    services.update(rule, conditions=[{"pathPattern": {"regexValues": ["^/[Hh]$"]}}])
    condition = elbv2.describe_rules(RuleArns=[rule.id])["Rules"][0]["Conditions"][0]
    assert condition["PathPatternConfig"]["RegexValues"] == ["^/[Hh]$"]
    assert drifts(services) == {}


@pytest.mark.parametrize(
    ("matcher", "reason"),
    [
        ({"values": ["/h"], "regexValues": ["^/h$"]}, "has values and regexValues; AWS accepts one of them"),
        ({"regexValues": ["^/(?!h)"]}, "AWS's regular expressions know no look-around and no references"),
        ({"regexValues": [r"^/(h)\1$"]}, "AWS's regular expressions know no look-around and no references"),
    ],
)
def test_condition_of_a_rule_that_elb_would_refuse(services: Services, matcher: dict[str, Any], reason: str) -> None:
    inputs = {"listenerArn": LISTENER_ARN, "priority": 1, "actions": [{"type": "forward"}]}
    failures = services.failures(
        "aws:lb/listenerRule:ListenerRule", {**inputs, "conditions": [{"pathPattern": matcher}]}
    )

    assert ("conditions.pathPattern", reason) in failures


def test_web_acl_rules_as_resources_of_their_own(services: Services) -> None:
    acl = services.create(
        "aws:wafv2/webAcl:WebAcl",
        {"name": "edge", "scope": "REGIONAL", "defaultAction": {"allow": {}}, "visibilityConfig": VISIBILITY},
        "acl",
    )

    def rule(name: str, priority: int) -> Resource:
        return services.create(
            "aws:wafv2/webAclRule:WebAclRule",
            {
                "webAclArn": acl.state["arn"],
                "name": name,
                "priority": priority,
                "action": {"block": {}},
                "statement": {
                    "rateBasedStatement": {"limit": 620, "evaluationWindowSec": 60, "aggregateKeyType": "IP"}
                },
                "visibilityConfig": VISIBILITY,
            },
            name,
        )

    def rules() -> dict[str, int]:
        found = services.client("wafv2").get_web_acl(Name="edge", Scope="REGIONAL", Id=acl.id)["WebACL"]["Rules"]
        return {one["Name"]: one["Statement"]["RateBasedStatement"]["Limit"] for one in found}

    rate, login = rule("rate", 1), rule("login", 2)
    services.update(acl, description="the edge")
    services.update(rate, statement={"rateBasedStatement": {"limit": 100, "aggregateKeyType": "IP"}})
    assert rules() == {"rate": 100, "login": 620}
    assert drifts(services) == {}
    with pytest.raises(ProviderError, match="has the priority of the rule"):
        rule("third", 2)
    services.delete(login)
    assert rules() == {"rate": 100}


def test_records_and_their_zone(services: Services) -> None:
    zone = services.create("aws:route53/zone:Zone", {"name": "fixrx.com"}, "zone")
    inputs = {"zoneId": zone.id, "name": "api.fixrx.com", "type": "TXT", "ttl": 60, "records": ["v=spf1 -all"]}
    record = services.create("aws:route53/record:Record", inputs, "txt")
    route53 = services.client("route53")

    def values() -> list[list[str]]:
        found = route53.list_resource_record_sets(HostedZoneId=zone.id)["ResourceRecordSets"]
        return [[one["Value"] for one in record["ResourceRecords"]] for record in found if record["Type"] == "TXT"]

    assert values() == [['"v=spf1 -all"']]
    services.update(record, records=["one", "two"])
    assert values() == [['"one"', '"two"']]
    assert drifts(services) == {}
    with pytest.raises(ApiError, match="HostedZoneNotEmpty"):
        services.package.delete(zone.identity, zone.id, zone.state, CONFIGURATION)
    services.destroy()
    assert route53.list_hosted_zones()["HostedZones"] == []


def test_a_second_record_set_of_a_name_and_type_is_refused(services: Services) -> None:
    """As Route 53 does, unless the program says that it takes over what is there."""
    zone = services.create("aws:route53/zone:Zone", {"name": "fixrx.com"}, "zone")
    record = {"zoneId": zone.id, "name": "api.fixrx.com", "type": "A", "ttl": 60, "records": ["192.0.2.1"]}
    change = {
        "Action": "CREATE",
        "ResourceRecordSet": {
            "Name": record["name"],
            "Type": "A",
            "TTL": 60,
            "ResourceRecords": [{"Value": "192.0.2.9"}],
        },
    }
    route53 = services.client("route53")
    route53.change_resource_record_sets(HostedZoneId=zone.id, ChangeBatch={"Changes": [change]})

    with pytest.raises(ProviderError, match=r"already has a record set .* of type A: take it over"):
        services.create("aws:route53/record:Record", record, "api")
    with pytest.raises(ProviderError, match=r"a record set .* of type A: one of type CNAME cannot be"):
        services.create("aws:route53/record:Record", {**record, "type": "CNAME", "records": ["fixrx.com"]}, "name")
    services.create("aws:route53/record:Record", {**record, "type": "AAAA", "records": ["2001:db8::1"]}, "ipv6")
    services.create("aws:route53/record:Record", {**record, "allowOverwrite": True}, "api")

    found = route53.list_resource_record_sets(HostedZoneId=zone.id)["ResourceRecordSets"]
    assert [one["ResourceRecords"] for one in found if one["Type"] == "A"] == [[{"Value": "192.0.2.1"}]]
    assert drifts(services) == {}


def test_a_certificate_is_validated_by_its_records(services: Services) -> None:
    names = {"domainName": "fixrx.com", "subjectAlternativeNames": ["*.fixrx.com"], "validationMethod": "DNS"}
    certificate = services.create("aws:acm/certificate:Certificate", names, "certificate")
    options = certificate.state["domainValidationOptions"]
    assert [option["domainName"] for option in options] == ["fixrx.com", "*.fixrx.com"]
    assert len({option["resourceRecordName"] for option in options}) == 1
    with pytest.raises(ProviderError, match="cannot be validated: no record for"):
        services.create(
            "aws:acm/certificateValidation:CertificateValidation",
            {"certificateArn": certificate.id, "validationRecordFqdns": ["other.fixrx.com"]},
            "validation",
        )


def test_a_bucket_that_is_not_empty_is_only_deleted_by_force(services: Services) -> None:
    bucket = services.create("aws:s3/bucket:Bucket", {"bucket": "fixrx-backups"}, "bucket")
    services.create(
        "aws:s3/bucketVersioning:BucketVersioning",
        {"bucket": bucket.id, "versioningConfiguration": {"status": "Enabled"}},
        "versioning",
    )
    client = services.client("s3")
    for _ in range(2):
        client.put_object(Bucket=bucket.id, Key="database/1", Body=b"x")
    client.delete_object(Bucket=bucket.id, Key="database/1")
    with pytest.raises(ApiError, match="BucketNotEmpty"):
        services.package.delete(bucket.identity, bucket.id, bucket.state, CONFIGURATION)
    services.update(bucket, forceDestroy=True)
    services.destroy()
    assert client.list_buckets()["Buckets"] == []


def test_a_bucket_in_another_region(services: Services) -> None:
    bucket = services.create("aws:s3/bucket:Bucket", {"bucket": "fixrx-dr", "region": "eu-west-1"}, "bucket")
    assert services.client("s3").get_bucket_location(Bucket="fixrx-dr")["LocationConstraint"] == "eu-west-1"
    assert (bucket.state["region"], bucket.state["bucketRegionalDomainName"]) == (
        "eu-west-1",
        "fixrx-dr.s3.eu-west-1.amazonaws.com",
    )
    assert services.changes(bucket, region="eu-west-2") == {"region": True}


def test_only_the_listed_policies_stay_with_a_role(services: Services) -> None:
    role = services.create("aws:iam/role:Role", {"assumeRolePolicy": TRUST, "name": "app"}, "role")
    policy = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    )
    services.create("aws:iam/rolePolicy:RolePolicy", {"role": role.id, "name": "ours", "policy": policy}, "policy")
    iam = services.client("iam")
    iam.put_role_policy(RoleName="app", PolicyName="theirs", PolicyDocument=policy)
    only = services.create(
        "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive", {"roleName": role.id, "policyNames": ["ours"]}, "only"
    )
    assert iam.list_role_policies(RoleName="app")["PolicyNames"] == ["ours"]
    iam.put_role_policy(RoleName="app", PolicyName="theirs", PolicyDocument=policy)
    assert services.drift(only) == {"policyNames": ["ours", "theirs"]}


def test_only_the_listed_rules_stay_with_a_security_group(services: Services) -> None:
    _, _, group = network(services)
    rule = services.create(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        {"securityGroupId": group.id, "ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "0.0.0.0/0"},
        "https",
    )
    ec2 = services.client("ec2")
    ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}

    def open_ssh() -> str:
        answer = ec2.authorize_security_group_ingress(GroupId=group.id, IpPermissions=[ssh])
        return str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    open_ssh()
    only = services.create(
        "aws:ec2/vpcSecurityGroupRulesExclusive:VpcSecurityGroupRulesExclusive",
        {"securityGroupId": group.id, "ingressRuleIds": [rule.id], "egressRuleIds": []},
        "only",
    )
    present = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group.id]}])
    assert [one["SecurityGroupRuleId"] for one in present["SecurityGroupRules"]] == [rule.id]
    assert drifts(services) == {}
    by_hand = open_ssh()
    assert services.drift(only) == {"ingressRuleIds": sorted([rule.id, by_hand])}


def test_a_group_of_servers(services: Services) -> None:
    _, subnets, group = network(services)
    template = services.create(
        "aws:ec2/launchTemplate:LaunchTemplate",
        {"imageId": "ami-0abcdef1234567890", "instanceType": "m7g.large", "vpcSecurityGroupIds": [group.id]},
        "template",
    )
    servers = services.create(
        "aws:autoscaling/group:Group",
        {
            "minSize": 1,
            "maxSize": 3,
            "vpcZoneIdentifiers": [subnet.id for subnet in subnets],
            "launchTemplate": {"id": template.id, "version": "1"},
            "tags": [{"key": "Name", "value": "app", "propagateAtLaunch": True}],
            "instanceRefresh": {"strategy": "Rolling", "preferences": {"minHealthyPercentage": 100}},
        },
        "servers",
    )
    client = services.client("autoscaling")
    services.update(servers, maxSize=5, tags=[{"key": "Tier", "value": "app", "propagateAtLaunch": False}])
    found = client.describe_auto_scaling_groups()["AutoScalingGroups"][0]
    assert found["MaxSize"] == 5
    assert [(tag["Key"], tag["PropagateAtLaunch"]) for tag in found["Tags"]] == [("Tier", False)]
    assert drifts(services) == {}
    client.update_auto_scaling_group(AutoScalingGroupName=servers.id, MaxSize=9)
    assert services.drift(servers) == {"maxSize": 9}
    services.destroy()
    assert client.describe_auto_scaling_groups()["AutoScalingGroups"] == []


def test_messages_of_icmp_in_a_network_acl(services: Services) -> None:
    vpc = services.create("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}, "vpc")
    message = {"icmpType": 3, "icmpCode": 4, "protocol": "1", "cidrBlock": "0.0.0.0/0"}
    rule = {**message, "ruleNo": 500, "action": "allow", "fromPort": 0, "toPort": 0}

    acl = services.create("aws:ec2/networkAcl:NetworkAcl", {"vpcId": vpc.id, "ingress": [rule]}, "acl")

    entries = services.client("ec2").describe_network_acls(NetworkAclIds=[acl.id])["NetworkAcls"][0]["Entries"]
    assert [(each["Protocol"], each.get("PortRange")) for each in entries if each["RuleNumber"] == 500] == [("1", None)]
    assert drifts(services) == {}
    services.update(acl, ingress=[{**rule, "icmpCode": 0}])
    assert drifts(services) == {}
