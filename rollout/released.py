"""The gate `released`: every server runs the release, is well, and has caused no alarm."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rollout import fleet
from rollout.alarms import AlarmWatch
from rollout.gate import Gate, Refusal, require_account
from rollout.marker import Release
from rollout.verification import PublicName, verify_public_name, verify_servers

MARGIN = 1.5
"""The deadline is half as long again as the rollout should take."""


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """What the gate has to know, by its names in AWS."""

    account_id: str
    release: Release
    group: str
    """Name of the Auto Scaling group."""
    template_id: str
    template_version: str
    target_group_arn: str
    min_size: int
    replacement_seconds: int
    """For one server: start, warm-up, and the end of its predecessor's requests."""
    grace_seconds: int
    """Within which a server that starts must serve."""
    alarms: Sequence[str]
    settle_minutes: int
    """How long the alarms are watched after the last server was replaced."""
    document: str
    """Of Systems Manager, with which a server verifies itself."""
    domain: str
    """Where users reach the API."""
    ready_path: str

    @property
    def servers(self) -> fleet.Group:
        return fleet.Group(
            name=self.group,
            template_id=self.template_id,
            template_version=self.template_version,
            target_group_arn=self.target_group_arn,
            min_size=self.min_size,
        )

    @property
    def public_name(self) -> PublicName:
        return PublicName(domain=self.domain, ready_path=self.ready_path)

    @property
    def advice(self) -> str:
        """What a refusal ends with."""
        return (
            "Servers are left as they are. To go back, pin the release before and run `pulumi up`; to try again, run "
            "it as it is. See docs/runbooks.md#a-rollout-failed."
        )


async def released(gate: Gate, rollout: Rollout, *, first: bool) -> None:
    """Return when the release is verified on every server. Raises Refusal if it cannot be.

    `first` says whether the stack has no marker yet.
    """
    await require_account(gate, rollout.account_id)
    watch = AlarmWatch(gate, rollout.alarms, gate.clock.now())
    found = await _await_servers(gate, rollout, watch)
    if gate.sandbox:
        gate.tell(
            f"no packets reach emulated servers: neither their health endpoints nor https://{rollout.domain} were asked"
        )
    else:
        await verify_servers(gate, rollout.document, found.ready, rollout.release, rollout.advice)
        await verify_public_name(gate, rollout.public_name, rollout.advice)
    await _settle(gate, rollout, watch)


async def _await_servers(gate: Gate, rollout: Rollout, watch: AlarmWatch) -> fleet.Servers:
    found = await fleet.servers(gate, rollout.servers)
    count = max(rollout.min_size, len(found.ready) + len(found.waiting) + len(found.outdated))
    seconds = max(count * rollout.replacement_seconds, rollout.grace_seconds) * MARGIN
    gate.tell(
        f"waits until {count} servers run release {rollout.release.name} (launch template version "
        f"{rollout.template_version}), at most {math.ceil(seconds / 60)} minutes"
    )
    wait = gate.wait(seconds)
    started_again = False
    while True:
        refresh = await fleet.newest_refresh(gate, rollout.servers)
        if refresh is not None and refresh.started is not None:
            # It began before the gate was asked.
            watch.since = min(watch.since, refresh.started)
        await watch.look(rollout.advice)
        found = await fleet.servers(gate, rollout.servers)
        if refresh is not None and refresh.failed and not _is_of_an_earlier_deployment(refresh, gate):
            raise Refusal(_failure(rollout, refresh, found))
        if refresh is None or not refresh.active:
            if found.complete:
                return found
            if found.outdated and not started_again and (refresh is None or refresh.failed):
                await _start_again(gate, rollout, refresh)
                started_again = True
        if not await wait.pause([_progress(refresh, found)]):
            raise Refusal(
                f"Release {rollout.release.name} has not reached every server in time: {_progress(refresh, found)}. "
                f"{rollout.advice}"
            )


async def _start_again(gate: Gate, rollout: Rollout, refresh: fleet.Refresh | None) -> None:
    """Start a refresh: this deployment has not changed the group, so Pulumi has started none."""
    ended = (
        f"the instance refresh of an earlier deployment ended as {refresh.status}" if refresh else "none is under way"
    )
    gate.tell(f"{ended}, and not every server runs the release; starts an instance refresh")
    alarms: Mapping[str, object] = {"AlarmSpecification": {"Alarms": list(rollout.alarms)}} if rollout.alarms else {}
    await fleet.start_refresh(gate, rollout.servers, refresh.preferences if refresh else alarms)


def _is_of_an_earlier_deployment(refresh: fleet.Refresh, gate: Gate) -> bool:
    return refresh.started is not None and refresh.started < gate.begun


def _progress(refresh: fleet.Refresh | None, found: fleet.Servers) -> str:
    told = f"instance refresh {refresh.status}, {refresh.percent} %: " if refresh else ""
    return f"{told}{found}"


def _failure(rollout: Rollout, refresh: fleet.Refresh, found: fleet.Servers) -> str:
    reason = f": {refresh.reason.rstrip('.')}" if refresh.reason else ""
    return (
        f"The rollout of release {rollout.release.name} ended as {refresh.status}{reason} (instance refresh "
        f"{refresh.id}; {found}). {rollout.advice}"
    )


async def _settle(gate: Gate, rollout: Rollout, watch: AlarmWatch) -> None:
    """Watch the alarms for a while: they need minutes to see what the new servers do."""
    wait = gate.wait(rollout.settle_minutes * gate.minute_seconds)
    await watch.look(rollout.advice)
    while await wait.pause(["every server runs the release; watches the alarms"]):
        await watch.look(rollout.advice)
