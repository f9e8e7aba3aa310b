"""How many database connections each process of the API may hold, so that the guide's alarm at 80 means trouble.

The guide gives every process a pool of 20. With a process per processor, two processors and three servers that is 120
connections on a quiet day, past the alarm and, with ten servers, past what some instance classes accept at all.
"""

import math
from dataclasses import dataclass

ALARM_SHARE = 0.9
"""Share of the alarm's threshold that the pools may fill at the peak; the rest is for people, migrations and dumps."""
DATABASE_SHARE = 0.8
RESERVED_CONNECTIONS = 15
"""Kept by RDS for itself and for superusers."""
BYTES_PER_CONNECTION = 9531392
"""RDS computes max_connections as LEAST(memory in bytes / this, 5000)."""
MOST_CONNECTIONS = 5000
USABLE_MEMORY_SHARE = 0.9
"""RDS computes with the memory left to PostgreSQL; 832 connections were measured where the formula promises 901."""
BYTES_PER_GIB = 2**30


@dataclass(frozen=True, kw_only=True)
class ConnectionBudget:
    """The arithmetic from servers and pods to connections, at the most of them that can run at once."""

    peak_servers: int
    """The group's maximum and those that a rolling replacement starts before it stops others."""
    processes_per_server: int
    peak_pods: int = 0
    """The same of pods, each with one process."""
    alarm_threshold: int
    database_memory_gib: float

    @property
    def peak_processes(self) -> int:
        return self.peak_servers * self.processes_per_server + self.peak_pods

    @property
    def max_connections(self) -> int:
        """What the database accepts, by RDS's formula and the measured discount."""
        formula = self.database_memory_gib * BYTES_PER_GIB / BYTES_PER_CONNECTION
        return min(int(formula * USABLE_MEMORY_SHARE), MOST_CONNECTIONS)

    @property
    def allowed_connections(self) -> int:
        """What all pools together may hold."""
        from_alarm = self.alarm_threshold * ALARM_SHARE
        from_database = (self.max_connections - RESERVED_CONNECTIONS) * DATABASE_SHARE
        return math.floor(min(from_alarm, from_database))

    @property
    def largest_pool(self) -> int:
        """The largest pool that every process may have; 0 if there are more processes than allowed connections."""
        return max(0, self.allowed_connections // self.peak_processes)

    def as_table(self, pool_size: int) -> dict[str, int]:
        """The numbers of the calculation, for the stack's outputs."""
        return {
            "peak_servers": self.peak_servers,
            "processes_per_server": self.processes_per_server,
            **({"peak_pods": self.peak_pods} if self.peak_pods else {}),
            "peak_processes": self.peak_processes,
            "pool_size_per_process": pool_size,
            "peak_connections": self.peak_processes * pool_size,
            "allowed_connections": self.allowed_connections,
            "alarm_threshold": self.alarm_threshold,
            "max_connections": self.max_connections,
        }
