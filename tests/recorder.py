"""Runs Pulumi code against a monitor that writes down every registration. For unit tests only.

What it cannot show: whether AWS, or the provider, would accept the inputs; what the provider adds or changes;
replacement, deletion, and resource transforms. Those are shown with the real engine in `tests/end_to_end`.
"""

import asyncio
import contextvars
import json
import logging
import runpy
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.runtime import mocks, rpc, settings, stack

from components.shared.connections import Placement
from components.shared.identity import StackIdentity
from components.shared.keys import KeyArns, StackContext

REPOSITORY = Path(__file__).parents[1]
ACCOUNT_ID = "111122223333"
REGION = "us-east-1"
IDENTITY = StackIdentity(
    project="fixrx", environment="production", owner="ops@fixrx.com", account_id=ACCOUNT_ID, region=REGION
)
"""For components that are recorded by themselves, as are the next two."""
STACK = StackContext(
    identity=IDENTITY,
    keys=KeyArns(
        data="arn:of-the-data-key",
        secrets="arn:of-the-secrets-key",
        logs="arn:of-the-logs-key",
        notifications="arn:of-the-notifications-key",
    ),
)
PLACEMENT = Placement(vpc_id="vpc-1", subnet_ids=["subnet-a", "subnet-b"], security_group_id="sg-1", rules=())


@dataclass(frozen=True, kw_only=True)
class Registration:
    """One resource as the program registered it."""

    type: str
    name: str
    parent: str
    """Logical name of the parent; `stack` for one that stands by itself."""
    inputs: Mapping[str, Any]
    """As the provider would get them. A secret is still wrapped."""
    protect: bool
    ignore_changes: tuple[str, ...]
    delete_before_replace: bool
    aliases: tuple[str, ...]
    depends_on: tuple[str, ...]
    """Logical names of what is created first."""
    property_dependencies: Mapping[str, tuple[str, ...]]
    """URNs of the resources of whose outputs an input is made, by the input."""
    provider: str
    """Logical name of the explicit provider; empty for the default one."""
    before_update: tuple[str, ...]
    """Names of the hooks that can refuse an update."""
    urn: str

    @property
    def identity(self) -> tuple[str, str, str]:
        """Type, name and parent: what Pulumi knows the resource by."""
        return (self.type, self.name, self.parent)

    @property
    def is_component(self) -> bool:
        return self.type.startswith("fixrx:")

    @property
    def plain(self) -> Mapping[str, Any]:
        """Inputs with secrets unwrapped, without tags: the same tags are everywhere, and `test_graph` holds them."""
        return {key: unwrap(value) for key, value in self.inputs.items() if key != "tags"}

    def pick(self, *keys: str) -> Mapping[str, Any]:
        """Return some inputs: those that a test is about. The snapshots hold all of them."""
        return {key: self.plain[key] for key in keys}

    def document(self, key: str) -> Any:
        """Return an input that is JSON, as what it says."""
        return json.loads(self.plain[key])

    def secret_inputs(self) -> set[str]:
        """Return the inputs that are wrapped as secrets."""
        return {key for key, value in self.inputs.items() if rpc.is_rpc_secret(value)}


@dataclass
class Recording:
    """Everything that a program registered."""

    registrations: list[Registration] = field(default_factory=list)
    registered_outputs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """URN to the outputs that were registered."""
    stack_outputs: Mapping[str, Any] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def of_type(self, type_token: str) -> list[Registration]:
        return [each for each in self.registrations if each.type == type_token]

    def named(self, name: str) -> Registration:
        (found,) = [each for each in self.registrations if each.name == name]
        return found


def record(program: Callable[[], Any]) -> Recording:
    """Run a program as Pulumi would, and return what it registered."""
    return contextvars.copy_context().run(_record, program)


def _record(program: Callable[[], Any]) -> Recording:
    recording = Recording()
    handler = _LogHandler(recording)
    logger = logging.getLogger("fixrx-recorder")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        with _event_loop() as loop:
            mocks.set_mocks(
                _Answers(), project="fixrx", stack="test", preview=False, logger=logger, monitor=_Recorder(recording)
            )
            # The mocks make a root resource at once; the program's own has to register its outputs when it has ended.
            settings.ROOT.set(None)
            loop.run_until_complete(stack.run_in_stack(program))
    finally:
        logger.removeHandler(handler)
    return recording


@contextmanager
def _event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Yield a loop for the program. The mocks answer in threads, each of which needs a loop of its own."""
    loops: list[asyncio.AbstractEventLoop] = []

    def make_loop() -> None:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    make_loop()
    main_loop = loops[0]
    main_loop.set_default_executor(ThreadPoolExecutor(initializer=make_loop))
    try:
        yield main_loop
    finally:
        main_loop.run_until_complete(main_loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        for loop in loops:
            loop.close()


def unwrap(value: Any) -> Any:
    """Return a deserialised value with all secrets unwrapped."""
    if rpc.is_rpc_secret(value):
        return unwrap(rpc.unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: unwrap(each) for key, each in value.items()}
    if isinstance(value, list):
        return [unwrap(each) for each in value]
    return value


def plain_strings(value: Any) -> Iterator[str]:
    """Yield every string in a deserialised value that is not inside a secret."""
    if rpc.is_rpc_secret(value):
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from plain_strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from plain_strings(each)


class _LogHandler(logging.Handler):
    def __init__(self, recording: Recording) -> None:
        super().__init__()
        self._recording = recording

    def emit(self, entry: logging.LogRecord) -> None:
        self._recording.log.append(entry.getMessage())


class _Recorder(mocks.MockMonitor):
    def __init__(self, recording: Recording) -> None:
        super().__init__(_Answers())
        self._recording = recording

    def RegisterResource(self, request: Any) -> Any:
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type == "pulumi:pulumi:Stack":
            return response
        self._recording.registrations.append(
            Registration(
                type=request.type,
                name=request.name,
                parent=_parent_name(request.parent),
                inputs=rpc.deserialize_properties(request.object, keep_unknowns=True),
                protect=request.protect,
                ignore_changes=tuple(request.ignoreChanges),
                delete_before_replace=request.deleteBeforeReplace,
                aliases=tuple(str(alias) for alias in request.aliases),
                depends_on=tuple(sorted(_name_of(urn) for urn in request.dependencies)),
                property_dependencies={key: tuple(found.urns) for key, found in request.propertyDependencies.items()},
                provider=_name_of(request.provider.rpartition("::")[0]),
                before_update=tuple(request.hooks.before_update),
                urn=response.urn,
            )
        )
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:
        outputs = rpc.deserialize_properties(request.outputs, keep_unknowns=True)
        if "::pulumi:pulumi:Stack::" in request.urn:
            self._recording.stack_outputs = outputs
        else:
            self._recording.registered_outputs[request.urn] = outputs
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


def _parent_name(urn: str) -> str:
    return "stack" if not urn or "pulumi:pulumi:Stack::" in urn else _name_of(urn)


def _name_of(urn: str) -> str:
    return urn.rpartition("::")[2]


class _Answers(mocks.Mocks):
    """Outputs that look like AWS's, as far as the program reads them."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        outputs = {"arn": f"arn:aws:{_service(args.typ)}:{REGION}:{ACCOUNT_ID}:{args.name}", "name": args.name}
        if args.typ in _OUTPUTS:
            outputs.update(_OUTPUTS[args.typ](args))
        return f"{args.name}-id", {**outputs, **args.inputs}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"the program is a function of its settings and asks nothing, but it called {args.token}")


def _service(type_token: str) -> str:
    return type_token.split(":")[1].partition("/")[0]


_OUTPUTS: Mapping[str, Callable[[mocks.MockResourceArgs], dict[str, Any]]] = {
    "aws:acm/certificate:Certificate": lambda args: {
        "domainValidationOptions": [
            {
                "domainName": args.inputs["domainName"],
                "resourceRecordName": f"_token.{args.inputs['domainName']}.",
                "resourceRecordType": "CNAME",
                "resourceRecordValue": "_answer.acm-validations.aws.",
            }
        ]
    },
    "aws:cloudfront/distribution:Distribution": lambda _: {
        "arn": f"arn:aws:cloudfront::{ACCOUNT_ID}:distribution/E1",
        "domainName": "d1.cloudfront.net",
        "hostedZoneId": "Z2FDTNDATAQYW2",
    },
    "aws:cloudwatch/logGroup:LogGroup": lambda args: {
        "arn": f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{args.inputs['name']}"
    },
    "aws:ec2/eip:Eip": lambda args: {"allocationId": f"eipalloc-{args.name}"},
    "aws:ec2/launchTemplate:LaunchTemplate": lambda _: {"latestVersion": 1},
    "aws:ec2/vpc:Vpc": lambda _: {"ipv6CidrBlock": "2600:1f18:1:2300::/56", "defaultNetworkAclId": "acl-default"},
    "aws:ecr/repository:Repository": lambda args: {
        "repositoryUrl": f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com/{args.inputs['name']}"
    },
    "aws:eks/cluster:Cluster": lambda args: {
        "arn": f"arn:aws:eks:{REGION}:{ACCOUNT_ID}:cluster/{args.inputs['name']}",
        "endpoint": "https://0123456789ABCDEF.gr7.us-east-1.eks.amazonaws.com",
        "certificateAuthority": {"data": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t"},
    },
    "aws:elasticache/replicationGroup:ReplicationGroup": lambda _: {
        "primaryEndpointAddress": "master.cache.example.amazonaws.com"
    },
    "aws:lambda/function:Function": lambda _: {"codeSha256": "digest"},
    "aws:lb/loadBalancer:LoadBalancer": lambda args: {
        "arnSuffix": f"app/{args.name}/1",
        "dnsName": "balancer.example.elb.amazonaws.com",
        "zoneId": "Z35SXDOTRQ7X7K",
    },
    "aws:lb/targetGroup:TargetGroup": lambda args: {"arnSuffix": f"targetgroup/{args.name}/1"},
    "aws:rds/instance:Instance": lambda args: {
        "endpoint": f"{args.inputs['identifier']}.example.rds.amazonaws.com:5432",
        "resourceId": f"db-{args.name}",
    },
    "aws:route53/record:Record": lambda args: {"fqdn": args.inputs["name"]},
    "aws:route53/zone:Zone": lambda _: {"zoneId": "Z0123456789", "nameServers": ["ns-1.awsdns-01.org"]},
    "aws:s3/bucket:Bucket": lambda args: {"arn": f"arn:aws:s3:::{args.inputs['bucket']}"},
    "aws:kms/key:Key": lambda args: {
        "arn": f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/{args.name}",
        "keyId": f"{args.name}-id",
    },
    "random:index/randomId:RandomId": lambda _: {"hex": RANDOM_HEX},
    "random:index/randomPassword:RandomPassword": lambda args: {"result": f"{CANARY}-{args.name}"},
}

RANDOM_HEX = "0a1b2c3d"
CANARY = "Canary-Secret"
"""Stands in every generated secret. Wherever it shows up outside a secret, something leaks."""


def stack_configuration(environment: str) -> Mapping[str, str]:
    """Return the configuration of a stack's file as Pulumi hands it to the program."""
    text = (REPOSITORY / f"Pulumi.{environment}.yaml").read_text()
    values = yaml.safe_load(text)["config"]
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def record_stack(environment: str, changes: Mapping[str, Mapping[str, Any] | str] | None = None) -> Recording:
    """Run the whole program with the configuration of a stack's file; `changes` has other settings by section."""
    configuration = dict(stack_configuration(environment))
    for section, other in (changes or {}).items():
        key = f"fixrx:{section}"
        if isinstance(other, str):
            configuration[key] = other
        else:
            configuration[key] = json.dumps({**json.loads(configuration.get(key, "{}")), **other})

    def program() -> None:
        pulumi.runtime.set_all_config(configuration)
        runpy.run_path(str(REPOSITORY / "__main__.py"), run_name="__main__")

    return record(program)
