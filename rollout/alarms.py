"""The alarms that a rollout must not cause: errors and slow answers of the API."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rollout.gate import Gate, Refusal


class AlarmWatch:
    """Looks whether one of the alarms has begun since the rollout began; those that fired before are not its doing."""

    def __init__(self, gate: Gate, names: Sequence[str], since: datetime) -> None:
        self.since = since
        self._gate = gate
        self._names = names

    async def look(self, advice: str) -> None:
        """Raise Refusal, which ends with the advice, if an alarm has begun."""
        if firing := [alarm for alarm in await self._firing() if _began(alarm) >= self.since]:
            told = "; ".join(f"{alarm['AlarmName']} since {_began(alarm):%H:%M} UTC" for alarm in firing)
            raise Refusal(f"The rollout raised an alarm: {told}. {advice}")

    async def _firing(self) -> list[Mapping[str, Any]]:
        if not self._names:
            return []
        alarms = self._gate.pages("cloudwatch", "describe_alarms", "MetricAlarms", AlarmNames=list(self._names))
        return [alarm async for alarm in alarms if alarm["StateValue"] == "ALARM"]


def _began(alarm: Mapping[str, Any]) -> datetime:
    """Return when the alarm changed to its state; other updates keep the state and change the second of the two."""
    began: datetime = alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"]
    return began
