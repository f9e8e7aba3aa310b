"""What an instance type offers, read from its name: EC2, RDS (`db.`) and ElastiCache (`cache.`) use the same
families."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator

_PATTERN = re.compile(r"(?:db\.|cache\.)?(?P<family>[a-z])(?P<generation>[0-9]+[a-z]*)\.(?P<size>[a-z0-9]+)")

_GIB_PER_VCPU = {"c": 2, "m": 4, "r": 8}
_VCPUS = {"medium": 1, "large": 2, "xlarge": 4}
_BURSTABLE = {
    "micro": (2, 1.0),
    "small": (2, 2.0),
    "medium": (2, 4.0),
    "large": (2, 8.0),
    "xlarge": (4, 16.0),
    "2xlarge": (8, 32.0),
}
"""vCPUs and GiB of the burstable family (AWS documentation)."""


class Architecture(StrEnum):
    """Of a processor, and of the images that run on it."""

    ARM64 = "arm64"
    X86_64 = "x86_64"


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """What one instance offers."""

    vcpus: int
    memory_gib: float
    architecture: Architecture
    burstable: bool
    """Slows down to a fraction of its CPU when its CPU credits are used up."""


def capacity_of(instance_type: str) -> Capacity:
    """Return what an instance type offers. Raises ValueError for an unknown family or size."""
    match = _PATTERN.fullmatch(instance_type)
    if match is None:
        raise ValueError("is not an instance type; it looks like m7g.large, db.m7g.large or cache.m7g.large")
    family, size = match["family"], match["size"]
    # AWS marks its own ARM processors with a "g" after the generation: m7g, t4g, c7gn; m7i and m7a are x86.
    graviton = "g" in match["generation"]
    architecture = Architecture.ARM64 if graviton else Architecture.X86_64
    if family == "t":
        if size not in _BURSTABLE:
            raise ValueError(f"has an unknown size; a burstable type comes as {', '.join(_BURSTABLE)}")
        vcpus, memory_gib = _BURSTABLE[size]
        return Capacity(vcpus=vcpus, memory_gib=memory_gib, architecture=architecture, burstable=True)
    if family not in _GIB_PER_VCPU:
        raise ValueError("is of an unknown family; set a type of the family c, m, r or t")
    vcpus = _vcpus(size)
    return Capacity(
        vcpus=vcpus, memory_gib=float(vcpus * _GIB_PER_VCPU[family]), architecture=architecture, burstable=False
    )


def _vcpus(size: str) -> int:
    multiple = re.match(r"^([1-9][0-9]?)xlarge$", size)
    if multiple:
        return 4 * int(multiple[1])
    if size not in _VCPUS:
        raise ValueError(f"has an unknown size; it is one of {', '.join(_VCPUS)} or, for instance, 2xlarge")
    return _VCPUS[size]


def _of_service(prefix: str, example: str) -> AfterValidator:
    def check(instance_type: str) -> str:
        if not instance_type.startswith(prefix) or instance_type.count(".") != prefix.count(".") + 1:
            raise ValueError(f"is not of this service; it looks like {example}")
        capacity_of(instance_type)
        return instance_type

    return AfterValidator(check)


ServerType = Annotated[str, _of_service("", "m7g.large")]
DatabaseClass = Annotated[str, _of_service("db.", "db.m7g.large")]
CacheNodeType = Annotated[str, _of_service("cache.", "cache.m7g.large")]
