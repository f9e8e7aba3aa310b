"""The relay in front of a provider that only says what it was asked."""

from collections.abc import Iterator
from concurrent import futures
from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from sandbox.cluster.relay import LIMITS, RECORDED, Relay

NAMESPACE = "urn:pulumi:dev::fixrx::kubernetes:core/v1:Namespace::api"
RELEASE = f"urn:pulumi:dev::fixrx::fixrx:index:Cluster${RECORDED}::controller"
DETAILS = "provider-details-bin"


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Notes the requests; a creation fails halfway."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.details = b"half made"

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.requests.append(request)
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.requests.append(request)
        return provider_pb2.CheckResponse(inputs=request.news)

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        context.set_trailing_metadata(((DETAILS, self.details),))
        context.abort(grpc.StatusCode.UNKNOWN, "not ready")


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def relay(provider: Provider) -> Iterator[Any]:
    """What the engine calls."""
    real, between = (grpc.server(futures.ThreadPoolExecutor(4), options=LIMITS) for _ in range(2))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, real)
    channel = connect(real.add_insecure_port("127.0.0.1:0"))
    between.add_generic_rpc_handlers((Relay(channel, "the sandbox's"),))
    front = connect(between.add_insecure_port("127.0.0.1:0"))
    real.start()
    between.start()
    yield provider_pb2_grpc.ResourceProviderStub(front)
    front.close()
    between.stop(None).wait()
    channel.close()
    real.stop(None).wait()


def connect(port: int) -> grpc.Channel:
    return grpc.insecure_channel(f"127.0.0.1:{port}", options=LIMITS)


def struct(**values: Any) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(values)
    return made


def test_provider_gets_the_kubeconfig_of_the_sandbox(relay: Any, provider: Provider) -> None:
    variables = {
        "kubernetes:config:kubeconfig": "EKS's",
        "kubernetes:config:context": "EKS",
        "kubernetes:config:x": "y",
    }
    request = provider_pb2.ConfigureRequest(
        variables=variables, args=struct(kubeconfig="EKS's", context="EKS", x="y"), acceptSecrets=True
    )
    assert relay.Configure(request).supportsPreview
    (asked,) = provider.requests
    assert dict(asked.variables) == {"kubernetes:config:kubeconfig": "the sandbox's", "kubernetes:config:x": "y"}
    assert asked.args == struct(kubeconfig="the sandbox's", x="y")
    assert asked.acceptSecrets


def test_other_calls_pass_unchanged(relay: Any, provider: Provider) -> None:
    request = provider_pb2.CheckRequest(urn=NAMESPACE, news=struct(kind="Namespace"))
    assert relay.Check(request).inputs == struct(kind="Namespace")
    assert provider.requests == [request]


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_failure_keeps_its_details(relay: Any, provider: Provider, size: int) -> None:
    """In them is the state of an object that was made and does not get ready."""
    provider.details = b"x" * size
    with pytest.raises(grpc.RpcError) as raised:
        relay.Create(provider_pb2.CreateRequest(urn=NAMESPACE))
    error: Any = raised.value
    assert (error.code(), error.details()) == (grpc.StatusCode.UNKNOWN, "not ready")
    assert (DETAILS, provider.details) in error.trailing_metadata()


def test_release_is_checked(relay: Any, provider: Provider) -> None:
    news = struct(chart="aws-load-balancer-controller", versoin="3.0.0")
    answer = relay.Check(provider_pb2.CheckRequest(urn=RELEASE, news=news))
    assert [failure.property for failure in answer.failures] == ["versoin"]
    assert provider.requests == []


def test_release_is_recorded(relay: Any, provider: Provider) -> None:
    old, new = struct(chart="a", version="1"), struct(chart="a", version="2")
    planned = relay.Create(provider_pb2.CreateRequest(urn=RELEASE, properties=old, preview=True))
    assert (planned.id, planned.properties) == ("", old)
    made = relay.Create(provider_pb2.CreateRequest(urn=RELEASE, properties=old))
    assert (made.id, made.properties) == ("controller", old)
    same = relay.Diff(provider_pb2.DiffRequest(urn=RELEASE, old_inputs=old, news=old))
    assert (same.changes, list(same.diffs)) == (same.DIFF_NONE, [])
    changed = relay.Diff(provider_pb2.DiffRequest(urn=RELEASE, old_inputs=old, news=new))
    assert (changed.changes, list(changed.diffs)) == (changed.DIFF_SOME, ["version"])
    updated = relay.Update(provider_pb2.UpdateRequest(urn=RELEASE, id="controller", olds=old, news=new))
    assert updated.properties == new
    read = relay.Read(provider_pb2.ReadRequest(urn=RELEASE, id="controller", inputs=new, properties=new))
    assert (read.id, read.inputs, read.properties) == ("controller", new, new)
    relay.Delete(provider_pb2.DeleteRequest(urn=RELEASE, id="controller", properties=new))
    assert provider.requests == []
