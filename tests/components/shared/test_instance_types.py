"""What an instance type offers, read from its name. Figures from AWS's instance type tables."""

import pytest

from components.shared.instance_types import capacity_of


@pytest.mark.parametrize(
    ("instance_type", "vcpus", "memory_gib", "burstable"),
    [
        ("m7g.medium", 1, 4, False),
        ("m7g.large", 2, 8, False),
        ("m7i.xlarge", 4, 16, False),
        ("m7g.16xlarge", 64, 256, False),
        ("c7g.large", 2, 4, False),
        ("c7gn.2xlarge", 8, 16, False),
        ("r7g.large", 2, 16, False),
        ("r6id.4xlarge", 16, 128, False),
        ("t3.micro", 2, 1, True),
        ("t4g.small", 2, 2, True),
        ("t3.medium", 2, 4, True),
        ("t4g.large", 2, 8, True),
        ("t3.2xlarge", 8, 32, True),
        ("db.m7g.large", 2, 8, False),
        ("db.t4g.medium", 2, 4, True),
        ("cache.m7g.large", 2, 8, False),
    ],
)
def test_capacity(instance_type: str, vcpus: int, memory_gib: float, burstable: bool) -> None:
    capacity = capacity_of(instance_type)

    assert (capacity.vcpus, capacity.memory_gib, capacity.burstable) == (vcpus, memory_gib, burstable)


@pytest.mark.parametrize(
    ("instance_type", "message"),
    [
        ("", "is not an instance type"),
        ("large", "is not an instance type"),
        ("m7g", "is not an instance type"),
        ("M7g.large", "is not an instance type"),
        ("es.m7g.large", "is not an instance type"),
        ("m7g.large\n", "is not an instance type"),
        ("x2gd.large", "is of an unknown family"),
        ("m7g.metal", "has an unknown size"),
        ("m7g.small", "has an unknown size"),
        ("m7g.0xlarge", "has an unknown size"),
        ("t4g.nano", "has an unknown size"),
    ],
)
def test_what_the_platform_does_not_know_is_refused(instance_type: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        capacity_of(instance_type)
