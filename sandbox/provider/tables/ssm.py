"""Systems Manager: documents and parameters."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from sandbox.provider.emulator import Api, ApiError
from sandbox.provider.model import (
    Autoname,
    Feature,
    Inputs,
    Live,
    Request,
    ResourceType,
    Tagging,
    Text,
    arn,
    call,
    constant,
    template,
)
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import capitals, described, exactly_one, given, members, send, tagging, without
from sandbox.provider.values import UNKNOWN


def _tagging(kind: str) -> Tagging:
    calls = "add_tags_to_resource remove_tags_from_resource list_tags_for_resource"
    return tagging(calls, "TagList", ResourceType=Text(kind), ResourceId="id")


_PLATFORMS = ("Linux", "MacOS", "Windows")
"""What AWS reports for documents that are bound to no platform, as those for sessions."""


def _publish_document(api: Api, live: Live) -> None:
    """The new version becomes the default, because that is the one that runs."""
    given = members(live.state, "content documentFormat targetType versionName")
    if live.state.get("attachmentsSources"):
        given["Attachments"] = [capitals(one) for one in live.state["attachmentsSources"]]
    try:
        answer = api("update_document", Name=live.id, DocumentVersion="$LATEST", **given)
        version = answer["DocumentDescription"]["DocumentVersion"]
    except ApiError as error:
        if error.code != "DuplicateDocumentContent":
            raise
        version = api("describe_document", Name=live.id)["Document"]["LatestVersion"]
    api("update_document_default_version", Name=live.id, DocumentVersion=version)


def _accounts(permissions: Any) -> list[str]:
    given = permissions.get("account_ids", "") if isinstance(permissions, Mapping) else ""
    return [account for account in str(given).split(",") if account]


def _share_with(identifier: str, **accounts: list[str]) -> Request:
    parameters = {key: value for key, value in accounts.items() if value}
    return Request("modify_document_permission", {"Name": identifier, "PermissionType": "Share", **parameters})


def _sharing(inputs: Inputs, identifier: str) -> Iterable[Request]:
    wanted = _accounts(inputs.get("permissions"))
    if wanted and UNKNOWN not in wanted:
        yield _share_with(identifier, AccountIdsToAdd=wanted)


def _sharers(api: Api, identifier: str) -> list[str]:
    found = api("describe_document_permission", Name=identifier, PermissionType="Share")["AccountIds"]
    return [str(account) for account in found]


def _share(api: Api, live: Live) -> None:
    present, wanted = _sharers(api, live.id), _accounts(live.state.get("permissions"))
    added = [account for account in wanted if account not in present]
    removed = [account for account in present if account not in wanted]
    if added or removed:
        send(api, [_share_with(live.id, AccountIdsToAdd=added, AccountIdsToRemove=removed)])


def _read_sharing(api: Api, live: Live) -> Mapping[str, Any]:
    accounts = _sharers(api, live.id)
    wanted = _accounts(live.state.get("permissions"))
    # The order of accounts in the text means nothing.
    listed = wanted if sorted(wanted) == sorted(accounts) else accounts
    return {"permissions": {"type": "Share", "account_ids": ",".join(listed)} if accounts else None}


def _share_with_none(api: Api, live: Live) -> None:
    """A document that is shared cannot be deleted."""
    accounts = _sharers(api, live.id)
    if accounts:
        send(api, [_share_with(live.id, AccountIdsToRemove=accounts)])


def _document_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    permissions = inputs.get("permissions")
    if isinstance(permissions, Mapping) and permissions:
        if permissions.get("type") != "Share":
            yield CheckFailure("permissions", 'needs the key "type" with the value "Share"')
        if "account_ids" not in permissions:
            yield CheckFailure("permissions", 'needs the key "account_ids"')
    content = inputs.get("content")
    if isinstance(content, str) and UNKNOWN not in content and inputs.get("documentFormat") in ("JSON", "YAML"):
        wrong = _wrong_content(content, str(inputs["documentFormat"]), inputs.get("documentType"))
        if wrong:
            yield CheckFailure("content", wrong)


_TYPES_WITHOUT_SCHEMA = ("ApplicationConfiguration", "ChangeCalendar", "CloudFormation", "ConformancePackTemplate")
"""Documents that are not Systems Manager's own kind."""

_SESSION_TYPES = ("InteractiveCommands", "NonInteractiveCommands", "Port", "Standard_Stream")


def _wrong_content(content: str, document_format: str, document_type: Any) -> str | None:
    try:
        document = json.loads(content) if document_format == "JSON" else yaml.safe_load(content)
    except (ValueError, yaml.YAMLError) as error:
        return f"must be {document_format}: {error}"
    if document_type in _TYPES_WITHOUT_SCHEMA:
        return None
    if not isinstance(document, dict) or not isinstance(document.get("schemaVersion"), str):
        return "must be an object with a schemaVersion, which is a text"
    return _wrong_session(document) if document_type == "Session" else None


def _wrong_session(document: Mapping[str, Any]) -> str | None:
    if document["schemaVersion"] != "1.0":
        return "must have the schemaVersion 1.0 for a Session document"
    if document.get("sessionType") not in _SESSION_TYPES:
        return f"must have a sessionType, one of {', '.join(_SESSION_TYPES)}"
    return None


_DOCUMENT = ResourceType(
    token="aws:ssm/document:Document",
    service="ssm",
    create="create_document",
    id=template("{name}"),
    tagging=_tagging("Document"),
    renames={"attachmentsSources": "Attachments"},
    read=described(
        call("describe_document", Name="id"),
        "Document",
        Content=(call("get_document", Name="id", DocumentVersion=Text("$LATEST")), "Content"),
    ),
    attributes={"arn": arn("ssm", "document/{id}"), "platformTypes": constant(list(_PLATFORMS))},
    absent_outputs="description parameters",
    write_only="attachmentsSources",
    custom_update=_publish_document,
    custom_update_inputs="attachmentsSources content documentFormat targetType versionName",
    recomputed="createdDate defaultVersion description documentVersion hash latestVersion parameters schemaVersion",
    before_delete=_share_with_none,
    delete=call("delete_document", Name="id"),
    # The type cannot be changed by any call.
    replace="name documentType",
    autoname=Autoname("name", longest=128),
    defaults={"documentFormat": "JSON"},
    features=(Feature("permissions", _sharing, apply=_share, read=_read_sharing, replaces_all=True),),
    validate=_document_rules,
    rules={"name": rules.matches(r"(?!aws|amazon|amzn)[a-zA-Z0-9_.-]{3,128}", "3 to 128 letters, digits and _ . -")},
)

_VALUES = ("insecureValue", "valueWo", "value")


def _parameter_value(inputs: Inputs) -> dict[str, Any]:
    """The three inputs for the value differ in how the state shows it."""
    values = [inputs[key] for key in given(inputs, "value", "insecureValue", "valueWo")]
    return {**without(inputs, *_VALUES, "valueWoVersion"), "value": values[0] if values else None}


def _read_parameter(api: Api, live: Live) -> Mapping[str, Any]:
    filters = [{"Key": "Name", "Option": "Equals", "Values": [live.id]}]
    described = api("describe_parameters", ParameterFilters=filters)["Parameters"]
    parameter = api("get_parameter", Name=live.id, WithDecryption=True)["Parameter"]
    return {**(described[0] if described else {}), **parameter}


def _value_of(key: str) -> Any:
    """The value under the input that gave it; one that was found and not given is `value`."""

    def value(live: Live) -> str:
        given = next((name for name in ("insecureValue", "valueWo") if live.state.get(name)), "value")
        return str(live.description["Value"]) if key == given else ""

    return value


def _change_parameter(api: Api, live: Live) -> None:
    state = live.state
    api(
        "put_parameter",
        Name=live.id,
        Overwrite=True,
        Type=state["type"],
        Value=next(state[key] for key in _VALUES if state.get(key)),
        # What is left out AWS keeps as it was.
        Description=state.get("description") or "",
        AllowedPattern=state.get("allowedPattern") or "",
        **members(state, "keyId tier"),
    )


def _parameter_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    yield from exactly_one("value", "insecureValue", "valueWo")(inputs)
    if (inputs.get("valueWo") is None) != (inputs.get("valueWoVersion") is None):
        yield CheckFailure("valueWoVersion", "valueWo and valueWoVersion go together")
    secure = inputs.get("type") == "SecureString"
    if secure and inputs.get("insecureValue") is not None:
        yield CheckFailure("insecureValue", "cannot hold a SecureString: use value")
    if not secure and inputs.get("keyId") is not None:
        yield CheckFailure("keyId", "is for a SecureString only")


_NAME = "at most 2048 letters, digits and _ . - /, not beginning with aws or ssm"

_PARAMETER = ResourceType(
    token="aws:ssm/parameter:Parameter",
    service="ssm",
    create="put_parameter",
    id=template("{name}"),
    tagging=_tagging("Parameter"),
    prepare=_parameter_value,
    read=_read_parameter,
    attributes={
        "hasValueWo": lambda live: bool(live.state.get("valueWo")),
        "insecureValue": _value_of("insecureValue"),
        "value": _value_of("value"),
    },
    absent_outputs="keyId",
    write_only="keyId valueWo valueWoVersion",
    custom_update=_change_parameter,
    custom_update_inputs="allowedPattern description insecureValue keyId type value valueWo valueWoVersion",
    recomputed="hasValueWo version",
    delete=call("delete_parameter", Name="id"),
    # AWS refuses to go back to a lower tier; upwards the sandbox replaces as well.
    replace="name dataType tier",
    autoname=Autoname("name", longest=2048),
    # Nothing outside the program is there to be overwritten.
    provider_only="arn overwrite",
    validate=_parameter_rules,
    rules={
        "dataType": rules.one_of("text", "aws:ec2:image", "aws:ssm:integration"),
        "name": rules.matches(r"(?!/?(?i:aws|ssm))[a-zA-Z0-9_./-]{1,2048}", _NAME),
    },
    references={"keyId": references.KMS_KEY},
)

TYPES = (_DOCUMENT, _PARAMETER)
