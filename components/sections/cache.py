"""Section `fixrx:cache`."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from components.shared.instance_types import CacheNodeType
from components.shared.production import NOT_BURSTABLE, Production, Protected
from components.shared.section import LogRetentionDays, Section

Engine = Literal["redis", "valkey"]
ENGINE_VERSIONS: Mapping[Engine, str] = {"redis": "7.1", "valkey": "8.1"}


class CacheSettings(Section):
    """Section `fixrx:cache`."""

    engine: Engine = "redis"
    """Redis 7.1 or Valkey 8.1. ElastiCache cannot go back to Redis; docs/upgrades.md has the way to Valkey."""
    node_type: Annotated[CacheNodeType, NOT_BURSTABLE] = "cache.m7g.large"
    """Of each node."""
    nodes: Annotated[
        int, Field(ge=1, le=6), Production(at_least=2, because="a single node is lost together with its zone")
    ] = 2
    """The primary and its replicas."""
    eviction_policy: Literal["volatile-lru", "allkeys-lru", "noeviction"] = "volatile-lru"
    """Which keys are evicted when memory is full. With `volatile-lru`, keys without an expiry are kept."""
    snapshot_retention_days: Annotated[
        int, Field(ge=0, le=35), Production(at_least=7, because="the guide keeps backups for 7 days")
    ] = 7
    log_retention_days: LogRetentionDays = 30
    protect: Protected = True
    """Refuse to delete the cache."""
    apply_immediately: bool = False
    """Apply changes at once instead of in the maintenance window. A change of `engine` needs it."""

    @property
    def engine_version(self) -> str:
        return ENGINE_VERSIONS[self.engine]
