"""From servers to database connections."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.shared.connection_budget import ConnectionBudget

budgets = st.builds(
    ConnectionBudget,
    peak_servers=st.integers(1, 110),
    processes_per_server=st.integers(1, 192),
    alarm_threshold=st.integers(10, 5000),
    database_memory_gib=st.floats(1, 1024),
)


def budget(servers: int, processes: int, alarm: int, memory_gib: float) -> ConnectionBudget:
    return ConnectionBudget(
        peak_servers=servers, processes_per_server=processes, alarm_threshold=alarm, database_memory_gib=memory_gib
    )


@pytest.mark.parametrize(
    ("memory_gib", "connections"), [(1, 101), (2, 202), (4, 405), (8, 811), (16, 1622), (32, 3244), (64, 5000)]
)
def test_connections_that_rds_accepts(memory_gib: float, connections: int) -> None:
    """Nine tenths of LEAST(memory / 9531392, 5000): RDS keeps some memory to itself."""
    assert budget(1, 1, 80, memory_gib).max_connections == connections


@pytest.mark.parametrize(
    ("servers", "processes", "alarm", "memory_gib", "allowed", "pool"),
    [
        # Production: ten servers and one that starts first, two processes each.
        (11, 2, 80, 8, 72, 3),
        # The guide's three servers. Its pool of 20 would be 120 connections there: past its own alarm at 80.
        (3, 2, 80, 8, 72, 12),
        (1, 1, 80, 8, 72, 72),
        # With a later alarm the database itself is the limit: (811 - 15) * 0.8.
        (3, 2, 5000, 8, 636, 106),
        # More processes than connections.
        (40, 2, 80, 8, 72, 0),
        (36, 2, 80, 8, 72, 1),
        # A very small database: (50 - 15) * 0.8 is less than 90 % of the alarm's threshold.
        (5, 2, 80, 0.5, 28, 2),
    ],
)
def test_largest_pool(servers: int, processes: int, alarm: int, memory_gib: float, allowed: int, pool: int) -> None:
    result = budget(servers, processes, alarm, memory_gib)

    assert (result.allowed_connections, result.largest_pool) == (allowed, pool)


@given(budgets)
def test_pools_never_reach_the_alarm_nor_what_the_database_accepts(result: ConnectionBudget) -> None:
    peak = result.largest_pool * result.peak_processes

    assert peak <= max(0, result.allowed_connections)
    assert peak < result.alarm_threshold
    assert peak <= max(0, result.max_connections - 15)


@given(budgets)
def test_a_larger_pool_would_not_fit(result: ConnectionBudget) -> None:
    assert (result.largest_pool + 1) * result.peak_processes > result.allowed_connections


def test_table_shows_the_calculation() -> None:
    assert budget(11, 2, 80, 8).as_table(3) == {
        "peak_servers": 11,
        "processes_per_server": 2,
        "peak_processes": 22,
        "pool_size_per_process": 3,
        "peak_connections": 66,
        "allowed_connections": 72,
        "alarm_threshold": 80,
        "max_connections": 811,
    }
