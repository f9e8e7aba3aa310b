"""The provider process: Pulumi's resource-provider protocol in front of the emulator.

    python -m sandbox.provider --port 0 --emulator http://127.0.0.1:5000 --account-id 111122223333 \\
        --region us-east-1 --data-directory .sandbox/provider

One process serves every package; the engine attaches to it through PULUMI_DEBUG_PROVIDERS and never starts or ends it.
When it is ready it prints one line of JSON with its port and process id, and it serves until SIGTERM.
"""

import argparse
import json
import os
import signal
import sys
import threading
import traceback
from concurrent import futures
from importlib import metadata
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from sandbox import configuration, invokes, random_values, values
from sandbox.aws import Aws
from sandbox.emulator import ApiError, Emulator
from sandbox.faults import Faults, InjectedError
from sandbox.naming import Proposal
from sandbox.package import Configuration, Difference, Identity, Package, ProviderError
from sandbox.record import Record
from sandbox.schema import Failure
from sandbox.values import Properties

_THREADS = 32
_MESSAGE_BYTES = 400 * 1024 * 1024
"""The engine's own limit for one message."""


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Translates between the protocol and the packages: identities, secrets, errors."""

    def __init__(self, emulator: Emulator, data_directory: Path) -> None:
        self._emulator = emulator
        aws = Aws(emulator, Record(data_directory / "record.sqlite"))
        self._packages: dict[str, Package] = {"aws": aws, "random": random_values.Random()}
        self._faults = Faults(data_directory / "faults.json")
        self._default = Configuration(emulator.region)
        # Every provider resource of a program has a connection of its own, which is all that tells their calls apart.
        self._configurations: dict[str, Configuration] = {}

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, accept_resources=False, accept_outputs=False, supports_autonaming_configuration=True
        )

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi_aws"))

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        news = values.reveal(values.from_struct(request.news))
        failures = configuration.check(request.urn, news, self._emulator)
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(failures))

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        old, new = values.from_struct(request.old_inputs or request.olds), values.from_struct(request.news)
        return configuration.difference(values.reveal(old), values.reveal(new))

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            configured = configuration.parse(values.reveal(values.from_struct(request.args)), self._emulator)
        except ProviderError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        self._configurations[context.peer()] = configured
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True,
            supportsPreview=True,
            acceptResources=False,
            acceptOutputs=False,
            supports_autonaming_configuration=True,
        )

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        identity, package = self._resource(request.urn, context)
        news, olds = values.from_struct(request.news), values.from_struct(request.olds)
        with _Errors(context, news):
            inputs, failures = package.check(
                identity,
                values.reveal(news),
                values.reveal(olds),
                request.randomSeed,
                _proposal(request),
                self._configuration(context),
            )
        redacted = [Failure(failure.property, values.redact(failure.reason, news)) for failure in failures]
        return provider_pb2.CheckResponse(
            inputs=values.to_struct(values.protect(inputs, news)), failures=_failures(redacted)
        )

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        identity, package = self._resource(request.urn, context)
        news = values.from_struct(request.news)
        with _Errors(context, news):
            difference = package.difference(
                identity,
                values.reveal(values.from_struct(request.old_inputs)),
                values.reveal(values.from_struct(request.olds)),
                values.reveal(news),
                request.ignoreChanges,
                self._configuration(context),
            )
        return _diff_response(difference)

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        identity, package = self._resource(request.urn, context)
        inputs = values.from_struct(request.properties)
        configured = self._configuration(context)
        identifier = ""
        with _Errors(context, inputs):
            if request.preview:
                properties = package.planned(identity, values.reveal(inputs), configured)
            else:
                with self._faults.around("create", identity.name, identity.token):
                    identifier, properties = package.create(identity, values.reveal(inputs), configured)
        return provider_pb2.CreateResponse(id=identifier, properties=_outputs(identity, properties, inputs))

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        identity, package = self._resource(request.urn, context)
        inputs, state = values.from_struct(request.inputs), values.from_struct(request.properties)
        with _Errors(context, inputs, state), self._faults.around("read", identity.name, identity.token):
            existing = package.read(
                identity, request.id, values.reveal(inputs), values.reveal(state), self._configuration(context)
            )
        if existing is None:
            return provider_pb2.ReadResponse(id="")
        return provider_pb2.ReadResponse(
            id=request.id,
            inputs=values.to_struct(values.protect(existing.inputs, inputs)),
            properties=_outputs(identity, existing.properties, state, inputs),
        )

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        identity, package = self._resource(request.urn, context)
        news = values.from_struct(request.news)
        state = values.reveal(values.from_struct(request.olds))
        configured = self._configuration(context)
        with _Errors(context, news):
            if request.preview:
                properties = package.planned_update(identity, state, values.reveal(news), configured)
            else:
                old = values.reveal(values.from_struct(request.old_inputs))
                with self._faults.around("update", identity.name, identity.token):
                    properties = package.update(identity, request.id, old, state, values.reveal(news), configured)
        return provider_pb2.UpdateResponse(properties=_outputs(identity, properties, news))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        identity, package = self._resource(request.urn, context)
        state = values.from_struct(request.properties)
        with _Errors(context, state), self._faults.around("delete", identity.name, identity.token):
            package.delete(identity, request.id, values.reveal(state), self._configuration(context))
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        arguments = values.from_struct(request.args)
        with _Errors(context, arguments):
            result, failures = invokes.invoke(
                request.tok, values.reveal(arguments), self._emulator, self._configuration(context)
            )
        secret = values.contains_secret(arguments)
        shown = {key: values.secret(value) if secret else value for key, value in result.items()}
        return provider_pb2.InvokeResponse(**{"return": values.to_struct(shown)}, failures=_failures(failures))

    def _resource(self, urn: str, context: grpc.ServicerContext) -> tuple[Identity, Package]:
        """The resource that a URN names, and its package."""
        _, _, qualified_type, name = urn.split("::", 3)
        token = qualified_type.rsplit("$", 1)[-1]
        package = self._packages.get(token.split(":")[0])
        if package is None:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the sandbox does not support the type {token}")
            raise AssertionError("abort always raises")
        return Identity(token, name), package

    def _configuration(self, context: grpc.ServicerContext) -> Configuration:
        return self._configurations.get(context.peer(), self._default)


class _Errors:
    """Turns the errors of a block into an answer to the engine, free of secrets."""

    def __init__(self, context: grpc.ServicerContext, *sources: Properties) -> None:
        self._context = context
        self._sources = sources

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if error is None:
            return
        message = str(error)
        if not isinstance(error, ApiError | ProviderError | InjectedError):
            # A fault of the sandbox itself: the trace belongs in the provider's log, not on the user's screen.
            print(
                values.redact("".join(traceback.format_exception(error)), *self._sources), file=sys.stderr, flush=True
            )
            message = f"the sandbox itself failed ({type(error).__name__}: {error}); its log has the details"
        self._context.abort(grpc.StatusCode.UNKNOWN, values.redact(message, *self._sources))


def _outputs(identity: Identity, properties: Properties, *sources: Properties) -> Any:
    protected = values.protect(properties, *sources)
    for key in random_values.SECRET_OUTPUTS.get(identity.token, ()):
        if key in protected and not values.is_secret(protected[key]):
            protected[key] = values.secret(protected[key])
    return values.to_struct(protected)


def _failures(failures: list[Failure]) -> list[Any]:
    return [provider_pb2.CheckFailure(property=failure.property, reason=failure.reason) for failure in failures]


def _proposal(request: Any) -> Proposal | None:
    if not request.HasField("autonaming"):
        return None
    options = provider_pb2.CheckRequest.AutonamingOptions
    mode = request.autonaming.mode
    return Proposal(request.autonaming.proposed_name, mode == options.ENFORCE, mode == options.DISABLE)


def _diff_response(difference: Difference) -> Any:
    kinds = provider_pb2.PropertyDiff
    detailed = {}
    for key, change in difference.changes.items():
        word = "ADD" if change.added else "DELETE" if change.removed else "UPDATE"
        kind = getattr(kinds, f"{word}_REPLACE" if change.replaces else word)
        detailed[key] = kinds(kind=kind, inputDiff=key != "tagsAll")
    response = provider_pb2.DiffResponse
    return response(
        changes=response.DIFF_SOME if detailed else response.DIFF_NONE,
        diffs=list(detailed),
        replaces=[key for key, change in difference.changes.items() if change.replaces],
        detailedDiff=detailed,
        hasDetailedDiff=True,
        deleteBeforeReplace=difference.delete_first,
    )


def serve(servicer: Servicer, port: int) -> tuple[grpc.Server, int]:
    """Start serving on loopback; returns the server and its port."""
    limits = [("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", _MESSAGE_BYTES)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=_THREADS), options=limits)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    return server, bound


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.provider", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 picks a free one")
    parser.add_argument("--emulator", required=True, help="address of the emulator")
    parser.add_argument("--account-id", required=True, help="the emulated account's 12 digits")
    parser.add_argument("--region", required=True, help="region of resources that name none")
    parser.add_argument("--data-directory", type=Path, required=True, help="where records and faults are kept")
    arguments = parser.parse_args()

    emulator = Emulator(arguments.emulator, arguments.account_id, arguments.region)
    server, port = serve(Servicer(emulator, arguments.data_directory), arguments.port)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    print(json.dumps({"port": port, "pid": os.getpid()}), flush=True)
    ended.wait()
    server.stop(grace=1).wait()


if __name__ == "__main__":
    main()
