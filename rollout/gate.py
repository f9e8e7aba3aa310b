"""What every gate needs: calls to AWS, a clock, waiting with a deadline, and somebody to tell what it waits for.

Nothing here blocks: a hook that blocks would stop the program, and with it every other resource.
"""

import asyncio
import os
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

REPORT_SECONDS = 60
"""How often a gate says what it waits for."""
FIRST_REPORT_SECONDS = 5
"""What takes less needs no line."""
POLL_SECONDS = 10.0
SANDBOX_POLL_SECONDS = 0.2
"""In the sandbox everything takes seconds, and calls cost nothing."""
SANDBOX_MINUTE_SECONDS = 0.05
"""How long a minute of watching takes where nothing is measured."""
WEB_TIMEOUT_SECONDS = 10


class Refusal(Exception):
    """A gate refuses: what is wrong, what that left behind, and what to do."""


class Aws(Protocol):
    """Makes a call to AWS; raises botocore's errors."""

    async def __call__(self, service: str, operation: str, **parameters: object) -> Mapping[str, Any]: ...


class Web(Protocol):
    """Asks for a page, and returns the status of the answer, or why there is none."""

    async def __call__(self, url: str) -> int | str: ...


class Clock(Protocol):
    """Time, which the tests let pass faster."""

    def now(self) -> datetime: ...

    def seconds(self) -> float:
        """Return seconds since any moment; they never go back."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class BotoAws:
    """Calls in threads, with the credentials of the environment; `AWS_ENDPOINT_URL` directs them to an emulator."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._clients: dict[str, Any] = {}
        self._lock = asyncio.Lock()

    async def __call__(self, service: str, operation: str, **parameters: object) -> Mapping[str, Any]:
        client = await self._client(service)
        answer: Mapping[str, Any] = await asyncio.to_thread(getattr(client, operation), **parameters)
        return answer

    async def _client(self, service: str) -> Any:
        async with self._lock:
            if service not in self._clients:
                self._clients[service] = await asyncio.to_thread(self._connect, service)
            return self._clients[service]

    def _connect(self, service: str) -> Any:
        # Gates wait for an hour: a failure of the network in between must not end that.
        config = Config(
            connect_timeout=10,
            read_timeout=30,
            retries={"total_max_attempts": 8, "mode": "standard"},
            s3={"addressing_style": "path" if in_sandbox() else "auto"},
        )
        return boto3.session.Session().client(service, region_name=self._region, config=config)


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def seconds(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def ask_web(url: str) -> int | str:
    """Return the status that a URL answers with, redirects followed, or the reason of no answer."""

    def ask() -> int | str:
        try:
            with urllib.request.urlopen(url, timeout=WEB_TIMEOUT_SECONDS) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except (OSError, ValueError) as error:
            return str(error)

    return await asyncio.to_thread(ask)


def in_sandbox() -> bool:
    """Tell whether calls go to an emulator, where there are no servers to connect to."""
    return bool(os.environ.get("AWS_ENDPOINT_URL"))


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A gate while it works."""

    aws: Aws
    web: Web
    clock: Clock
    tell: Callable[[str], None]
    sandbox: bool
    """Whether AWS is emulated."""
    begun: datetime
    """When this `pulumi up` began."""

    @property
    def poll_seconds(self) -> float:
        return SANDBOX_POLL_SECONDS if self.sandbox else POLL_SECONDS

    @property
    def minute_seconds(self) -> float:
        """How long a minute of watching takes."""
        return SANDBOX_MINUTE_SECONDS if self.sandbox else 60

    def wait(self, seconds: float) -> "Wait":
        """Begin to wait, for at most so many seconds."""
        return Wait(gate=self, seconds=seconds)

    async def pages(self, service: str, operation: str, member: str, **parameters: object) -> AsyncIterator[Any]:
        """Yield the items of an answer that AWS gives in pages; the token has the same name in question and answer."""
        token: Mapping[str, object] = {}
        while True:
            answer = await self.aws(service, operation, **parameters, **token)
            for item in answer.get(member, ()):
                yield item
            found = {key: answer[key] for key in ("NextToken", "Marker", "nextToken") if answer.get(key)}
            if not found:
                return
            token = found


@dataclass(kw_only=True)
class Wait:
    """One wait of a gate, with its own deadline."""

    gate: Gate
    seconds: float
    _began: float = field(init=False)
    _next_report: float = field(init=False, default=FIRST_REPORT_SECONDS)

    def __post_init__(self) -> None:
        self._began = self.gate.clock.seconds()

    @property
    def waited(self) -> float:
        """Seconds so far."""
        return self.gate.clock.seconds() - self._began

    @property
    def over(self) -> bool:
        """Whether the deadline has passed."""
        return self.waited >= self.seconds

    async def pause(self, lines: Sequence[str]) -> bool:
        """Say every minute what for, and wait a little. Return False, at once, if the deadline has passed."""
        if self.over:
            return False
        if self.waited >= self._next_report:
            self._next_report = self.waited + REPORT_SECONDS
            for line in lines:
                self.gate.tell(f"{line} ({_minutes(self.waited)} of at most {_minutes(self.seconds)})")
        # The last pause ends with the deadline, not after it.
        await self.gate.clock.sleep(min(self.gate.poll_seconds, self.seconds - self.waited))
        return True


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min"


def code_of(error: ClientError) -> str:
    """Return AWS's code of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def explained(error: ClientError | BotoCoreError) -> Refusal:
    """Return a refusal for an error of AWS that no gate expects."""
    return Refusal(f"AWS could not be asked: {error}. Correct that, and run `pulumi up` again: it asks again.")


async def require_account(gate: Gate, account_id: str) -> None:
    """Refuse to work with credentials of another account than the stack's."""
    found = (await gate.aws("sts", "get_caller_identity"))["Account"]
    if found != account_id:
        raise Refusal(
            f"The credentials of the environment are of account {found}, and the stack lives in {account_id}: "
            "use credentials of that account, and run `pulumi up` again."
        )
