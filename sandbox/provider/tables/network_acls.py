"""Network ACLs."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.model import Feature, Inputs, Live, Request, ResourceType, arn, call
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.ec2_common import TAGGING, filter_by


def _acl_entries(inputs: Inputs, identifier: str) -> Iterable[Request]:
    for direction in ("ingress", "egress"):
        given = inputs.get(direction)
        for rule in given if isinstance(given, list) else []:
            if isinstance(rule, dict):
                parameters = {
                    "NetworkAclId": identifier,
                    "Egress": direction == "egress",
                    "RuleNumber": rule["ruleNo"],
                    "RuleAction": rule["action"],
                    "Protocol": rule["protocol"],
                    "PortRange": {"From": rule["fromPort"], "To": rule["toPort"]},
                }
                blocks = {"CidrBlock": rule.get("cidrBlock"), "Ipv6CidrBlock": rule.get("ipv6CidrBlock")}
                parameters |= {key: value for key, value in blocks.items() if value}
                yield Request("create_network_acl_entry", parameters)


_LAST_RULE = 32767
"""Number of the rule that denies the rest, which AWS keeps in every network ACL."""


def _replace_acl_entries(api: Api, live: Live) -> None:
    acl = api("describe_network_acls", NetworkAclIds=[live.id])["NetworkAcls"][0]
    for entry in acl["Entries"]:
        if entry["RuleNumber"] < _LAST_RULE:
            api(
                "delete_network_acl_entry", NetworkAclId=live.id, RuleNumber=entry["RuleNumber"], Egress=entry["Egress"]
            )
    for request in _acl_entries(live.state, live.id):
        api(request.operation, **request.parameters)


def _read_acl_entries(api: Api, live: Live) -> Mapping[str, Any]:
    entries = [entry for entry in live.description["Entries"] if entry["RuleNumber"] < _LAST_RULE]
    return {
        direction: [_acl_rule(entry) for entry in entries if entry["Egress"] == (direction == "egress")]
        for direction in ("ingress", "egress")
    }


def _acl_rule(entry: Mapping[str, Any]) -> dict[str, Any]:
    ports = entry.get("PortRange", {})
    rule = {
        "ruleNo": entry["RuleNumber"],
        "action": entry["RuleAction"],
        "protocol": entry["Protocol"],
        "fromPort": ports.get("From", 0),
        "toPort": ports.get("To", 0),
    }
    blocks = {"cidrBlock": entry.get("CidrBlock"), "ipv6CidrBlock": entry.get("Ipv6CidrBlock")}
    return rule | {key: value for key, value in blocks.items() if value}


_NETWORK_ACL_RULES = {
    f"{direction}.{key}": rule
    for direction in ("ingress", "egress")
    for key, rule in {
        "action": rules.one_of("allow", "deny"),
        "cidrBlock": rules.ipv4_network,
        "ipv6CidrBlock": rules.ipv6_network,
        "fromPort": rules.between(0, 65535),
        "toPort": rules.between(0, 65535),
        "ruleNo": rules.between(1, 32766),
    }.items()
}
_NETWORK_ACL_ENTRIES = Feature(
    inputs="ingress egress",
    requests=_acl_entries,
    apply=_replace_acl_entries,
    read=_read_acl_entries,
    replaces_all=True,
)


def _set_acl_subnets(api: Api, live: Live) -> None:
    """A subnet always has one ACL: leaving this one means going back to the VPC's default ACL."""
    wanted = set(live.state.get("subnetIds") or [])
    acls = api("describe_network_acls", Filters=[filter_by("vpc-id", live.state["vpcId"])])["NetworkAcls"]
    default = next(acl["NetworkAclId"] for acl in acls if acl["IsDefault"])
    for acl in acls:
        for association in acl["Associations"]:
            here, meant = acl["NetworkAclId"] == live.id, association["SubnetId"] in wanted
            if here != meant:
                api(
                    "replace_network_acl_association",
                    AssociationId=association["NetworkAclAssociationId"],
                    NetworkAclId=live.id if meant else default,
                )


def _acl_subnets(inputs: Inputs, identifier: str) -> Iterable[Request]:
    """The associations to replace are only known to AWS: there is nothing to hold against its service model before."""
    return ()


def _delete_acl(api: Api, live: Live) -> None:
    _set_acl_subnets(api, replace(live, state={**live.state, "subnetIds": []}))
    api("delete_network_acl", NetworkAclId=live.id)


_NETWORK_ACL = ResourceType(
    token="aws:ec2/networkAcl:NetworkAcl",
    service="ec2",
    create="create_network_acl",
    id="NetworkAcl.NetworkAclId",
    tag_specification="network-acl",
    tagging=TAGGING,
    read=call("describe_network_acls", NetworkAclIds="id"),
    description="NetworkAcls[0]",
    attributes={"arn": arn("ec2", "network-acl/{id}"), "subnetIds": "Associations[].SubnetId"},
    delete=_delete_acl,
    replace="vpcId",
    features=(
        _NETWORK_ACL_ENTRIES,
        Feature(inputs="subnetIds", requests=_acl_subnets, apply=_set_acl_subnets, replaces_all=True),
    ),
    rules=_NETWORK_ACL_RULES,
    references={"vpcId": references.VPC, "subnetIds": references.SUBNET},
)

_DEFAULT_NETWORK_ACL = ResourceType(
    token="aws:ec2/defaultNetworkAcl:DefaultNetworkAcl",
    service="ec2",
    custom_create=lambda api, live: live.state["defaultNetworkAclId"],
    custom_create_inputs="defaultNetworkAclId",
    tagging=TAGGING,
    read=call("describe_network_acls", NetworkAclIds="id"),
    description="NetworkAcls[0]",
    attributes={"arn": arn("ec2", "network-acl/{id}"), "defaultNetworkAclId": "NetworkAclId"},
    replace="defaultNetworkAclId",
    # Subnets without another ACL belong to the default one by themselves.
    provider_only="subnetIds",
    features=(_NETWORK_ACL_ENTRIES,),
    rules=_NETWORK_ACL_RULES,
    references={"defaultNetworkAclId": references.NETWORK_ACL},
)

TYPES = (
    _NETWORK_ACL,
    _DEFAULT_NETWORK_ACL,
)
