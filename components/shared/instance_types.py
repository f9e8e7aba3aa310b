"""What an instance type offers, read from its name: EC2, RDS (`db.`) and ElastiCache (`cache.`) use the same
families."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator

from components.shared.suggestion import closest

_PATTERN = re.compile(r"(?P<service>db\.|cache\.)?(?P<family>[a-z][0-9]+[a-z]*(-flex)?)\.(?P<size>[a-z0-9]+)", re.ASCII)

_GIB_PER_VCPU = {"c": 2, "m": 4, "r": 8}
_VCPUS = {
    "medium": 1,
    "large": 2,
    "xlarge": 4,
    **{f"{multiple}xlarge": 4 * multiple for multiple in (2, 3, 4, 6, 8, 9, 10, 12, 16, 18, 24, 32, 48, 96)},
}
"""vCPUs by size (botocore's list of EC2's instance types)."""
_BURSTABLE = {
    "micro": (2, 1.0),
    "small": (2, 2.0),
    "medium": (2, 4.0),
    "large": (2, 8.0),
    "xlarge": (4, 16.0),
    "2xlarge": (8, 32.0),
}
"""vCPUs and GiB of the burstable family (AWS documentation)."""


FAMILIES = frozenset(
    f"{family}{generation}"
    for family, generations in {
        "c": "4 5 5a 5ad 5d 5n 6a 6g 6gd 6gn 6i 6id 6in 7a 7g 7gd 7gn 7i 7i-flex 8a 8g 8gb 8gd 8gn 8i 8i-flex 8ib 8id "
        "8in 8ine 9g 9gd",
        "m": "4 5 5a 5ad 5d 5dn 5n 5zn 6a 6g 6gd 6i 6id 6idn 6in 7a 7g 7gd 7i 7i-flex 8a 8azn 8g 8gb 8gd 8gn 8i "
        "8i-flex 8ib 8id 8idb 8idn 8in 8ine 9g 9gd",
        "r": "4 5 5a 5ad 5b 5d 5dn 5n 6a 6g 6gd 6i 6id 6idn 6in 7a 7g 7gd 7i 7iz 8a 8g 8gb 8gd 8gn 8i 8i-flex 8ib 8id "
        "8idb 8idn 8in 9g 9gd",
        "t": "2 3 3a 4g",
    }.items()
    for generation in generations.split()
)
"""Families of EC2 whose memory follows from the number of processors, without generations that AWS calls previous
(botocore's list). RDS and ElastiCache offer some of them."""


class Architecture(StrEnum):
    """Of a processor, and of the images that run on it."""

    ARM64 = "arm64"
    X86_64 = "x86_64"

    @property
    def newest_image_parameter(self) -> str:
        """AWS's public parameter with the id of the newest image of Amazon Linux 2023 for the architecture."""
        return f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{self}"


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
    service, family, size = match["service"] or "", match["family"], match["size"]
    sizes: Collection[str] = _BURSTABLE if family.startswith("t") else _VCPUS
    if family not in FAMILIES:
        meant = closest(family, FAMILIES)
        advice = f"did you mean {service}{meant}.{closest(size, sizes) or 'large'}"
        raise ValueError(
            f"is of an unknown family; {advice if meant else 'set a type of a family c, m, r or t, such as m7g.large'}"
        )
    if size not in sizes:
        meant = closest(size, sizes)
        advice = f"did you mean {service}{family}.{meant}" if meant else f"it is one of {', '.join(sizes)}"
        raise ValueError(f"has an unknown size; {advice}")
    # AWS marks its own ARM processors with a "g" after the generation: m7g, t4g, c7gn; m7i and m7a are x86.
    architecture = Architecture.ARM64 if "g" in family else Architecture.X86_64
    if family.startswith("t"):
        vcpus, memory_gib = _BURSTABLE[size]
        return Capacity(vcpus=vcpus, memory_gib=memory_gib, architecture=architecture, burstable=True)
    vcpus = _VCPUS[size]
    return Capacity(
        vcpus=vcpus, memory_gib=float(vcpus * _GIB_PER_VCPU[family[0]]), architecture=architecture, burstable=False
    )


def _of_service(prefix: str, example: str) -> AfterValidator:
    def check(instance_type: str) -> str:
        bare = re.sub(r"^(db|cache)\.", "", instance_type)
        if not re.fullmatch(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", bare, re.ASCII):
            raise ValueError(f"is not an instance type; it looks like {example}")
        if instance_type != f"{prefix}{bare}":
            raise ValueError(f"is not of this service; did you mean {prefix}{bare}")
        capacity_of(instance_type)
        return instance_type

    return AfterValidator(check)


ServerType = Annotated[str, _of_service("", "m7g.large")]
DatabaseClass = Annotated[str, _of_service("db.", "db.m7g.large")]
CacheNodeType = Annotated[str, _of_service("cache.", "cache.m7g.large")]
