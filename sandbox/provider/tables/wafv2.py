"""Web application firewall.

Rules may be listed in the web ACL or be resources of their own. Either way AWS keeps them in the ACL, which is always
written as a whole, under a lock token.
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_network
from typing import Any

from sandbox.provider import mapping, requests, schema
from sandbox.provider.emulator import Api
from sandbox.provider.model import Autoname, Inputs, Live, ResourceType, call, constant, template
from sandbox.provider.resource_provider import ProviderError
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import capital, capitals, exactly_one, members, required, tagging, under, without
from sandbox.provider.values import Properties

_WRITING = threading.RLock()
"""One writer at a time: of two with the same lock token AWS would refuse the second."""

_ACL_INPUTS = "associationConfig captchaConfig challengeConfig customResponseBodies dataProtectionConfig defaultAction "
_ACL_INPUTS += "description rules tokenDomains visibilityConfig"
_ACL_SETTINGS = {capital(key) for key in _ACL_INPUTS.split()}


def _keyed_bodies(inputs: Inputs) -> dict[str, Any]:
    """Response bodies are a list with keys in the schema and a map in the API."""
    bodies = inputs.get("customResponseBodies")
    if not isinstance(bodies, list):
        return dict(inputs)
    keyed = {one["key"]: capitals(without(one, "key")) for one in bodies if isinstance(one, Mapping)}
    return {**inputs, "customResponseBodies": keyed}


def _read_acl(api: Api, live: Live) -> Mapping[str, Any]:
    acl = _get(api, live.id, live.state["name"], live.state["scope"])["WebACL"]
    bodies = [{"Key": key, **body} for key, body in acl.get("CustomResponseBodies", {}).items()]
    # Rules that are resources of their own are not the ACL's to report.
    own = acl.get("Rules", []) if live.state.get("rules") else None
    return {**acl, "CustomResponseBodies": bodies or None, "Rules": own}


def _get(api: Api, identifier: str, name: str, scope: str) -> dict[str, Any]:
    return api("get_web_acl", Id=identifier, Name=name, Scope=scope)


def _parts(value: Any, member: str) -> Iterator[Any]:
    """The values of a member, at any depth."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from [one] if key == member else _parts(one, member)
    elif isinstance(value, list):
        for one in value:
            yield from _parts(one, member)


def _refuse_lost_bodies(acl: Mapping[str, Any]) -> None:
    """AWS keeps no rule that answers with a body that the web ACL does not have."""
    bodies = acl.get("CustomResponseBodies", {})
    for rule in acl.get("Rules", []):
        for body in _parts(rule, "CustomResponseBodyKey"):
            if body not in bodies:
                raise ProviderError(f"the rule {rule['Name']} answers with the body {body}, which the web ACL lacks")


def _write(api: Api, identifier: str, name: str, scope: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the settings of a web ACL."""
    with _WRITING:
        current = _get(api, identifier, name, scope)
        acl = {key: value for key, value in current["WebACL"].items() if key in _ACL_SETTINGS and value}
        change(acl)
        _refuse_lost_bodies(acl)
        api("update_web_acl", Id=identifier, Name=name, Scope=scope, LockToken=current["LockToken"], **acl)


def _own_inputs(kind: ResourceType, live: Live) -> Properties:
    declared = schema.resource(kind.token)
    return {key: live.state[key] for key in declared.inputs if key in live.state} if declared else {}


def _amend_acl(api: Api, live: Live) -> None:
    inputs = _own_inputs(_WEB_ACL, live)
    wanted = dict(requests.creation(_WEB_ACL, inputs, {})[0].parameters)
    if "rules" not in inputs:
        wanted.pop("Rules", None)
    settings = {key: value for key, value in wanted.items() if key in _ACL_SETTINGS and value != ""}

    def change(acl: dict[str, Any]) -> None:
        kept = acl.get("Rules", [])
        acl.clear()
        acl.update({"Rules": kept, **settings})

    _write(api, live.id, live.state["name"], live.state["scope"], change)


def _delete_acl(api: Api, live: Live) -> None:
    name, scope = live.state["name"], live.state["scope"]
    with _WRITING:
        token = _get(api, live.id, name, scope)["LockToken"]
        api("delete_web_acl", Id=live.id, Name=name, Scope=scope, LockToken=token)


_WEB_ACL = ResourceType(
    token="aws:wafv2/webAcl:WebAcl",
    service="wafv2",
    create="create_web_acl",
    id="Summary.Id",
    tagging=tagging(
        "tag_resource untag_resource list_tags_for_resource", "TagInfoForResource.TagList", ResourceARN="arn"
    ),
    prepare=_keyed_bodies,
    read=_read_acl,
    attributes={
        # The token changes with every rule that is a resource of its own.
        "lockToken": constant("held-by-the-emulator"),
        "capacity": constant(0),
    },
    absent_outputs="applicationIntegrationUrl",
    write_only="scope",
    custom_update=_amend_acl,
    custom_update_inputs=_ACL_INPUTS,
    delete=_delete_acl,
    replace="name namePrefix scope",
    autoname=Autoname("name", longest=128),
    rules={"scope": rules.one_of("REGIONAL", "CLOUDFRONT")},
)

_RULE_RENAMES = {"*.headerOrders": "HeaderOrder"}


def _rule_parameters(inputs: Inputs) -> mapping.Mapped:
    """A rule in the API's form."""
    shape = mapping.service("wafv2").shape_for("Rule")
    return mapping.to_parameters(shape, without(inputs, "webAclArn", "region", "timeouts"), _RULE_RENAMES)


def _validate_rule(inputs: Inputs) -> Iterator[CheckFailure]:
    shape = mapping.service("wafv2").shape_for("Rule")
    yield from requests.shape_failures(_rule_parameters(inputs), shape, dict(inputs), "Rule")
    yield from exactly_one("action", "overrideAction")(inputs)
    yield from required({"statement": "a rule needs a statement"})(inputs)


def _acl_parts(arn: str) -> tuple[str, str, str]:
    """Id, name and scope of a web ACL, from its ARN."""
    scope, _, name, identifier = arn.split(":", 5)[5].split("/")
    return identifier, name, "CLOUDFRONT" if scope == "global" else "REGIONAL"


def _put_rule(api: Api, live: Live, *, exists: bool) -> str:
    rule = _rule_parameters(_own_inputs(_WEB_ACL_RULE, live)).parameters

    def change(acl: dict[str, Any]) -> None:
        present = acl.get("Rules", [])
        others = [one for one in present if one["Name"] != rule["Name"]]
        if len(others) < len(present) and not exists:
            raise ProviderError(f"the web ACL already has a rule named {rule['Name']}")
        taken = [one["Name"] for one in others if one["Priority"] == rule["Priority"]]
        if taken:
            raise ProviderError(f"the rule {rule['Name']} has the priority of the rule {taken[0]}")
        acl["Rules"] = [*others, rule]

    arn = live.state["webAclArn"]
    _write(api, *_acl_parts(arn), change)
    return f"{arn},{rule['Name']}"


def _read_rule(api: Api, live: Live) -> Mapping[str, Any] | None:
    acl = _get(api, *_acl_parts(live.state["webAclArn"]))["WebACL"]
    return next((rule for rule in acl.get("Rules", []) if rule["Name"] == live.state["name"]), None)


def _delete_rule(api: Api, live: Live) -> None:
    def change(acl: dict[str, Any]) -> None:
        acl["Rules"] = [rule for rule in acl.get("Rules", []) if rule["Name"] != live.state["name"]]

    _write(api, *_acl_parts(live.state["webAclArn"]), change)


_SETS = ("", "notStatement.statement.", "notStatement.statement.orStatement.statements.")
"""Where a rule may refer to an IP set: by itself, or to all addresses but those of some sets."""
_ACL_ARN = r"arn:aws:wafv2:.+:(regional|global)/webacl/[^/]+/[^/]+"

_WEB_ACL_RULE = ResourceType(
    token="aws:wafv2/webAclRule:WebAclRule",
    service="wafv2",
    custom_create=lambda api, live: _put_rule(api, live, exists=False),
    custom_update=lambda api, live: _put_rule(api, live, exists=True),
    custom_create_inputs="webAclArn name priority action overrideAction statement visibilityConfig captchaConfig "
    "challengeConfig ruleLabels",
    provider_only="timeouts",
    read=_read_rule,
    renames=_RULE_RENAMES,
    write_only="webAclArn",
    delete=_delete_rule,
    replace="webAclArn name",
    autoname=Autoname("name", longest=128),
    validate=_validate_rule,
    rules={"webAclArn": rules.matches(_ACL_ARN, "the ARN of a web ACL")},
    references={
        "webAclArn": references.WEB_ACL,
        **{f"statement.{path}ipSetReferenceStatement.arn": references.IP_SET for path in _SETS},
    },
)


def _named(live: Live) -> dict[str, str]:
    return {"Id": live.id, "Name": live.state["name"], "Scope": live.state["scope"]}


def _amend_ip_set(api: Api, live: Live) -> None:
    token = api("get_ip_set", **_named(live))["LockToken"]
    described = members(live.state, "description")
    api("update_ip_set", **_named(live), LockToken=token, Addresses=live.state.get("addresses") or [], **described)


def _delete_ip_set(api: Api, live: Live) -> None:
    """AWS keeps a set while a rule refers to it."""
    for acl in api("list_web_acls", Scope=live.state["scope"])["WebACLs"]:
        found = _get(api, acl["Id"], acl["Name"], live.state["scope"])["WebACL"]
        for rule in found.get("Rules", []):
            if live.state["arn"] in _parts(rule["Statement"], "ARN"):
                raise ProviderError(f"the rule {rule['Name']} of the web ACL {acl['Name']} refers to this IP set")
    api("delete_ip_set", **_named(live), LockToken=api("get_ip_set", **_named(live))["LockToken"])


def _validate_addresses(inputs: Inputs) -> Iterator[CheckFailure]:
    version = str(inputs.get("ipAddressVersion", "")).removeprefix("IPV")
    for address in inputs.get("addresses") or ():
        if isinstance(address, str) and version in ("4", "6"):
            try:
                network = ip_network(address, strict=False)
            except ValueError:
                yield CheckFailure("addresses", f"{address} is not a network")
                continue
            if str(network.version) != version or "/" not in address or network.prefixlen == 0:
                yield CheckFailure("addresses", f"{address} is not a network of IPv{version} with a prefix above /0")


_IP_SET = ResourceType(
    token="aws:wafv2/ipSet:IpSet",
    service="wafv2",
    create="create_ip_set",
    id="Summary.Id",
    tagging=tagging(
        "tag_resource untag_resource list_tags_for_resource", "TagInfoForResource.TagList", ResourceARN="arn"
    ),
    read=lambda api, live: api("get_ip_set", **_named(live))["IPSet"],
    # The token changes with every change.
    attributes={"lockToken": constant("held-by-the-emulator")},
    write_only="scope",
    custom_update=_amend_ip_set,
    custom_update_inputs="addresses description",
    delete=_delete_ip_set,
    replace="ipAddressVersion name namePrefix scope",
    autoname=Autoname("name", longest=128),
    rules={
        "scope": rules.one_of("REGIONAL", "CLOUDFRONT"),
        "ipAddressVersion": rules.one_of("IPV4", "IPV6"),
    },
    validate=_validate_addresses,
)


def _associated(api: Api, live: Live) -> Mapping[str, Any] | None:
    found = api("get_web_acl_for_resource", ResourceArn=live.state["resourceArn"]).get("WebACL")
    return found if found and found["ARN"] == live.state["webAclArn"] else None


_ASSOCIATION = ResourceType(
    token="aws:wafv2/webAclAssociation:WebAclAssociation",
    service="wafv2",
    create="associate_web_acl",
    id=template("{webAclArn},{resourceArn}"),
    read=_associated,
    write_only="resourceArn webAclArn",
    delete=call("disassociate_web_acl", ResourceArn="resourceArn"),
    replace="resourceArn webAclArn",
    rules={"resourceArn": rules.arn},
    references={"webAclArn": references.WEB_ACL},
)


def _log_destination(value: str) -> str | None:
    name = re.split(":log-group:|:::|deliverystream/", value)[-1]
    return None if name.startswith("aws-waf-logs-") else "must name a destination that begins with aws-waf-logs-"


_LOGGING = ResourceType(
    token="aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
    service="wafv2",
    create="put_logging_configuration",
    id=template("{resourceArn}"),
    renames=under("LoggingConfiguration", "logDestinationConfigs loggingFilter redactedFields resourceArn"),
    read=call("get_logging_configuration", ResourceArn="id"),
    replaces_all=True,
    delete=call("delete_logging_configuration", ResourceArn="id"),
    replace="resourceArn",
    rules={"logDestinationConfigs": _log_destination},
    references={"resourceArn": references.WEB_ACL},
)

TYPES = (_WEB_ACL, _WEB_ACL_RULE, _IP_SET, _ASSOCIATION, _LOGGING)
