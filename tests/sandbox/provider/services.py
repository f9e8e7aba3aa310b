"""One stack's worth of the sandbox in the test's own process: tables, emulator and record, without engine and gRPC."""

import atexit
import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from moto.moto_api._internal.models import moto_api_backend
from moto.server import ThreadedMotoServer

from sandbox.provider.aws_provider import AwsProvider
from sandbox.provider.emulator import Emulator
from sandbox.provider.resource_provider import Identity, ProviderConfiguration
from sandbox.provider.store import Record
from sandbox.provider.values import Properties
from sandbox.session import builds, instance_refreshes
from sandbox.session.courses import Courses
from tests.marks import require

ACCOUNT = "123456789012"
REGION = "us-east-1"
CONFIGURATION = ProviderConfiguration(REGION, {"Project": "fixrx"})
COURSES = Courses(None)
"""Everything succeeds, in a moment."""
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}],
    }
)
"""Of a role for servers."""


@dataclass
class Resource:
    """A resource of the stack as the engine would hold it between two runs."""

    identity: Identity
    id: str
    inputs: Properties
    state: Properties


@dataclass
class Services:
    """Does with single resources what the engine does with a program."""

    package: AwsProvider
    resources: list[Resource] = field(default_factory=list)

    def client(self, service: str) -> Any:
        """A client of the emulator that knows nothing of the sandbox."""
        return _client(service)

    def check(self, token: str, inputs: Properties, old: Properties | None = None, name: str = "it") -> Properties:
        """The inputs as the provider completes them; fails the test if something is wrong with them."""
        checked, failures = self.package.check(
            Identity(token, name), dict(inputs), old or {}, b"seed", None, CONFIGURATION
        )
        assert failures == []
        return checked

    def failures(self, token: str, inputs: Properties) -> list[tuple[str, str]]:
        """What Check finds wrong, by property."""
        _, failures = self.package.check(Identity(token, "it"), dict(inputs), {}, b"seed", None, CONFIGURATION)
        return [(failure.property, failure.reason) for failure in failures]

    def create(self, token: str, inputs: Properties, name: str = "it") -> Resource:
        """Check and create."""
        identity = Identity(token, name)
        checked = self.check(token, inputs, name=name)
        identifier, state = self.package.create(identity, checked, CONFIGURATION)
        resource = Resource(identity, identifier, checked, state)
        self.resources.append(resource)
        assert self.drift(resource) == {}
        return resource

    def changes(self, resource: Resource, **inputs: Any) -> dict[str, bool]:
        """Inputs that a program with these other inputs would change, and whether that replaces the resource."""
        difference = self.package.difference(
            resource.identity, resource.inputs, resource.state, self._changed(resource, inputs), (), CONFIGURATION
        )
        return {key: change.replaces for key, change in difference.changes.items()}

    def update(self, resource: Resource, **inputs: Any) -> None:
        """Change inputs in place; None takes one away."""
        assert set(self.changes(resource, **inputs).values()) == {False}
        new = self._changed(resource, inputs)
        resource.state = self.package.update(
            resource.identity, resource.id, resource.inputs, resource.state, new, CONFIGURATION
        )
        resource.inputs = new

    def drift(self, resource: Resource) -> dict[str, Any] | None:
        """Inputs that a refresh would find changed; None if it would find the resource gone."""
        existing = self.package.read(resource.identity, resource.id, resource.inputs, resource.state, CONFIGURATION)
        if existing is None:
            return None
        keys = {*existing.inputs, *resource.inputs}
        return {key: existing.inputs.get(key) for key in keys if existing.inputs.get(key) != resource.inputs.get(key)}

    def delete(self, resource: Resource) -> None:
        """Delete, as the engine does with a resource that left the program."""
        self.package.delete(resource.identity, resource.id, resource.state, CONFIGURATION)
        self.resources.remove(resource)

    def destroy(self) -> None:
        """Delete everything, youngest first."""
        for resource in reversed(list(self.resources)):
            self.delete(resource)

    def _changed(self, resource: Resource, inputs: dict[str, Any]) -> Properties:
        defaults = resource.inputs["__defaults"]
        given = {key: value for key, value in resource.inputs.items() if key not in ("__defaults", *defaults)}
        wanted = {key: value for key, value in {**given, **inputs}.items() if value is not None}
        return self.check(resource.identity.token, wanted, resource.inputs, resource.identity.name)


@functools.cache
def emulator() -> Emulator:
    """One server for all tests of a process, with clients that are made once: a client costs more than most tests."""
    instance_refreshes.install(COURSES)
    builds.install(COURSES)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    atexit.register(server.stop)
    host, port = server.get_host_and_port()
    return Emulator(f"http://{host}:{port}", ACCOUNT, REGION)


@functools.cache
def _client(service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=emulator().endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@contextmanager
def serve(directory: Path) -> Iterator[Services]:
    """Services over an empty emulator and an empty record."""
    require("emulator")
    moto_api_backend.reset()
    record = Record(directory / "record.sqlite")
    try:
        yield Services(AwsProvider(emulator(), record))
    finally:
        record.close()


def network(services: Services) -> tuple[list[str], str]:
    """Two subnets in two zones, and a security group."""
    ec2 = services.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
            "SubnetId"
        ]
        for number, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName="database", Description="database", VpcId=vpc)["GroupId"]
    return subnets, group
