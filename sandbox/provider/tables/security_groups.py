"""Security groups and their rules, inline or as resources of their own."""

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.model import Autoname, Feature, Inputs, Live, Request, ResourceType, arn, call
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.ec2_common import TAGGING, ec2_type, exactly_one, filter_by
from sandbox.provider.tables.helpers import MANAGED, capital, each, exclusive, given, members

_RULE_SOURCES = {
    "cidrIpv4": ("IpRanges", "CidrIp"),
    "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "prefixListId": ("PrefixListIds", "PrefixListId"),
    "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
}
_INLINE_SOURCES = ("cidrBlocks", "ipv6CidrBlocks", "prefixListIds", "securityGroups")
"""The same sources as inputs of inline rules."""


def _permissions(given: Any) -> list[dict[str, Any]]:
    """Inline rules of a security group in EC2's form; a rule with unknown parts is left out of the validation."""
    permissions = []
    for rule in [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []:
        note = members(rule, "description")
        ranges = {
            member: [{name: value, **note} for value in rule[key]]
            for key, (member, name) in zip(_INLINE_SOURCES, _RULE_SOURCES.values(), strict=True)
            if rule.get(key)
        }
        ports = {} if rule["protocol"] == "-1" else {"FromPort": rule["fromPort"], "ToPort": rule["toPort"]}
        permissions.append({"IpProtocol": rule["protocol"], **ports, **ranges})
    return permissions


def _inline_rules(direction: str) -> Feature:
    """Ingress or egress rules inside the group. Without any, AWS's own first rule ("all out") is removed as well."""
    member = "IpPermissions" if direction == "ingress" else "IpPermissionsEgress"

    def requests(inputs: Inputs, identifier: str) -> Iterable[Request]:
        permissions = _permissions(inputs.get(direction))
        if permissions:
            parameters = {"GroupId": identifier, "IpPermissions": permissions}
            yield Request(f"authorize_security_group_{direction}", parameters)

    def clear(api: Api, live: Live) -> None:
        present = api("describe_security_groups", GroupIds=[live.id])["SecurityGroups"][0][member]
        if present:
            api(f"revoke_security_group_{direction}", GroupId=live.id, IpPermissions=present)

    def read(api: Api, live: Live) -> Mapping[str, Any]:
        """Only for a group that declares its rules itself: others have theirs as resources of their own."""
        if not live.state.get(direction):
            return {direction: []}
        return {direction: [_inline_rule(permission) for permission in live.description[member]]}

    return Feature(direction, requests, clear=clear, read=read, replaces_all=True)


def _inline_rule(permission: Mapping[str, Any]) -> dict[str, Any]:
    rule = {
        "protocol": permission["IpProtocol"],
        "fromPort": permission.get("FromPort", 0),
        "toPort": permission.get("ToPort", 0),
    }
    for key, (member, name) in zip(_INLINE_SOURCES, _RULE_SOURCES.values(), strict=True):
        rule[key] = [one[name] for one in permission.get(member, [])]
    noted = [one for key in ("IpRanges", "Ipv6Ranges", "UserIdGroupPairs") for one in permission.get(key, [])]
    if noted and noted[0].get("Description"):
        rule["description"] = noted[0]["Description"]
    return rule


_CHARACTERS = r"[a-zA-Z0-9 ._:/()#,@\[\]+=&;{}!$*-]"
_DESCRIPTION = rules.matches(
    _CHARACTERS + "{0,255}", "at most 255 letters, digits, spaces and signs among ._-:/()#,@[]+=&;{}!$*"
)
"""EC2's characters: neither > nor an apostrophe is among them."""

_SECURITY_GROUP = ec2_type(
    "SecurityGroup",
    parameter_prefix="Group",
    id="GroupId",
    read=call("describe_security_groups", GroupIds="id"),
    delete=call("delete_security_group", GroupId="id"),
    replace="name namePrefix description vpcId",
    autoname=Autoname("name"),
    defaults={"description": MANAGED, "revokeRulesOnDelete": False},
    provider_only="revokeRulesOnDelete",
    features=(_inline_rules("ingress"), _inline_rules("egress")),
    rules={
        "name": rules.matches(f"(?!sg-){_CHARACTERS}{{1,255}}", "a name that does not begin with sg-"),
        **each("description ingress.description egress.description", _DESCRIPTION),
        **each("ingress.cidrBlocks egress.cidrBlocks", rules.ipv4_network),
        **each("ingress.ipv6CidrBlocks egress.ipv6CidrBlocks", rules.ipv6_network),
    },
    references={
        "vpcId": references.VPC,
        **each("ingress.securityGroups egress.securityGroups", references.SECURITY_GROUP),
    },
)


def _find_default_group(api: Api, live: Live) -> Any:
    filters = [filter_by("vpc-id", live.state["vpcId"]), filter_by("group-name", "default")]
    return api("describe_security_groups", Filters=filters)["SecurityGroups"][0]["GroupId"]


_DEFAULT_SECURITY_GROUP = ResourceType(
    token="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    service="ec2",
    custom_create=_find_default_group,
    custom_create_inputs="vpcId",
    tagging=TAGGING,
    read=call("describe_security_groups", GroupIds="id"),
    description="SecurityGroups[0]",
    attributes={"arn": arn("ec2", "security-group/{id}"), "name": "GroupName"},
    replace="vpcId",
    provider_only="revokeRulesOnDelete",
    features=(_inline_rules("ingress"), _inline_rules("egress")),
    references={"vpcId": references.VPC},
)


def _rule_permission(inputs: Inputs) -> dict[str, Any]:
    permission = {key: inputs[key] for key in given(inputs, "ipProtocol", "fromPort", "toPort")}
    note = members(inputs, "description")
    for key in given(inputs, *_RULE_SOURCES):
        member, name = _RULE_SOURCES[key]
        permission[member] = [{name: inputs[key], **note}]
    return {"securityGroupId": inputs.get("securityGroupId"), "ipPermissions": [permission]}


def _change_rule(api: Api, live: Live) -> None:
    keys = given(live.state, "ipProtocol", "fromPort", "toPort", "description", *_RULE_SOURCES)
    rule = {capital(key).replace("SecurityGroupId", "GroupId"): live.state[key] for key in keys}
    change = {"SecurityGroupRuleId": live.id, "SecurityGroupRule": rule}
    api("modify_security_group_rules", GroupId=live.state["securityGroupId"], SecurityGroupRules=[change])


def _rule_ports(inputs: Inputs) -> Iterable[CheckFailure]:
    yield from exactly_one(*_RULE_SOURCES)(inputs)
    low, high = inputs.get("fromPort"), inputs.get("toPort")
    if inputs.get("ipProtocol") in ("tcp", "udp", "6", "17"):
        for key in ("fromPort", "toPort"):
            if inputs.get(key) is None:
                yield CheckFailure(key, f"{inputs['ipProtocol']} needs {key}")
    # Of ICMP they are the type and the code of a message.
    icmp = inputs.get("ipProtocol") in ("icmp", "icmpv6", "1", "58")
    if not icmp and isinstance(low, int) and isinstance(high, int) and low > high:
        yield CheckFailure("toPort", f"must not be below fromPort ({low})")


def _rule_description(live: Live) -> str | None:
    """The emulator does not keep the description of a rule for another group."""
    source = live.state if live.description.get("ReferencedGroupInfo") else {}
    described = live.description.get("Description") or source.get("description")
    return str(described) if described else None


_PROTOCOLS = "-1, tcp, udp, icmp, icmpv6 or a protocol number"


def _security_group_rule(direction: str) -> ResourceType:
    name = direction.capitalize()
    return ResourceType(
        token=f"aws:vpc/securityGroup{name}Rule:SecurityGroup{name}Rule",
        service="ec2",
        create=f"authorize_security_group_{direction}",
        id="SecurityGroupRules[0].SecurityGroupRuleId",
        tag_specification="security-group-rule",
        tagging=TAGGING,
        prepare=_rule_permission,
        renames={"securityGroupId": "GroupId"},
        read=call("describe_security_group_rules", SecurityGroupRuleIds="id"),
        description="SecurityGroupRules[0]",
        attributes={
            "arn": arn("ec2", "security-group-rule/{id}"),
            "description": _rule_description,
            "securityGroupId": "GroupId",
            "referencedSecurityGroupId": "ReferencedGroupInfo.GroupId",
        },
        custom_update=_change_rule,
        custom_update_inputs=f"description fromPort ipProtocol toPort {' '.join(_RULE_SOURCES)}",
        delete=call(f"revoke_security_group_{direction}", GroupId="securityGroupId", SecurityGroupRuleIds="id"),
        replace="securityGroupId",
        validate=_rule_ports,
        rules={
            "description": _DESCRIPTION,
            "cidrIpv4": rules.ipv4_network,
            "cidrIpv6": rules.ipv6_network,
            **each("fromPort toPort", rules.between(-1, 65535)),
            "ipProtocol": rules.matches(r"-1|tcp|udp|icmp|icmpv6|\d{1,3}", _PROTOCOLS),
        },
        references={
            **each("securityGroupId referencedSecurityGroupId", references.SECURITY_GROUP),
            "prefixListId": references.PREFIX_LIST,
        },
    )


_LISTED = "SecurityGroupRules[?GroupId=='{{id}}' && IsEgress==`{}`].SecurityGroupRuleId"
_REVOKE = {"GroupId": "id", "SecurityGroupRuleIds": "one"}

_RULES_EXCLUSIVE = exclusive(
    "aws:ec2/vpcSecurityGroupRulesExclusive:VpcSecurityGroupRulesExclusive",
    "ec2",
    "securityGroupId",
    call("describe_security_group_rules"),
    {
        "ingressRuleIds": (_LISTED.format("false"), call("revoke_security_group_ingress", **_REVOKE)),
        "egressRuleIds": (_LISTED.format("true"), call("revoke_security_group_egress", **_REVOKE)),
    },
    exists=call("describe_security_groups", GroupIds="id"),
    references={"securityGroupId": references.SECURITY_GROUP},
)

_RULE_TYPES = (_security_group_rule("ingress"), _security_group_rule("egress"))
TYPES = (_SECURITY_GROUP, _DEFAULT_SECURITY_GROUP, _RULES_EXCLUSIVE, *_RULE_TYPES)
