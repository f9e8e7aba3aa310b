"""The protocol: what the engine sends and gets, with secrets, configuration, previews, differences and faults."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from sandbox.provider import values
from sandbox.provider.protocol import Servicer, serve
from tests.sandbox.provider.services import ACCOUNT, Services, emulator

pytestmark = pytest.mark.emulator

PASSWORD = "correct horse battery staple"
VPC = "aws:ec2/vpc:Vpc"
RANDOM_PASSWORD = "random:index/randomPassword:RandomPassword"
SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"


class Engine:
    """Speaks to the servicer over gRPC, as the engine does."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{port}",
            # Channels of one process would otherwise share a connection, which those of the engine do not.
            options=[("grpc.use_local_subchannel_pool", 1)],
        )
        self.provider = provider_pb2_grpc.ResourceProviderStub(self.channel)

    def configure(self, **settings: str) -> Any:
        return self.provider.Configure(provider_pb2.ConfigureRequest(args=_struct(settings), acceptSecrets=True))

    def check(self, token: str, inputs: Mapping[str, Any], name: str = "it", **fields: Any) -> Any:
        news = _struct(inputs)
        return self.provider.Check(
            provider_pb2.CheckRequest(urn=_urn(token, name), news=news, randomSeed=b"seed", **fields)
        )

    def create(self, token: str, inputs: Mapping[str, Any], name: str = "it", preview: bool = False) -> Any:
        checked = self.check(token, inputs, name)
        assert list(checked.failures) == []
        request = provider_pb2.CreateRequest(urn=_urn(token, name), properties=checked.inputs, preview=preview)
        return self.provider.Create(request)

    def diff(self, token: str, old: Mapping[str, Any], new: Mapping[str, Any], state: Mapping[str, Any]) -> Any:
        return self.provider.Diff(
            provider_pb2.DiffRequest(
                id="it", urn=_urn(token, "it"), old_inputs=_struct(old), news=_struct(new), olds=_struct(state)
            )
        )


def _urn(token: str, name: str) -> str:
    return f"urn:pulumi:production::fixrx::fixrx:components:Database${token}::{name}"


def _struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    return values.to_struct(properties)


@pytest.fixture
def engine(services: Services, tmp_path: Path) -> Iterator[Engine]:
    server, port = serve(Servicer(emulator(), tmp_path / "provider"), 0)
    running = Engine(port)
    yield running
    running.channel.close()
    server.stop(grace=None).wait()


def test_the_handshake_accepts_secrets(engine: Engine) -> None:
    response = engine.provider.Handshake(provider_pb2.ProviderHandshakeRequest())
    assert (response.accept_secrets, response.accept_resources, response.accept_outputs) == (True, False, False)
    assert engine.provider.Attach(plugin_pb2.PluginAttach(address="127.0.0.1:1")) == empty_pb2.Empty()


def test_a_provider_for_another_account_is_refused(engine: Engine) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        engine.configure(region="us-east-1", allowedAccountIds=json.dumps(["999999999999"]))
    assert refused.value.details() == (
        f"AWS account {ACCOUNT} is not allowed by the provider: allowed are 999999999999"
    )
    assert engine.configure(region="us-east-1", allowedAccountIds=json.dumps([ACCOUNT])).acceptSecrets


def test_each_connection_has_its_own_configuration(engine: Engine) -> None:
    other = Engine(engine.port)
    engine.configure(region="us-east-1", defaultTags=json.dumps({"tags": {"Project": "fixrx"}}))
    other.configure(region="eu-west-1")
    inputs = {"cidrBlock": "10.0.0.0/16"}
    here = values.from_struct(engine.create(VPC, inputs).properties)
    there = values.from_struct(other.create(VPC, inputs).properties)
    assert (here["region"], here["tagsAll"]) == ("us-east-1", {"Project": "fixrx"})
    assert (there["region"], there["tagsAll"]) == ("eu-west-1", {})
    other.channel.close()


def test_settings_of_the_provider_are_checked(engine: Engine) -> None:
    urn = "urn:pulumi:production::fixrx::pulumi:providers:aws::aws"
    request = provider_pb2.CheckRequest(urn=urn, news=_struct({"regoin": "us-east-1", "region": "us-east-9"}))
    failures = engine.provider.CheckConfig(request).failures
    assert [(one.property, one.reason) for one in failures] == [
        ("regoin", "unknown input 'regoin'; did you mean 'region'?"),
        ("region", "there is no AWS region us-east-9"),
    ]


def secret_version(engine: Engine) -> tuple[dict[str, Any], Any]:
    """A password as a version of a secret: its inputs, and what its creation answers."""
    secret = engine.create("aws:secretsmanager/secret:Secret", {"name": "fixrx/password"}, "secret")
    inputs = {"secretId": secret.id, "secretString": values.secret(PASSWORD)}
    return inputs, engine.create(SECRET_VERSION, inputs)


def test_secret_inputs_stay_secret(engine: Engine) -> None:
    inputs, created = secret_version(engine)
    checked = values.from_struct(engine.check(SECRET_VERSION, inputs).inputs)
    assert checked["secretString"] == values.secret(PASSWORD)
    state = values.from_struct(created.properties)
    assert state["secretString"] == values.secret(PASSWORD)
    assert PASSWORD not in str({key: value for key, value in state.items() if not values.is_secret(value)})


def test_secrets_stay_secret_through_a_refresh(engine: Engine) -> None:
    inputs, created = secret_version(engine)
    request = provider_pb2.ReadRequest(
        id=created.id, urn=_urn(SECRET_VERSION, "it"), inputs=_struct(inputs), properties=created.properties
    )
    read = engine.provider.Read(request)
    assert values.from_struct(read.inputs)["secretString"] == values.secret(PASSWORD)
    assert values.from_struct(read.properties) == values.from_struct(created.properties)


def test_no_message_tells_a_secret(engine: Engine) -> None:
    inputs = {"secretId": values.secret("no-such-secret"), "secretString": values.secret(PASSWORD)}
    failures = engine.check(SECRET_VERSION, inputs).failures
    # The engine prints the value of the property that a failure names.
    assert [(failure.property, failure.reason) for failure in failures] == [
        ("", "secretId: there is no secret [secret]")
    ]


def test_property_that_is_not_secret_is_named(engine: Engine) -> None:
    inputs = {"secretId": "no-such-secret", "secretString": values.secret(PASSWORD)}
    failures = engine.check(SECRET_VERSION, inputs).failures
    assert [(failure.property, failure.reason) for failure in failures] == [
        ("secretId", "there is no secret no-such-secret")
    ]


def test_a_random_password_is_a_secret_output(engine: Engine) -> None:
    state = values.from_struct(engine.create(RANDOM_PASSWORD, {"length": 24}).properties)
    assert values.is_secret(state["result"])
    assert len(values.without_secrets(state["result"])) == 24


def test_a_preview_creates_nothing(engine: Engine, services: Services) -> None:
    response = engine.create(VPC, {"cidrBlock": "10.77.0.0/16"}, preview=True)
    state = values.from_struct(response.properties)
    assert (response.id, state["arn"], state["cidrBlock"]) == ("", values.UNKNOWN, "10.77.0.0/16")
    blocks = [vpc["CidrBlock"] for vpc in services.client("ec2").describe_vpcs()["Vpcs"]]
    assert "10.77.0.0/16" not in blocks


def test_a_difference_names_what_changes_and_what_replaces(engine: Engine) -> None:
    old = {"cidrBlock": "10.0.0.0/16", "enableDnsSupport": True, "tags": {"a": "b"}}
    new = {"cidrBlock": "10.1.0.0/16", "enableDnsSupport": True, "enableDnsHostnames": True}
    response = engine.diff(VPC, old, new, {"tagsAll": {"a": "b"}})
    kinds = provider_pb2.PropertyDiff
    assert response.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert {key: one.kind for key, one in response.detailedDiff.items()} == {
        "cidrBlock": kinds.UPDATE_REPLACE,
        "enableDnsHostnames": kinds.ADD,
        "tags": kinds.DELETE,
        "tagsAll": kinds.UPDATE,
    }
    assert (list(response.replaces), response.deleteBeforeReplace) == (["cidrBlock"], False)


def test_the_same_secret_is_no_difference(engine: Engine) -> None:
    old = {"secretId": "x", "secretString": PASSWORD}
    response = engine.diff(SECRET_VERSION, old, {**old, "secretString": values.secret(PASSWORD)}, {})
    assert response.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_the_engines_own_naming_is_honoured(engine: Engine) -> None:
    options = provider_pb2.CheckRequest.AutonamingOptions
    proposed = options(proposed_name="production-app", mode=options.ENFORCE)
    trust = {"assumeRolePolicy": values.UNKNOWN}
    named = values.from_struct(engine.check("aws:iam/role:Role", trust, autonaming=proposed).inputs)
    assert named["name"] == "production-app"
    refused = engine.check("aws:iam/role:Role", trust, autonaming=options(mode=options.DISABLE)).failures
    assert [(one.property, one.reason) for one in refused] == [
        ("name", "automatic naming is disabled, so a name must be given")
    ]


def test_a_fault_strikes_as_often_as_it_was_asked_to(engine: Engine, tmp_path: Path) -> None:
    fault = {"create": {"it": {"error": "insufficient capacity", "times": 1}}}
    (tmp_path / "provider" / "faults.json").write_text(json.dumps(fault))
    with pytest.raises(grpc.RpcError) as struck:
        engine.create(VPC, {"cidrBlock": "10.0.0.0/16"})
    assert struck.value.details() == "injected fault on create of it: insufficient capacity"
    assert engine.create(VPC, {"cidrBlock": "10.0.0.0/16"}).id.startswith("vpc-")


def test_an_error_of_aws_is_one_sentence(engine: Engine) -> None:
    vpc = engine.create(VPC, {"cidrBlock": "10.0.0.0/16"})
    engine.create("aws:ec2/subnet:Subnet", {"vpcId": vpc.id, "cidrBlock": "10.0.0.0/24"}, "subnet")
    with pytest.raises(grpc.RpcError) as refused:
        request = provider_pb2.DeleteRequest(id=vpc.id, urn=_urn(VPC, "it"), properties=vpc.properties)
        engine.provider.Delete(request)
    assert refused.value.details() == (
        f"ec2 delete_vpc failed: The vpc '{vpc.id}' has dependencies and cannot be deleted. (DependencyViolation)"
    )


def test_functions_answer_or_say_what_is_wrong(engine: Engine) -> None:
    def invoke(token: str, **arguments: Any) -> Any:
        return engine.provider.Invoke(provider_pb2.InvokeRequest(tok=token, args=_struct(arguments)))

    identity = invoke("aws:index/getCallerIdentity:getCallerIdentity")
    assert values.from_struct(getattr(identity, "return"))["accountId"] == ACCOUNT
    wrong = invoke("aws:index/getRegion:getRegion", regoin="x").failures
    assert [(one.property, one.reason) for one in wrong] == [
        ("regoin", "unknown input 'regoin'; did you mean 'region'?")
    ]
    missing = invoke("aws:ec2/getVpcs:getVpcs").failures
    assert [one.reason for one in missing] == ["the sandbox does not support the function aws:ec2/getVpcs:getVpcs"]


def test_a_type_of_another_package_is_refused(engine: Engine) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        engine.check("kubernetes:core/v1:Pod", {})
    assert refused.value.details() == "the sandbox does not support the type kubernetes:core/v1:Pod"
