"""Stands between the engine and the real Kubernetes provider: `python -m sandbox.cluster.relay ENGINE ...`.

The engine starts it as the plugin `pulumi-resource-kubernetes`. It starts the real provider and hands every call on
unread, but for two kinds:

* `Configure` gets the sandbox's kubeconfig in place of the program's, which leads to EKS.
* Helm releases are only checked and recorded: their charts cannot be fetched, and they install what nothing here runs.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from sandbox.cluster.child import end_with_parent

PROVIDER_VARIABLE = "FIXRX_SANDBOX_KUBERNETES_PROVIDER"
"""Environment variable with the path of the real provider."""
KUBECONFIG_VARIABLE = "FIXRX_SANDBOX_KUBECONFIG"
"""Environment variable with the path of the sandbox's kubeconfig."""
RECORDED = "kubernetes:helm.sh/v3:Release"

_CONFIGURATION = "kubernetes:config:"
_CONFIGURE = "Configure"
_THREADS = 128
"""A call lasts as long as the provider waits for its object, and the call that cancels them needs one, too."""
_MESSAGE_BYTES = 400 * 1024 * 1024
_METADATA_BYTES = 16 * 1024 * 1024
"""As in Go. The state of what was made and does not get ready is in the metadata; without it, it would be lost."""
LIMITS: Sequence[tuple[str, int]] = [
    ("grpc.max_receive_message_length", _MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MESSAGE_BYTES),
    ("grpc.max_metadata_size", _METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", _METADATA_BYTES),
]
"""Of both connections."""

_REQUESTS: Mapping[str, Any] = {
    "Check": provider_pb2.CheckRequest,
    "Diff": provider_pb2.DiffRequest,
    "Create": provider_pb2.CreateRequest,
    "Read": provider_pb2.ReadRequest,
    "Update": provider_pb2.UpdateRequest,
    "Delete": provider_pb2.DeleteRequest,
}
"""The calls about one resource."""


class Relay(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers the engine with what the provider answers."""

    def __init__(self, channel: grpc.Channel, kubeconfig: str) -> None:
        self._channel = channel
        self._kubeconfig = kubeconfig

    def service(self, handler_call_details: Any) -> Any:
        path: str = handler_call_details.method
        method = path.rpartition("/")[2]

        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            if method == _CONFIGURE:
                request = configured(request, self._kubeconfig)
            elif method in _REQUESTS and (answered := record(method, request)) is not None:
                return answered
            try:
                response: bytes = self._channel.unary_unary(path)(request)
            except grpc.RpcError as error:
                # The trailing metadata has the provider's details, such as the state of what is half made.
                context.set_trailing_metadata(error.trailing_metadata())
                context.abort(error.code(), error.details())
            return response

        return grpc.unary_unary_rpc_method_handler(answer)


def configured(request: bytes, kubeconfig: str) -> bytes:
    """The request to configure the provider, with another kubeconfig."""
    message = provider_pb2.ConfigureRequest.FromString(request)
    for name in ("context", "cluster"):
        message.variables.pop(f"{_CONFIGURATION}{name}", None)
        message.args.fields.pop(name, None)
    message.variables[f"{_CONFIGURATION}kubeconfig"] = kubeconfig
    message.args.fields["kubeconfig"].string_value = kubeconfig
    answer: bytes = message.SerializeToString()
    return answer


def record(method: str, request: bytes) -> bytes | None:
    """The answer to a call about a resource that is only recorded; None if the provider has to answer."""
    message: Any = _REQUESTS[method].FromString(request)
    if not message.urn.split("::")[2].endswith(RECORDED):
        return None
    answer: bytes = _RECORDERS[method](message).SerializeToString()
    return answer


def _check(message: Any) -> Any:
    # Imported here because it takes a second, and few commands need it.
    from sandbox.provider import schema, values  # noqa: PLC0415

    failures = schema.check(RECORDED, values.decode(message.news))
    told = [provider_pb2.CheckFailure(property=failure.property, reason=failure.reason) for failure in failures]
    return provider_pb2.CheckResponse(inputs=message.news, failures=told)


def _difference(message: Any) -> Any:
    old, new = dict(message.old_inputs.fields), dict(message.news.fields)
    changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
    response = provider_pb2.DiffResponse
    return response(changes=response.DIFF_SOME if changed else response.DIFF_NONE, diffs=changed)


def _create(message: Any) -> Any:
    name = message.urn.rpartition("::")[2]
    return provider_pb2.CreateResponse(id="" if message.preview else name, properties=message.properties)


_RECORDERS: dict[str, Callable[[Any], Any]] = {
    "Check": _check,
    "Diff": _difference,
    "Create": _create,
    "Read": lambda it: provider_pb2.ReadResponse(id=it.id, inputs=it.inputs, properties=it.properties),
    "Update": lambda it: provider_pb2.UpdateResponse(properties=it.news),
    "Delete": lambda _: empty_pb2.Empty(),
}


def main() -> None:
    """Serves until the provider ends, or the engine ends this process."""
    provider = subprocess.Popen(
        [os.environ[PROVIDER_VARIABLE], *sys.argv[1:]],
        stdout=subprocess.PIPE,
        text=True,
        # Nothing else runs in this process yet.
        preexec_fn=end_with_parent,  # noqa: PLW1509
    )
    assert provider.stdout is not None
    port = int(provider.stdout.readline())
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=LIMITS)
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=_THREADS), options=LIMITS)
    server.add_generic_rpc_handlers((Relay(channel, Path(os.environ[KUBECONFIG_VARIABLE]).read_text()),))
    bound = server.add_insecure_port("127.0.0.1:0")
    server.start()
    # What else the provider prints is the engine's to read.
    threading.Thread(target=_copy, args=(provider.stdout,), daemon=True).start()
    print(bound, flush=True)
    sys.exit(provider.wait())


def _copy(output: Any) -> None:
    for line in output:
        print(line, end="", flush=True)


if __name__ == "__main__":
    main()
