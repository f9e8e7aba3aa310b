"""The provider process: Pulumi's resource-provider protocol in front of the emulator.

    python -m sandbox.provider.protocol --port 0 --emulator http://127.0.0.1:5000 --account-id 111122223333 \\
        --region us-east-1 --data-directory .sandbox/provider

One process serves every provider; the engine attaches to it through PULUMI_DEBUG_PROVIDERS and never starts or ends it.
When it is ready it prints one line of JSON with its port and process id, and it serves until SIGTERM.
"""

import argparse
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from sandbox.provider import invokes, provider_configuration, random_provider, values
from sandbox.provider.autonaming import Proposal
from sandbox.provider.aws_provider import AwsProvider
from sandbox.provider.emulator import ApiError, Emulator
from sandbox.provider.faults import Faults, InjectedError
from sandbox.provider.leftovers import Creations
from sandbox.provider.resource_provider import Diff, Identity, ProviderConfiguration, ProviderError, ResourceProvider
from sandbox.provider.schema import CheckFailure
from sandbox.provider.store import RECORD_FILE, Record
from sandbox.provider.values import Properties, SecretValues

_THREADS = 32
_MESSAGE_BYTES = 400 * 1024 * 1024
"""The engine's own limit for one message."""


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Translates between the protocol and the providers: identities, secrets, errors."""

    def __init__(self, emulator: Emulator, data_directory: Path) -> None:
        self._emulator = emulator
        record = Record(data_directory / RECORD_FILE)
        aws = AwsProvider(emulator, record)
        self._creations = Creations(record)
        self._providers: dict[str, ResourceProvider] = {"aws": aws, "random": random_provider.Random()}
        self._faults = Faults(data_directory / "faults.json")
        self._default = ProviderConfiguration(emulator.region)
        # Every provider resource of a program has its own connection, and nothing else distinguishes their calls.
        self._configurations: dict[str, ProviderConfiguration] = {}

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
        failures = provider_configuration.check(request.urn, values.decode(request.news), self._emulator)
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(failures))

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        old = values.decode(request.old_inputs or request.olds)
        return provider_configuration.difference(old, values.decode(request.news))

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            configured = provider_configuration.parse(values.decode(request.args), self._emulator)
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
        with self._call(context, request.urn) as call:
            inputs, failures = call.provider.check(
                call.identity,
                call.decode(request.news),
                values.decode(request.olds),
                request.randomSeed,
                _proposal(request),
                call.configuration,
            )
            told = [call.without_secrets(failure) for failure in failures]
            return provider_pb2.CheckResponse(inputs=call.encode(inputs), failures=_failures(told))

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._call(context, request.urn) as call:
            difference = call.provider.difference(
                call.identity,
                values.decode(request.old_inputs),
                values.decode(request.olds),
                call.decode(request.news),
                request.ignoreChanges,
                call.configuration,
            )
            return _diff_response(difference)

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._call(context, request.urn) as call:
            inputs = call.decode(request.properties)
            if request.preview:
                properties = call.provider.preview_create(call.identity, inputs, call.configuration)
                return provider_pb2.CreateResponse(properties=call.encode_outputs(properties))
            noted = self._creations.noted(self._emulator, call.identity, call.masked(inputs), call.configuration)
            with self._faults.around("create", call.identity.name, call.identity.token), noted as finish:
                identifier, properties = call.provider.create(call.identity, inputs, call.configuration)
                finish(identifier, call.masked(properties))
            return provider_pb2.CreateResponse(id=identifier, properties=call.encode_outputs(properties))

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._call(context, request.urn) as call:
            inputs, state = call.decode(request.inputs), call.decode(request.properties)
            with self._faults.around("read", call.identity.name, call.identity.token):
                found = call.provider.read(call.identity, request.id, inputs, state, call.configuration)
            if found is None:
                return provider_pb2.ReadResponse(id="")
            return provider_pb2.ReadResponse(
                id=request.id,
                inputs=call.encode(found.inputs),
                properties=call.encode_outputs(found.properties),
            )

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._call(context, request.urn) as call:
            news, state = call.decode(request.news), values.decode(request.olds)
            if request.preview:
                properties = call.provider.preview_update(call.identity, state, news, call.configuration)
            else:
                old = values.decode(request.old_inputs)
                with self._faults.around("update", call.identity.name, call.identity.token):
                    properties = call.provider.update(call.identity, request.id, old, state, news, call.configuration)
            return provider_pb2.UpdateResponse(properties=call.encode_outputs(properties))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._call(context, request.urn) as call:
            state = call.decode(request.properties)
            with self._faults.around("delete", call.identity.name, call.identity.token):
                call.provider.delete(call.identity, request.id, state, call.configuration)
            self._creations.deleted(call.identity.token, request.id)
            return empty_pb2.Empty()

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        secrets = SecretValues()
        with _errors(context, secrets):
            arguments = secrets.decode(request.args)
            result, failures = invokes.invoke(request.tok, arguments, self._emulator, self._configuration(context))
        shown = {key: values.secret(value) if secrets.found else value for key, value in result.items()}
        return provider_pb2.InvokeResponse(**{"return": values.to_struct(shown)}, failures=_failures(failures))

    @contextmanager
    def _call(self, context: grpc.ServicerContext, urn: str) -> Iterator["_Call"]:
        """One call about a resource: its provider and configuration; errors become an answer to the engine."""
        _, _, qualified_type, name = urn.split("::", 3)
        identity = Identity(qualified_type.rsplit("$", 1)[-1], name)
        provider = self._providers.get(identity.token.split(":")[0])
        if provider is None:
            message = f"the sandbox does not support the type {identity.token}"
            context.abort(grpc.StatusCode.UNIMPLEMENTED, message)
            raise AssertionError("abort always raises")
        secrets = SecretValues()
        with _errors(context, secrets):
            yield _Call(identity, provider, self._configuration(context), secrets)

    def _configuration(self, context: grpc.ServicerContext) -> ProviderConfiguration:
        return self._configurations.get(context.peer(), self._default)


@dataclass(frozen=True)
class _Call:
    """What a call about a resource works with. Providers see plain values; secrets are marked again in the answer."""

    identity: Identity
    provider: ResourceProvider
    configuration: ProviderConfiguration
    secrets: SecretValues

    def decode(self, struct: struct_pb2.Struct) -> Properties:
        """Return the plain values of a struct whose secrets must stay secret in the answer."""
        return self.secrets.decode(struct)

    def encode(self, properties: Properties) -> struct_pb2.Struct:
        """Return a struct in which everything secret is marked."""
        return values.to_struct(self.secrets.mark(properties))

    def encode_outputs(self, properties: Properties) -> struct_pb2.Struct:
        """Return a struct in which everything secret is marked, outputs that are secret by their type too."""
        marked = self.secrets.mark(properties)
        for key in random_provider.SECRET_OUTPUTS.get(self.identity.token, ()):
            if key in marked and not values.is_secret(marked[key]):
                marked[key] = values.secret(marked[key])
        return values.to_struct(marked)

    def masked(self, properties: Properties) -> Properties:
        """Return the properties with a placeholder in the place of every secret."""
        hidden: Properties = values.masked(self.secrets.mark(properties))
        return hidden

    def without_secrets(self, failure: CheckFailure) -> CheckFailure:
        """Return the failure without a secret: the engine prints the value of the property that a failure names."""
        reason = self.redact(failure.reason)
        if self.secrets.hides(failure.property):
            return CheckFailure("", f"{failure.property}: {reason}")
        return CheckFailure(failure.property, reason)

    def redact(self, text: str) -> str:
        """Return the text without the values of secrets."""
        return self.secrets.redact(text)


@contextmanager
def _errors(context: grpc.ServicerContext, secrets: SecretValues) -> Iterator[None]:
    """Turn errors into an answer to the engine that contains no secret."""
    try:
        yield
    except (ApiError, ProviderError, InjectedError) as error:
        context.abort(grpc.StatusCode.UNKNOWN, secrets.redact(str(error)))
    except Exception as error:
        # A fault of the sandbox: the traceback belongs in the provider's log, not in the user's terminal.
        print(secrets.redact("".join(traceback.format_exception(error))), file=sys.stderr, flush=True)
        message = f"the sandbox itself failed ({type(error).__name__}: {error}); its log has the details"
        context.abort(grpc.StatusCode.UNKNOWN, secrets.redact(message))


def _failures(failures: list[CheckFailure]) -> list[Any]:
    return [provider_pb2.CheckFailure(property=failure.property, reason=failure.reason) for failure in failures]


def _proposal(request: Any) -> Proposal | None:
    if not request.HasField("autonaming"):
        return None
    options = provider_pb2.CheckRequest.AutonamingOptions
    mode = request.autonaming.mode
    return Proposal(request.autonaming.proposed_name, mode == options.ENFORCE, mode == options.DISABLE)


def _diff_response(difference: Diff) -> Any:
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
    parser = argparse.ArgumentParser(prog="python -m sandbox.provider.protocol", description=__doc__)
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
