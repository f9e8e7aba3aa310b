"""Network ACLs."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.model import Feature, Inputs, Live, Request, ResourceType, arn, call
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.ec2_common import TAGGING, ec2_type, filter_by
from sandbox.provider.tables.helpers import capital, each, members

_ENTRY = {"ruleNo": "RuleNumber", "action": "RuleAction", "protocol": "Protocol"}


def _acl_entries(inputs: Inputs, identifier: str) -> Iterable[Request]:
    for direction in ("ingress", "egress"):
        given = inputs.get(direction)
        for rule in [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []:
            place = {"NetworkAclId": identifier, "Egress": direction == "egress"}
            entry = {member: rule[key] for key, member in _ENTRY.items()}
            entry |= members(rule, "cidrBlock ipv6CidrBlock")
            yield Request("create_network_acl_entry", {**place, **entry, **_traffic(rule)})


_ICMP = ("icmp", "icmpv6", "1", "58")


def _traffic(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The messages of ICMP, or the ports of another protocol."""
    if str(rule["protocol"]) in _ICMP:
        return {"IcmpTypeCode": {"Type": rule.get("icmpType", 0), "Code": rule.get("icmpCode", 0)}}
    return {"PortRange": {"From": rule["fromPort"], "To": rule["toPort"]}}


_LAST_RULE = 32767
"""Number of the rule that denies the rest, which AWS keeps in every network ACL."""


def _delete_acl_entries(api: Api, live: Live) -> None:
    acl = api("describe_network_acls", NetworkAclIds=[live.id])["NetworkAcls"][0]
    for entry in acl["Entries"]:
        if entry["RuleNumber"] < _LAST_RULE:
            numbered = {key: entry[key] for key in ("RuleNumber", "Egress")}
            api("delete_network_acl_entry", NetworkAclId=live.id, **numbered)


def _read_acl_entries(api: Api, live: Live) -> Mapping[str, Any]:
    entries = [entry for entry in live.description["Entries"] if entry["RuleNumber"] < _LAST_RULE]
    return {
        direction: [
            _acl_rule(entry) | _message(entry, live.state.get(direction) or [])
            for entry in entries
            if entry["Egress"] == (direction == "egress")
        ]
        for direction in ("ingress", "egress")
    }


def _message(entry: Mapping[str, Any], given: Any) -> dict[str, Any]:
    """Type and code of an ICMP rule: the emulator does not keep them, so those that were given are believed."""
    if str(entry["Protocol"]) not in _ICMP:
        return {}
    same = [rule for rule in given if isinstance(rule, dict) and str(rule.get("ruleNo")) == str(entry["RuleNumber"])]
    return {key: rule[key] for rule in same for key in ("icmpType", "icmpCode") if key in rule}


def _acl_rule(entry: Mapping[str, Any]) -> dict[str, Any]:
    ports = entry.get("PortRange", {})
    rule = {key: entry[member] for key, member in _ENTRY.items()}
    rule |= {"fromPort": ports.get("From", 0), "toPort": ports.get("To", 0)}
    return rule | {key: entry[capital(key)] for key in ("cidrBlock", "ipv6CidrBlock") if entry.get(capital(key))}


_NETWORK_ACL_RULES = {
    f"{direction}.{key}": rule
    for direction in ("ingress", "egress")
    for key, rule in {
        "action": rules.one_of("allow", "deny"),
        "cidrBlock": rules.ipv4_network,
        "ipv6CidrBlock": rules.ipv6_network,
        **each("fromPort toPort", rules.between(0, 65535)),
        "ruleNo": rules.between(1, 32766),
    }.items()
}
_NETWORK_ACL_ENTRIES = Feature(
    "ingress egress", _acl_entries, clear=_delete_acl_entries, read=_read_acl_entries, replaces_all=True
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
                which = {"AssociationId": association["NetworkAclAssociationId"]}
                api("replace_network_acl_association", NetworkAclId=live.id if meant else default, **which)


def _acl_subnets(inputs: Inputs, identifier: str) -> Iterable[Request]:
    """Only AWS has the ids of the associations to replace: there is nothing to validate before."""
    return ()


_NETWORK_ACL = ec2_type(
    "NetworkAcl",
    attributes={"subnetIds": "Associations[].SubnetId"},
    before_delete=lambda api, live: _set_acl_subnets(api, replace(live, state={**live.state, "subnetIds": []})),
    replace="vpcId",
    features=(
        _NETWORK_ACL_ENTRIES,
        Feature("subnetIds", _acl_subnets, apply=_set_acl_subnets, replaces_all=True),
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

TYPES = (_NETWORK_ACL, _DEFAULT_NETWORK_ACL)
