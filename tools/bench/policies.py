"""The time that the pack takes, for 1, 4 and 16 copies of a stack: `python -m tools.bench.policies --state stack.json`.

It drives the pack as the engine does, over gRPC: one call for each resource, then one with all of them. Not measured
here: the start of the process, most of which is Python importing Pulumi's SDK, and the engine's own work.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import proto
from pulumi.runtime.proto import analyzer_pb2_grpc
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from policies.engine.evaluation import RuleIndex
from policies.engine.server import Analyzer, start
from policies.engine.stack import IDENTIFYING_PROPERTIES
from policies.engine.waivers import Waivers
from policies.rules import ALL_RULES

COPIES: Final = (1, 4, 16)
ROUNDS: Final = 3
"""The fastest counts: other work of the machine can only make it slower."""

Entry = Mapping[str, Any]


def copies_of(entries: Sequence[Entry], count: int) -> Sequence[Entry]:
    """Return a stack several times over, each copy with ids and references of its own."""
    identifiers = {
        value
        for entry in entries
        for value in (entry.get("id"), *((entry.get("outputs") or {}).get(name) for name in IDENTIFYING_PROPERTIES))
        if isinstance(value, str) and value
    }
    names = identifiers | {entry["urn"] for entry in entries}
    return [_renamed(entry, names, f"-copy-{number}") for number in range(count) for entry in entries]


def _renamed(value: Any, names: set[str], suffix: str) -> Any:
    match value:
        case str():
            return value + suffix if value in names else value
        case dict():
            return {key: _renamed(item, names, suffix) for key, item in value.items()}
        case list():
            return [_renamed(item, names, suffix) for item in value]
        case _:
            return value


def seconds_for(entries: Sequence[Entry]) -> float:
    """Return how long the pack takes over a stack."""
    server, port = start(Analyzer(RuleIndex(ALL_RULES), Waivers((), datetime.now(UTC).date()), "bench"))
    one_by_one = [_request(entry) for entry in entries]
    together = proto.AnalyzeStackRequest(resources=[_resource(entry) for entry in entries])
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.max_send_message_length", -1)]) as channel:
        client = analyzer_pb2_grpc.AnalyzerStub(channel)
        rounds = [_time(client, one_by_one, together) for _ in range(ROUNDS)]
    server.stop(None)
    return min(rounds)


def _time(client: Any, one_by_one: Sequence[Any], together: Any) -> float:
    began = time.perf_counter()
    for request in one_by_one:
        client.Analyze(request)
    client.AnalyzeStack(together)
    return time.perf_counter() - began


def _request(entry: Entry) -> Any:
    return proto.AnalyzeRequest(
        type=entry["type"],
        urn=entry["urn"],
        properties=_struct(entry.get("inputs")),
        options=proto.AnalyzerResourceOptions(protect=bool(entry.get("protect"))),
    )


def _resource(entry: Entry) -> Any:
    dependencies = (entry.get("propertyDependencies") or {}).items()
    return proto.AnalyzerResource(
        type=entry["type"],
        urn=entry["urn"],
        properties=_struct(entry.get("outputs")),
        options=proto.AnalyzerResourceOptions(protect=bool(entry.get("protect"))),
        propertyDependencies={name: proto.AnalyzerPropertyDependencies(urns=urns) for name, urns in dependencies},
    )


def _struct(properties: Any) -> Struct:
    struct = Struct()
    struct.update(properties or {})
    return struct


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.policies", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="what `pulumi stack export` wrote")
    entries = json.loads(parser.parse_args(arguments).state.read_text())["deployment"]["resources"]
    table = Table("Copies", "Resources", "Seconds", "Milliseconds a resource", box=SIMPLE)
    for count in COPIES:
        copies = copies_of(entries, count)
        seconds = seconds_for(copies)
        table.add_row(str(count), str(len(copies)), f"{seconds:.2f}", f"{1000 * seconds / len(copies):.2f}")
    console = Console()
    console.print(f"{len(ALL_RULES)} rules")
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
