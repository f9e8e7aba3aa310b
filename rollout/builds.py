"""Migrations as builds of one CodeBuild project, which runs one at a time.

Who starts one sends a token made from what has been there before: two deployments that see the same start the same
build. A deployment that was killed leaves its build running, and the next one waits for that.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from rollout.gate import Gate, Refusal, Wait, code_of
from rollout.marker import Release

LONGEST_SECONDS = (60 + 30) * 60
"""The project's limits: 60 minutes to run after 30 in the queue."""
KEPT = 100
"""Builds that are looked at; one page of CodeBuild's."""


class Task(StrEnum):
    """What a build does; components/files/jobs/migrate.sh reads it from the variable TASK."""

    MIGRATE = "migrate"
    STATUS = "status"


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is to be done for a release, and where."""

    project: str
    log_group: str
    release: Release
    task: Task

    def asking_status(self) -> "Work":
        return replace(self, task=Task.STATUS)

    @property
    def variables(self) -> Mapping[str, str]:
        return {"RELEASE": self.release.name, "RELEASE_SHA256": self.release.sha256, "TASK": self.task}


@dataclass(frozen=True, kw_only=True)
class Build:
    """One build as CodeBuild describes it."""

    id: str
    status: str
    phase: str
    started: datetime | None
    log: str
    """Where to read what it has printed."""
    variables: Mapping[str, str]

    @classmethod
    def of(cls, answer: Mapping[str, Any], log_group: str) -> "Build":
        logs = answer.get("logs", {})
        stream = logs.get("streamName")
        variables = answer.get("environment", {}).get("environmentVariables", ())
        return cls(
            id=answer["id"],
            status=answer["buildStatus"],
            phase=answer.get("currentPhase", ""),
            started=answer.get("startTime"),
            log=f"`aws logs tail {log_group} --since 3h{f' --log-stream-names {stream}' if stream else ''}`"
            + (f" or {logs['deepLink']}" if logs.get("deepLink") else ""),
            variables={variable["name"]: variable["value"] for variable in variables},
        )

    @property
    def running(self) -> bool:
        return self.status == "IN_PROGRESS"

    @property
    def succeeded(self) -> bool:
        return self.status == "SUCCEEDED"

    def does(self, work: Work) -> bool:
        return work.variables.items() <= self.variables.items()


async def run_once(gate: Gate, work: Work, prepare: Callable[[datetime | None], Awaitable[object]]) -> None:
    """Return when a build of this work has succeeded: an earlier one, one that runs already, or a new one.

    `prepare` is called before a new one is started, with the time at which the latest attempt began.
    """
    wait = gate.wait(LONGEST_SECONDS)
    while True:
        found = await _free(gate, work, wait)
        ours = next((build for build in found if build.does(work)), None)
        if ours is not None and ours.succeeded:
            gate.tell(f"release {work.release.name} was migrated by {ours.id}, whose deployment did not get to note it")
            return
        if ours is not None and ours.running:
            gate.tell(f"{ours.id} migrates release {work.release.name} already; waits for it")
            await _finish(gate, work, ours)
            return
        await prepare(ours.started if ours else None)
        # Preparing takes minutes, in which somebody else may have started one.
        unchanged = [build.id for build in await _newest(gate, work)] == [build.id for build in found]
        if unchanged and (started := await _start(gate, work, found)):
            await _finish(gate, work, started)
            return
        await _pause(wait, work, "another build has just begun")


async def check(gate: Gate, work: Work) -> None:
    """Return when a new build of this work has succeeded."""
    wait = gate.wait(LONGEST_SECONDS)
    while (started := await _start(gate, work, await _free(gate, work, wait))) is None:
        await _pause(wait, work, "another build has just begun")
    await _finish(gate, work, started)


async def _free(gate: Gate, work: Work, wait: Wait) -> Sequence[Build]:
    """Return the newest builds, newest first, as soon as none of other work runs."""
    while True:
        found = await _newest(gate, work)
        other = next((build for build in found if build.running and not build.does(work)), None)
        if other is None:
            return found
        release = other.variables.get("RELEASE", "unknown")
        await _pause(wait, work, f"{other.id} for release {release} runs, and only one may at a time")


async def _pause(wait: Wait, work: Work, reason: str) -> None:
    if not await wait.pause([f"waits to {work.task} release {work.release.name}: {reason}"]):
        raise Refusal(
            f"Release {work.release.name} could not {work.task}: {reason}. No server was changed. See "
            f"`aws codebuild list-builds-for-project --project-name {work.project}`, and run `pulumi up` again."
        )


async def _newest(gate: Gate, work: Work) -> Sequence[Build]:
    answer = await gate.aws("codebuild", "list_builds_for_project", projectName=work.project, sortOrder="DESCENDING")
    identifiers = answer.get("ids", ())[:KEPT]
    if not identifiers:
        return []
    described = await gate.aws("codebuild", "batch_get_builds", ids=list(identifiers))
    by_id = {build["id"]: Build.of(build, work.log_group) for build in described["builds"]}
    return [by_id[identifier] for identifier in identifiers if identifier in by_id]


async def _start(gate: Gate, work: Work, found: Sequence[Build]) -> Build | None:
    """Start a build; return None if another one was faster."""
    seen = [*sorted(work.variables.items()), found[0].id if found else ""]
    try:
        answer = await gate.aws(
            "codebuild",
            "start_build",
            projectName=work.project,
            environmentVariablesOverride=[
                {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in work.variables.items()
            ],
            idempotencyToken=hashlib.sha256(repr(seen).encode()).hexdigest(),
        )
    except ClientError as error:
        if code_of(error) == "AccountLimitExceededException":
            return None
        raise
    return Build.of(answer["build"], work.log_group)


async def _finish(gate: Gate, work: Work, build: Build) -> None:
    """Wait for the end of a build. Raises Refusal if it did not succeed."""
    gate.tell(
        f"{build.id} runs `migrate:{'status' if work.task is Task.STATUS else 'production'}` of {work.release.name}"
    )
    wait = gate.wait(LONGEST_SECONDS)
    while build.running:
        if not await wait.pause([f"waits for {build.id}, in phase {build.phase}"]):
            raise Refusal(
                f"{build.id} has not ended in time. No server was changed. Its log: {build.log}. `pulumi up` waits for "
                "it again."
            )
        described = await gate.aws("codebuild", "batch_get_builds", ids=[build.id])
        build = Build.of(described["builds"][0], work.log_group)
    if not build.succeeded:
        raise Refusal(_failure(work, build))


def _failure(work: Work, build: Build) -> str:
    log = f"Its log: {build.log}."
    release = work.release.name
    if work.task is Task.STATUS:
        return (
            f"The database does not have every migration of release {release} ({build.id}: {build.status}), although "
            f"they ran once; was it restored? No server was changed. {log} See "
            "docs/runbooks.md#a-migration-failed."
        )
    return (
        f"The migration of release {release} failed ({build.id}: {build.status}). No server was changed: they run what "
        f"they ran before. {log} Correct the release or the database, and run `pulumi up` again, which migrates again; "
        "or pin the release that runs. See docs/runbooks.md#a-migration-failed."
    )
