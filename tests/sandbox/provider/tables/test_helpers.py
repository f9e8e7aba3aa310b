"""The shapes that the tables of several services share."""

from typing import Any

import pytest

from sandbox.provider.emulator import Api, Emulator
from sandbox.provider.model import Live, Request, call
from sandbox.provider.tables import helpers


class _Answers(Emulator):
    """An emulator that gives fixed answers and records the calls."""

    def __init__(self, **answers: Any) -> None:
        super().__init__("http://127.0.0.1:1", "123456789012", "us-east-1")
        self.answers = answers
        self.calls: list[Request] = []

    def call(self, service: str, region: str, operation: str, parameters: Any) -> dict[str, Any]:
        self.calls.append(Request(operation, dict(parameters)))
        answer: dict[str, Any] = self.answers.get(operation, {})
        return answer


def _live(identifier: str, **state: Any) -> Live:
    return Live(identifier, {}, state, "us-east-1", "123456789012")


@pytest.mark.parametrize(
    ("inputs", "failures"),
    [({"a": 1}, []), ({"b": 0}, []), ({}, ["a"]), ({"a": 1, "b": 2}, ["a"]), ({"a": None}, ["a"])],
)
def test_exactly_one_of_some_inputs_must_be_given(inputs: dict[str, Any], failures: list[str]) -> None:
    assert [one.property for one in helpers.exactly_one("a", "b")(inputs)] == failures


def test_members_are_named_by_a_capital_or_by_the_table() -> None:
    assert helpers.members({"keyId": "k", "tier": ""}, "keyId tier absent") == {"KeyId": "k"}
    assert helpers.members({"policy": "{}"}, {"policy": "PolicyDocument"}) == {"PolicyDocument": "{}"}


def test_an_item_is_picked_from_a_list_by_its_members() -> None:
    read = helpers.pick(call("list_aliases"), "Aliases", AliasName="id")
    api = _Answers(list_aliases={"Aliases": [{"AliasName": "alias/a"}, {"AliasName": "alias/b"}]}).api("kms")
    assert read(api, _live("alias/b")) == {"AliasName": "alias/b"}
    assert read(api, _live("alias/c")) is None


def test_a_description_is_completed_by_calls_that_use_it() -> None:
    emulator = _Answers(
        get_policy={"Policy": {"DefaultVersionId": "v3"}}, get_policy_version={"PolicyVersion": {"Document": "{}"}}
    )
    version = call("get_policy_version", PolicyArn="id", VersionId="DefaultVersionId")
    read = helpers.described(call("get_policy", PolicyArn="id"), "Policy", Document=(version, "PolicyVersion.Document"))
    assert read(emulator.api("iam"), _live("arn")) == {"DefaultVersionId": "v3", "Document": "{}"}
    assert emulator.calls[-1] == Request("get_policy_version", {"PolicyArn": "arn", "VersionId": "v3"})
    assert read(_Answers().api("iam"), _live("arn")) is None


@pytest.mark.parametrize(("policy", "operation"), [("{}", "put_resource_policy"), (None, "delete_resource_policy")])
def test_a_setting_is_set_or_removed(policy: str | None, operation: str) -> None:
    feature = helpers.set_or_remove(
        "secretsmanager",
        "policy",
        call("put_resource_policy", SecretId="id", ResourcePolicy="policy"),
        call("delete_resource_policy", SecretId="id"),
    )
    (request,) = feature.requests({"policy": policy}, "secret")
    given = {"ResourcePolicy": policy} if policy else {}
    assert request == Request(operation, {"SecretId": "secret", **given})


def test_what_is_not_listed_is_removed_from_its_owner() -> None:
    kind = helpers.exclusive(
        "aws:iam/rolePoliciesExclusive:RolePoliciesExclusive",
        "iam",
        "roleName",
        call("list_role_policies", RoleName="id"),
        {"policyNames": ("PolicyNames", call("delete_role_policy", RoleName="id", PolicyName="one"))},
    )
    emulator = _Answers(list_role_policies={"PolicyNames": ["kept", "foreign"]})
    api: Api = emulator.api("iam")
    assert kind.custom_create is not None
    assert kind.custom_create(api, _live("", roleName="r", policyNames=["kept"])) == "r"
    assert emulator.calls[1:] == [Request("delete_role_policy", {"RoleName": "r", "PolicyName": "foreign"})]


def test_parameters_are_set_twenty_at_a_time() -> None:
    calls = helpers.parameter_changes("modify_cache_parameter_group", "CacheParameterGroupName", "ParameterNameValues")
    given = [{"name": f"p{number}", "value": "1"} for number in range(21)]
    sent = list(calls({"parameters": given}, "group"))
    assert [len(one.parameters["ParameterNameValues"]) for one in sent] == [20, 1]
