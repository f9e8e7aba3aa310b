"""Whether the new servers really serve the release: each server asks itself, and the public name is asked from here."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from rollout.gate import Gate, Refusal, code_of
from rollout.marker import Release

LONGEST_SECONDS = 300
"""A server that has just begun to serve may still be filling its caches."""
SERVERS_AT_ONCE = 50
"""Systems Manager accepts no more in one command."""
_UNFINISHED = ("Pending", "InProgress", "Delayed", "Cancelling")
_RELEASE = re.compile(r"^release=(\S+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class PublicName:
    """Where users reach the API."""

    domain: str
    ready_path: str

    @property
    def expected(self) -> Mapping[str, int]:
        """URL to the status that it must answer with; metrics are nobody's business outside."""
        base = f"https://{self.domain}"
        return {f"{base}{self.ready_path}": 200, f"{base}/metrics": 404}


async def verify_servers(gate: Gate, document: str, servers: Sequence[str], release: Release, advice: str) -> None:
    """Return when every server has found its health endpoints well, and the release to be the pinned one."""
    wait = gate.wait(LONGEST_SECONDS)
    remaining = list(servers)
    while True:
        problems = await _problems(gate, document, remaining, release)
        if not problems:
            return
        remaining = list(problems)
        lines = [f"waits for {server}: {problem}" for server, problem in problems.items()]
        if not await wait.pause(lines):
            listed = "\n".join(f"  {server}: {problem}" for server, problem in problems.items())
            raise Refusal(f"Not every new server is well:\n{listed}\n{advice}")


async def verify_public_name(gate: Gate, name: PublicName, advice: str) -> None:
    """Return when the public name answers as it must."""
    wait = gate.wait(LONGEST_SECONDS)
    while True:
        answers = {url: await gate.web(url) for url in name.expected}
        wrong = [
            f"{url}: {answers[url]}, not {status}" for url, status in name.expected.items() if answers[url] != status
        ]
        if not wrong:
            return
        if not await wait.pause([f"waits for {line}" for line in wrong]):
            listed = "\n".join(f"  {line}" for line in wrong)
            raise Refusal(f"From outside, the API does not answer as it must:\n{listed}\n{advice}")


async def _problems(gate: Gate, document: str, servers: Sequence[str], release: Release) -> Mapping[str, str]:
    """Let the servers check themselves; return what is wrong, by server."""
    problems: dict[str, str] = {}
    for first in range(0, len(servers), SERVERS_AT_ONCE):
        problems |= await _ask(gate, document, servers[first : first + SERVERS_AT_ONCE], release)
    return problems


async def _ask(gate: Gate, document: str, servers: Sequence[str], release: Release) -> Mapping[str, str]:
    try:
        sent = await gate.aws(
            "ssm",
            "send_command",
            DocumentName=document,
            InstanceIds=list(servers),
            Comment=f"Verifies release {release.name}",
            TimeoutSeconds=60,
        )
    except ClientError as error:
        # Systems Manager does not know a server until its agent has reported.
        if code_of(error) != "InvalidInstanceId":
            raise
        return dict.fromkeys(servers, "Systems Manager does not know it yet")
    answers = await _answers(gate, sent["Command"]["CommandId"], servers)
    judged = {server: _problem(answers.get(server), release) for server in servers}
    return {server: problem for server, problem in judged.items() if problem is not None}


async def _answers(gate: Gate, command: str, servers: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    wait = gate.wait(LONGEST_SECONDS)
    while True:
        found = gate.pages("ssm", "list_command_invocations", "CommandInvocations", CommandId=command, Details=True)
        answers = {answer["InstanceId"]: answer async for answer in found}
        unfinished = [
            server for server in servers if answers.get(server, {"Status": "Pending"})["Status"] in _UNFINISHED
        ]
        if not unfinished or not await wait.pause([f"waits for the verification on {', '.join(unfinished)}"]):
            return answers


def _problem(answer: Mapping[str, Any] | None, release: Release) -> str | None:
    if answer is None:
        return "did not answer"
    output = "\n".join(plugin.get("Output", "") for plugin in answer.get("CommandPlugins", ()))
    if answer["Status"] != "Success":
        last = output.strip().splitlines()[-3:]
        return f"{answer['Status']}: {' / '.join(last) or 'no output'}"
    found = _RELEASE.search(output)
    if found is None:
        return "does not say which release it runs"
    return None if found[1] == release.name else f"runs release {found[1]}, not {release.name}"
