"""Section `fixrx:app_servers`."""

import math
import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from components.shared.instance_types import Architecture, Capacity, ServerType, capacity_of
from components.shared.production import NOT_BURSTABLE, Production
from components.shared.section import Section, TextFormat

MOST_HEALTHY_PERCENT = 110
"""A replacement starts before the old server stops, one at a time: more at once need more database connections."""


RESTART_MIB = 1024
"""The guide's `max_memory_restart: '1G'`: PM2 restarts a process whose resident memory is larger."""
MIB_OUTSIDE_HEAP = 128
"""Resident memory of a Node process besides V8's heap: program, buffers, stacks. About 60 MiB when it starts."""
GIB_PER_PROCESS = 1.25
"""PM2 restarts a process at 1 GiB; the rest is for the new process that starts before the old one ends."""
GIB_FOR_SYSTEM = 1.0


def _lower_case(text: str) -> str | None:
    """Return the digest that a digest in capitals means."""
    return text.lower() if re.fullmatch(r"[0-9A-Fa-f]{64}", text, re.ASCII) else None


class AppServersSettings(Section):
    """Section `fixrx:app_servers`."""

    image_id: Annotated[
        str,
        TextFormat(
            pattern=r"ami-([0-9a-f]{8}|[0-9a-f]{17})", description="the id of an image", example="ami-08a311a6aaa3cd94a"
        ),
    ]
    """Amazon Linux 2023. Pinned: an image that is looked up would replace all servers on an unrelated change."""
    image_architecture: Architecture = Architecture.ARM64
    """Processor architecture of the image; `instance_type` must have the same."""
    release: Annotated[
        str, TextFormat(pattern=r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", description="a release", example="1.0.0")
    ]
    """Name of the archive under `releases/` of the backup bucket that the servers run."""
    release_sha256: Annotated[
        str,
        TextFormat(
            pattern=r"[0-9a-f]{64}",
            description="a SHA-256 digest",
            example="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            max_length=64,
            suggest=_lower_case,
        ),
    ]
    """SHA-256 of that archive, 64 hexadecimal digits. A server refuses an archive with another one."""
    instance_type: Annotated[ServerType, NOT_BURSTABLE] = "m7g.large"
    """Needs 1.25 GiB of memory for each processor and 1 GiB for the system."""
    min_size: Annotated[
        int, Field(ge=1, le=100), Production(at_least=3, because="the guide runs three servers, one in each zone")
    ] = 3
    """Smallest number of running servers."""
    max_size: Annotated[int, Field(ge=1, le=100)] = 10
    """Largest number of running servers. The more servers, the fewer database connections for each."""
    target_cpu_percent: Annotated[int, Field(ge=10, le=90)] = 70
    """CPU utilization that scaling keeps the servers at; the guide's figure."""
    requests_per_server_per_minute: Annotated[int, Field(ge=100)] = 6000
    """Load at which servers are added even if their processors are idle, waiting for the database. 100 a second is an
    assumption until a load test replaces it."""
    node_version: Literal["22", "24", "26"] = "24"
    """18 and 20 are past their end of support."""
    pool_size: Annotated[int, Field(ge=1, le=100)] | None = None
    """Database connections of each process; without it the largest that the connection budget allows."""
    heap_mib: Annotated[int, Field(ge=256)] = 768
    """Largest heap of V8 in each process. PM2 restarts a process at 1024 MiB of resident memory, which is the heap and
    at least 128 MiB more: with the guide's heap of 1024 MiB it would restart healthy processes."""
    max_instance_days: Annotated[int, Field(ge=1, le=365)] = 30
    """A server that is older is replaced, so that no server keeps an old system for longer than a month."""
    boot_patience_seconds: Annotated[int, Field(ge=30, le=3600)] = 600
    """How long a server waits at its first boot for the release, the secrets' values and the network. A server whose
    time runs out is replaced, and the next one waits again. The group's grace period is 300 s longer."""
    ssh_daemon: bool = False
    """Let the image's SSH daemon run. Administrators use Session Manager, and no port is open for SSH."""
    root_volume_gib: Annotated[int, Field(ge=8, le=1024)] = 30

    @model_validator(mode="after")
    def _sizes_are_ordered(self) -> Self:
        if self.min_size > self.max_size:
            raise ValueError("min_size is greater than max_size; swap or change them")
        return self

    @model_validator(mode="after")
    def _processes_fit_memory(self) -> Self:
        needed = self.capacity.vcpus * GIB_PER_PROCESS + GIB_FOR_SYSTEM
        if self.capacity.memory_gib < needed:
            raise ValueError(
                f"instance_type has {self.capacity.memory_gib:g} GiB of memory, and a process for each of its "
                f"{self.capacity.vcpus} processors needs {needed:g} GiB; take a type with more, such as m7g.large"
            )
        return self

    @model_validator(mode="after")
    def _heap_is_below_restart(self) -> Self:
        largest = RESTART_MIB - MIB_OUTSIDE_HEAP
        if self.heap_mib > largest:
            raise ValueError(
                f"heap_mib is {self.heap_mib}: PM2 restarts a process at {RESTART_MIB} MiB of resident memory, and "
                f"{MIB_OUTSIDE_HEAP} MiB of it are not heap; set heap_mib to {largest} or less"
            )
        return self

    @model_validator(mode="after")
    def _image_runs_on_instance(self) -> Self:
        needed = self.capacity.architecture
        if needed is not self.image_architecture:
            raise ValueError(
                f"instance_type is {needed}, but image_architecture is {self.image_architecture}; choose a type of "
                f"that architecture, or set image_architecture to {needed} and image_id to the output of `aws ssm "
                "get-parameter --query Parameter.Value --output text --name "
                f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{needed}`"
            )
        return self

    @property
    def capacity(self) -> Capacity:
        return capacity_of(self.instance_type)

    @property
    def peak_servers(self) -> int:
        """Most servers that run at once: the maximum, and those that a rolling replacement starts first."""
        return math.ceil(self.max_size * MOST_HEALTHY_PERCENT / 100)
