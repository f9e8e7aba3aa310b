"""Systems Manager in the sandbox: real documents in versions, and parameters."""

import json
from typing import Any

import pytest

from tests.sandbox.provider.services import ACCOUNT, REGION, Resource, Services

pytestmark = pytest.mark.emulator

DOCUMENT = "aws:ssm/document:Document"
PARAMETER = "aws:ssm/parameter:Parameter"
SESSION_TYPES = "InteractiveCommands, NonInteractiveCommands, Port, Standard_Stream"


def session(minutes: int = 20, **changes: Any) -> str:
    content = {
        "schemaVersion": "1.0",
        "description": "Shell, recorded",
        "sessionType": "Standard_Stream",
        "inputs": {"idleSessionTimeout": str(minutes)},
        **changes,
    }
    return json.dumps(content, sort_keys=True)


def document(services: Services, **inputs: Any) -> Resource:
    return services.create(
        DOCUMENT, {"name": "fixrx-session", "documentType": "Session", "content": session(), **inputs}
    )


def describe(services: Services, resource: Resource) -> dict[str, Any]:
    found: dict[str, Any] = services.client("ssm").describe_document(Name=resource.id)["Document"]
    return found


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({}, []),
        ({"name": "amazon-session"}, [("name", "must be 3 to 128 letters, digits and _ . -")]),
        (
            {"content": "{"},
            [("content", "must be JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)")],
        ),
        ({"content": "{}"}, [("content", "must be an object with a schemaVersion, which is a text")]),
        (
            {"content": session(schemaVersion="2.2")},
            [("content", "must have the schemaVersion 1.0 for a Session document")],
        ),
        (
            {"content": session(sessionType="Shell")},
            [("content", f"must have a sessionType, one of {SESSION_TYPES}")],
        ),
        (
            {"permissions": {"account_ids": ACCOUNT}},
            [("permissions", 'needs the key "type" with the value "Share"')],
        ),
    ],
)
def test_check_of_a_document(services: Services, inputs: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    given = {"name": "fixrx-session", "documentType": "Session", "content": session(), **inputs}
    assert services.failures(DOCUMENT, given) == expected


def test_the_kind_of_a_document_is_one_of_aws(services: Services) -> None:
    failures = services.failures(DOCUMENT, {"name": "fixrx", "documentType": "Shell", "content": session()})
    assert [path for path, _ in failures] == ["documentType"]


def test_a_document_in_versions(services: Services) -> None:
    created = document(services, tags={"Purpose": "admin"})
    names = ("arn", "owner", "status", "schemaVersion", "description", "hashType", "parameters", "platformTypes")
    assert [created.state[name] for name in names] == [
        f"arn:aws:ssm:{REGION}:{ACCOUNT}:document/fixrx-session",
        ACCOUNT,
        "Active",
        "1.0",
        "Shell, recorded",
        "Sha256",
        [],
        ["Linux", "MacOS", "Windows"],
    ]
    versions = ("documentVersion", "defaultVersion", "latestVersion")
    assert [created.state[name] for name in versions] == ["1", "1", "1"]
    assert services.drift(created) == {}
    first = created.state["hash"]

    services.update(created, content=session(minutes=30), tags={"Purpose": "operators"})

    assert [created.state[name] for name in versions] == ["2", "2", "2"]
    assert created.state["hash"] == describe(services, created)["Hash"] != first
    ssm = services.client("ssm")
    assert ssm.get_document(Name=created.id)["Content"] == session(minutes=30)
    assert ssm.list_tags_for_resource(ResourceType="Document", ResourceId=created.id)["TagList"] == [
        {"Key": "Project", "Value": "fixrx"},
        {"Key": "Purpose", "Value": "operators"},
    ]
    assert services.drift(created) == {}
    assert services.changes(created, name="fixrx-shell") == {"name": True}
    assert services.changes(created, documentType="Command")["documentType"] is True

    ssm.update_document(Name=created.id, DocumentVersion="$LATEST", Content=session(minutes=60))
    assert services.drift(created) == {"content": session(minutes=60)}


def test_content_that_was_there_before_becomes_the_default_again(services: Services) -> None:
    created = document(services)
    services.update(created, versionName="first")
    assert created.state["defaultVersion"] == "1"


def test_parameters_of_a_command(services: Services) -> None:
    content = {
        "schemaVersion": "2.2",
        "parameters": {"path": {"type": "String", "default": "/", "description": "where"}},
        "mainSteps": [{"action": "aws:runShellScript", "name": "list", "inputs": {"runCommand": ["ls"]}}],
    }
    created = document(services, documentType="Command", content=json.dumps(content))
    assert created.state["description"] == ""
    assert created.state["parameters"] == [
        {"name": "path", "type": "String", "defaultValue": "/", "description": "where"}
    ]


def test_a_shared_document_is_unshared_and_deleted(services: Services) -> None:
    created = document(services, permissions={"type": "Share", "account_ids": "222222222222,333333333333"})
    ssm = services.client("ssm")
    assert services.drift(created) == {}
    services.update(created, permissions={"type": "Share", "account_ids": "333333333333,444444444444"})
    shared = ssm.describe_document_permission(Name=created.id, PermissionType="Share")["AccountIds"]
    assert sorted(shared) == ["333333333333", "444444444444"]
    services.destroy()
    assert ssm.list_documents(Filters=[{"Key": "Owner", "Values": ["Self"]}])["DocumentIdentifiers"] == []


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (
            {},
            [
                ("", "required by the API: Value (PutParameter: Value)"),
                ("value", "exactly one of value, insecureValue, valueWo must be given"),
            ],
        ),
        (
            {"value": "a", "insecureValue": "a"},
            [("value", "exactly one of value, insecureValue, valueWo must be given")],
        ),
        ({"insecureValue": "a", "type": "SecureString"}, [("insecureValue", "cannot hold a SecureString: use value")]),
        ({"value": "a", "keyId": "alias/aws/ssm"}, [("keyId", "is for a SecureString only")]),
        ({"valueWo": "a"}, [("valueWoVersion", "valueWo and valueWoVersion go together")]),
        (
            {"value": "a", "name": "/aws/a"},
            [("name", "must be at most 2048 letters, digits and _ . - /, not beginning with aws or ssm")],
        ),
    ],
)
def test_check_of_a_parameter(services: Services, inputs: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert services.failures(PARAMETER, {"name": "/fixrx/a", "type": "String", **inputs}) == expected


def test_a_parameter_changes_in_place_and_drifts(services: Services) -> None:
    inputs = {"name": "/fixrx/a", "type": "SecureString", "value": "one", "description": "d", "tags": {"Tier": "app"}}
    created = services.create(PARAMETER, inputs)
    names = ("arn", "version", "value", "insecureValue", "keyId", "tier", "dataType", "hasValueWo")
    assert [created.state[name] for name in names] == [
        f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/fixrx/a",
        1,
        "one",
        "",
        "alias/aws/ssm",
        "Standard",
        "text",
        False,
    ]
    assert services.drift(created) == {}

    services.update(created, value="two", description=None, tags={"Tier": "data"})

    ssm = services.client("ssm")
    assert ssm.get_parameter(Name=created.id, WithDecryption=True)["Parameter"]["Value"] == "two"
    assert created.state["version"] == 2
    assert "Description" not in ssm.describe_parameters()["Parameters"][0]
    assert ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=created.id)["TagList"] == [
        {"Key": "Project", "Value": "fixrx"},
        {"Key": "Tier", "Value": "data"},
    ]
    assert services.drift(created) == {}

    ssm.put_parameter(Name=created.id, Value="by hand", Overwrite=True)
    assert services.drift(created) == {"value": "by hand"}
    services.delete(created)
    assert ssm.describe_parameters()["Parameters"] == []


def test_an_insecure_value_is_shown_and_drifts(services: Services) -> None:
    created = services.create(PARAMETER, {"name": "size", "type": "String", "insecureValue": "1"})
    assert (created.state["insecureValue"], created.state["value"]) == ("1", "")
    services.update(created, insecureValue="2")
    assert services.drift(created) == {}
    services.client("ssm").put_parameter(Name="size", Value="3", Overwrite=True)
    assert services.drift(created) == {"insecureValue": "3"}
