"""What a killed provider has left: found whatever it was doing, named, and deleted in an order that works."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from sandbox.provider import leftovers
from sandbox.provider.aws_provider import AwsProvider
from sandbox.provider.emulator import ApiError, Emulator
from sandbox.provider.leftovers import Creations
from sandbox.provider.resource_provider import Identity, ProviderConfiguration
from sandbox.provider.store import Record
from sandbox.session.moto_server import AnsweredCreations, one_at_a_time
from tests.sandbox.provider.services import ACCOUNT, REGION, TRUST

pytestmark = pytest.mark.emulator

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
ROLE = "aws:iam/role:Role"
RECORDED = "aws:elasticache/parameterGroup:ParameterGroup"


class KilledError(BaseException):
    """Stands for a signal that ends the provider: nothing after it happens."""


class Provider:
    """Creates as the servicer does, and can be cut off."""

    def __init__(self, emulator: Emulator, directory: Path) -> None:
        self.emulator = emulator
        self.record = Record(directory / "record.sqlite")
        self.creations = Creations(self.record)
        self.aws = AwsProvider(emulator, self.record)
        self.configuration = ProviderConfiguration(REGION, {"Project": "fixrx"})

    def create(self, token: str, inputs: dict[str, Any], *, killed_before: str | None = None, name: str = "it") -> str:
        """The id. `killed_before` names the call of the API that the provider does not live to make."""
        identity = Identity(token, name)
        checked, failures = self.aws.check(identity, dict(inputs), {}, b"seed", None, self.configuration)
        assert failures == []
        with self.creations.noted(self.emulator, identity, checked, self.configuration) as finish:
            with cut_off(self.emulator, killed_before):
                identifier, state = self.aws.create(identity, checked, self.configuration)
            finish(identifier, state)
        return identifier


@contextmanager
def cut_off(emulator: Emulator, operation: str | None) -> Iterator[None]:
    original = emulator.call

    def call(service: str, region: str, called: str, parameters: Any) -> dict[str, Any]:
        if called == operation:
            raise KilledError
        return original(service, region, called, parameters)

    emulator.call = call  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        emulator.call = original  # type: ignore[method-assign]


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    """A provider over the emulator as its process serves it."""
    application = one_at_a_time(AnsweredCreations(DomainDispatcherApplication(create_backend_app)))
    server = make_server("127.0.0.1", 0, application, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Provider(Emulator(f"http://127.0.0.1:{server.port}", ACCOUNT, REGION), tmp_path)
    server.shutdown()
    moto_api_backend.reset()


def left(provider: Provider, *known: tuple[str, str]) -> list[str]:
    return [str(leftover) for leftover in provider.creations.leftovers(set(known))]


def delete(provider: Provider, *known: tuple[str, str]) -> None:
    leftovers.delete(provider.creations.leftovers(set(known)), provider.emulator, provider.record)
    provider.creations.forget()
    assert left(provider) == []


def vpcs(provider: Provider) -> list[str]:
    found = provider.emulator.api("ec2")("describe_vpcs", Filters=[{"Name": "is-default", "Values": ["false"]}])
    return [vpc["VpcId"] for vpc in found["Vpcs"]]


def test_what_the_state_knows_is_not_left_over(provider: Provider) -> None:
    known = provider.create(VPC, {"cidrBlock": "10.0.0.0/16"})
    unknown = provider.create(VPC, {"cidrBlock": "10.1.0.0/16"}, name="other")
    assert left(provider, (VPC, known)) == [f"{VPC} other ({unknown})"]
    delete(provider, (VPC, known))
    assert vpcs(provider) == [known]


def test_what_depends_on_another_leftover_is_deleted_first(provider: Provider) -> None:
    vpc = provider.create(VPC, {"cidrBlock": "10.0.0.0/16"})
    provider.create(SUBNET, {"vpcId": vpc, "cidrBlock": "10.0.1.0/24"})
    delete(provider)
    assert vpcs(provider) == []


@pytest.mark.parametrize("killed_before", ["create_vpc", "modify_vpc_attribute", "describe_vpcs"])
def test_creation_that_was_cut_off_is_undone(provider: Provider, killed_before: str) -> None:
    """Before its first call, between two calls, and after the last one that changes anything."""
    with pytest.raises(KilledError):
        provider.create(VPC, {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True}, killed_before=killed_before)
    assert len(vpcs(provider)) == (killed_before != "create_vpc")
    assert left(provider) == [f"{VPC} it"]
    delete(provider)
    assert vpcs(provider) == []


def test_creation_that_failed_is_no_leftover(provider: Provider) -> None:
    role = {"name": "servers", "assumeRolePolicy": TRUST}
    identifier = provider.create(ROLE, role)
    with pytest.raises(ApiError, match="EntityAlreadyExists"):
        provider.create(ROLE, role, name="other")
    assert left(provider, (ROLE, identifier)) == []


def test_recorded_types_are_undone_too(provider: Provider) -> None:
    inputs = {"family": "redis7", "name": "fixrx", "description": "Redis"}
    provider.create(RECORDED, inputs)
    assert left(provider) == [f"{RECORDED} it (fixrx)"]
    delete(provider)
    assert provider.record.all(RECORDED) == {}
    with (
        pytest.raises(KilledError),
        provider.creations.noted(provider.emulator, Identity(RECORDED, "it"), inputs, provider.configuration),
    ):
        provider.record.put(RECORDED, "fixrx", {"inputs": inputs, "tags": {}})
        raise KilledError
    assert left(provider) == [f"{RECORDED} it"]
    delete(provider)
    assert provider.record.all(RECORDED) == {}


def test_leftover_that_cannot_be_deleted_is_an_error(provider: Provider) -> None:
    vpc = provider.create(VPC, {"cidrBlock": "10.0.0.0/16"})
    subnet = provider.create(SUBNET, {"vpcId": vpc, "cidrBlock": "10.0.1.0/24"})
    with pytest.raises(ApiError, match="DependencyViolation"):
        delete(provider, (SUBNET, subnet))
    assert vpcs(provider) == [vpc]
