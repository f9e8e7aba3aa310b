"""Section `fixrx:cache`."""

from typing import Annotated, Literal

from pydantic import Field

from components.shared.instance_types import CacheNodeType
from components.shared.production import NOT_BURSTABLE, Production, Protected
from components.shared.section import LogRetentionDays, Section


class CacheSettings(Section):
    """Section `fixrx:cache`."""

    engine: Literal["redis", "valkey"] = "redis"
    """Redis 7.1 or Valkey 8.1."""
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
