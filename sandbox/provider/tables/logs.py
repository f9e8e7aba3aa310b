"""CloudWatch Logs: groups, the policies that let services write to them, deliveries of other services' logs, masks,
and saved queries.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sandbox.provider.emulator import Api, ApiError
from sandbox.provider.model import Autoname, Feature, Inputs, Live, Request, ResourceType, Tagging, arn, call, template
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import exactly_one, pick, tagging
from sandbox.provider.tables.resource_policies import resource_policy

_RETENTION_DAYS = (
    *(0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""What CloudWatch Logs offers; 0 keeps the events permanently."""


def _retention(inputs: Inputs, identifier: str) -> Iterable[Request]:
    """Never for the class DELIVERY, whose retention AWS fixes."""
    if inputs.get("retentionInDays") and inputs.get("logGroupClass") != "DELIVERY":
        days = inputs["retentionInDays"]
        yield Request("put_retention_policy", {"logGroupName": identifier, "retentionInDays": days})


def _clear_retention(api: Api, live: Live) -> None:
    if not list(_retention(live.state, live.id)) and (live.state.get("previous") or {}).get("retentionInDays"):
        api("delete_retention_policy", logGroupName=live.id)


def _protection(inputs: Inputs, identifier: str) -> Iterable[Request]:
    parameters = {"deletionProtectionEnabled": inputs["deletionProtectionEnabled"]}
    yield Request("put_log_group_deletion_protection", {"logGroupIdentifier": identifier, **parameters})


def _check_protection(api: Api, live: Live) -> None:
    if live.state.get("deletionProtectionEnabled"):
        reason = f"the log group {live.id} is protected: set deletionProtectionEnabled to false first"
        raise ApiError("logs delete_log_group", "ValidationException", reason)


_LOG_GROUP = ResourceType(
    token="aws:cloudwatch/logGroup:LogGroup",
    service="logs",
    create="create_log_group",
    id=template("{name}"),
    parameter_prefix="logGroup",
    tagging=tagging("tag_resource untag_resource list_tags_for_resource", "tags", survive=True, resourceArn="arn"),
    read=pick(call("describe_log_groups", logGroupNamePrefix="id"), "logGroups", logGroupName="id"),
    attributes={
        "arn": "logGroupArn",
        # Unknown to the emulator, like the protection; AWS's own choice is the standard class.
        "logGroupClass": lambda live: live.state.get("logGroupClass") or "STANDARD",
        "retentionInDays": "retentionInDays || `0`",
    },
    absent_outputs="deletionProtectionEnabled",
    # A group keeps its key in the emulator, whatever is asked for afterwards.
    update=call("associate_kms_key", logGroupName="id"),
    update_stored_only="kmsKeyId",
    before_delete=_check_protection,
    delete=call("delete_log_group", logGroupName="id"),
    delete_unless="skipDestroy",
    replace="name namePrefix logGroupClass",
    autoname=Autoname("name", longest=512),
    defaults={"retentionInDays": 0, "skipDestroy": False},
    provider_only="skipDestroy",
    features=(
        Feature("retentionInDays", _retention, clear=_clear_retention, replaces_all=True),
        Feature("deletionProtectionEnabled", _protection, stored_only=True),
    ),
    rules={
        "kmsKeyId": rules.matches(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/.+", "the ARN of a KMS key"),
        "name": rules.matches(r"(?!aws/).*", "a name that does not begin with aws/"),
        "retentionInDays": rules.one_of(*map(str, _RETENTION_DAYS)),
    },
    references={"kmsKeyId": references.KMS_KEY},
)


def _policy_id(live: Live) -> str:
    """The name for a policy of the account, the ARN for one of a resource."""
    return str(live.state.get("policyName") or live.state["resourceArn"])


def _policy_name(inputs: Inputs) -> dict[str, Any]:
    """The emulator identifies policies by name alone: that of a resource is kept under the resource's ARN."""
    name = inputs.get("policyName") or inputs.get("resourceArn")
    return {"policyName": name, "policyDocument": inputs.get("policyDocument")}


def _policy_scope(live: Live) -> str:
    return "RESOURCE" if live.id.startswith("arn:") else "ACCOUNT"


def _revision(live: Live) -> str:
    """AWS counts the revisions of policies of resources only."""
    return str(live.description["lastUpdatedTime"]) if _policy_scope(live) == "RESOURCE" else ""


_LOG_RESOURCE_POLICY = ResourceType(
    token="aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
    service="logs",
    create="put_resource_policy",
    id=_policy_id,
    prepare=_policy_name,
    read=pick(call("describe_resource_policies"), "resourcePolicies", policyName="id"),
    attributes={
        "policyName": lambda live: live.id if _policy_scope(live) == "ACCOUNT" else None,
        "policyScope": _policy_scope,
        "resourceArn": lambda live: live.id if _policy_scope(live) == "RESOURCE" else None,
        "revisionId": _revision,
    },
    replaces_all=True,
    recomputed="revisionId",
    delete=call("delete_resource_policy", policyName="id"),
    replace="policyName resourceArn",
    validate=exactly_one("policyName", "resourceArn"),
    rules={"policyDocument": resource_policy(), "resourceArn": rules.arn},
    references={"resourceArn": references.LOG_GROUP},
)


def _delivery_tagging() -> Tagging:
    return tagging("tag_resource untag_resource list_tags_for_resource", "tags", survive=True, resourceArn="arn")


_DELIVERY_SOURCE = ResourceType(
    token="aws:cloudwatch/logDeliverySource:LogDeliverySource",
    service="logs",
    create="put_delivery_source",
    id="deliverySource.name",
    tagging=_delivery_tagging(),
    read=call("get_delivery_source", name="id"),
    description="deliverySource",
    attributes={"resourceArn": "resourceArns[0]"},
    replaces_all=True,
    delete=call("delete_delivery_source", name="id"),
    replace="logType name resourceArn",
    autoname=Autoname("name", longest=60),
    rules={"resourceArn": rules.arn},
    references={"resourceArn": references.LOGGED},
)

_DELIVERY_DESTINATION = ResourceType(
    token="aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination",
    service="logs",
    create="put_delivery_destination",
    id="deliveryDestination.name",
    tagging=_delivery_tagging(),
    read=call("get_delivery_destination", name="id"),
    description="deliveryDestination",
    replaces_all=True,
    delete=call("delete_delivery_destination", name="id"),
    replace="deliveryDestinationType name",
    autoname=Autoname("name", longest=60),
    rules={"deliveryDestinationConfiguration.destinationResourceArn": rules.arn},
)

_DELIVERY = ResourceType(
    token="aws:cloudwatch/logDelivery:LogDelivery",
    service="logs",
    create="create_delivery",
    id="delivery.id",
    tagging=_delivery_tagging(),
    read=call("get_delivery", id="id"),
    description="delivery",
    update=call("update_delivery_configuration", id="id"),
    # The emulator cannot change a delivery.
    update_stored_only="fieldDelimiter recordFields s3DeliveryConfigurations",
    delete=call("delete_delivery", id="id"),
    replace="deliveryDestinationArn deliverySourceName",
    absent_outputs="fieldDelimiter",
    references={
        "deliverySourceName": references.DELIVERY_SOURCE,
        "deliveryDestinationArn": references.DELIVERY_DESTINATION,
    },
)

_IDENTIFIER = "arn:aws:dataprotection::aws:data-identifier/"
_POLICY_KEYS = {"Configuration", "Description", "Name", "Statement", "Version"}
_EXPRESSION = re.compile(r"[a-zA-Z0-9_#=@/;, ^$?\[\]{}|\\*+.-]{1,200}")


def data_protection(value: str) -> str | None:
    """A statement that audits and one that masks, both about the same data, which AWS knows or the policy defines."""
    wrong = rules.json_document(value)
    return wrong or next(_policy_faults(json.loads(value)), None)


def _policy_faults(policy: dict[str, Any]) -> Iterator[str]:
    if unknown := sorted(policy.keys() - _POLICY_KEYS):
        yield f"must not have {unknown[0]}"
    if policy.get("Version") != "2021-06-01" or not policy.get("Name"):
        yield "must have a Name, and 2021-06-01 as its Version"
    statements = policy.get("Statement") or []
    if [sorted(each.get("Operation", {})) for each in statements] != [["Audit"], ["Deidentify"]]:
        yield "must have two statements, the first with Audit and the second with Deidentify"
        return
    if "FindingsDestination" not in statements[0]["Operation"]["Audit"]:
        yield "must have a FindingsDestination, which may be empty, in Audit"
    if statements[1]["Operation"]["Deidentify"] != {"MaskConfig": {}}:
        yield "must have an empty MaskConfig in Deidentify"
    yield from _data_faults(policy, *(each.get("DataIdentifier") for each in statements))


def _data_faults(policy: Mapping[str, Any], audited: Any, masked: Any) -> Iterator[str]:
    if not audited or audited != masked:
        yield "must have the same DataIdentifier in both statements"
        return
    custom = {each.get("Name", ""): each.get("Regex", "") for each in _custom(policy)}
    for name, expression in custom.items():
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", name) or not _EXPRESSION.fullmatch(expression):
            yield f"must have a name and a regular expression of the characters that AWS lists: {name} {expression}"
    for each in audited:
        if not each.startswith(_IDENTIFIER) and each not in custom:
            yield f"must define {each}, which AWS does not"


def _custom(policy: Mapping[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = policy.get("Configuration", {}).get("CustomDataIdentifier", [])
    return found


_DATA_PROTECTION = ResourceType(
    token="aws:cloudwatch/logDataProtectionPolicy:LogDataProtectionPolicy",
    service="logs",
    stored_only=True,
    create="put_data_protection_policy",
    renames={"logGroupName": "logGroupIdentifier"},
    id=template("{logGroupName}"),
    replace="logGroupName",
    rules={"policyDocument": data_protection},
    references={"logGroupName": references.LOG_GROUP},
)

_COMMANDS = "dedup display fields filter limit parse pattern sort stats unmask unnest"


def query(value: str) -> str | None:
    """Commands of Logs Insights, separated by pipes that are not in a text or a regular expression."""
    parts = re.sub(r"'[^']*'|\"[^\"]*\"|/(?:\\.|[^/\n])*/", "", value).split("|")
    unknown = [part.strip() for part in parts if part.strip().partition(" ")[0].lower() not in _COMMANDS.split()]
    return f"must begin each command with one of {_COMMANDS}: {unknown[0] or 'an empty one'}" if unknown else None


_QUERY = ResourceType(
    token="aws:cloudwatch/queryDefinition:QueryDefinition",
    service="logs",
    stored_only=True,
    create="put_query_definition",
    id=template("{name}"),
    attributes={"arn": arn("logs", "query-definition:{id}"), "queryDefinitionId": template("{id}")},
    rules={
        "name": rules.matches(
            r"([^:*/]+/?)*[^:*/]+", "a name without colon and asterisk, not with a slash at its ends"
        ),
        "queryString": query,
    },
    references={"logGroupNames": references.LOG_GROUP},
)

TYPES = (
    _LOG_GROUP,
    _LOG_RESOURCE_POLICY,
    _DELIVERY_SOURCE,
    _DELIVERY_DESTINATION,
    _DELIVERY,
    _DATA_PROTECTION,
    _QUERY,
)
