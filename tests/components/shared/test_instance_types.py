"""What an instance type offers, read from its name. Figures from AWS's instance type tables."""

import re
from typing import Any

import boto3
import pytest
from pydantic import TypeAdapter, ValidationError

from components.shared.instance_types import FAMILIES, CacheNodeType, DatabaseClass, ServerType, capacity_of


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
        ("m7g.lagre", "has an unknown size; did you mean m7g.large"),
        ("db.m7q.large", "is of an unknown family; did you mean db.m7i.large"),
        ("db.m7q.lagre", "is of an unknown family; did you mean db.m7i.large"),
        ("m99.large", "is of an unknown family; did you mean"),
        ("m7g.5xlarge", "has an unknown size; did you mean m7g"),
        ("m7g.0", "has an unknown size; it is one of medium, large, xlarge"),
    ],
)
def test_what_the_platform_does_not_know_is_refused(instance_type: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        capacity_of(instance_type)


def test_families_and_sizes_are_those_of_ec2() -> None:
    """Without generations that AWS calls previous, and without bare metal."""
    types = boto3.client("ec2", region_name="us-east-1").meta.service_model.shape_for("InstanceType").enum
    known = {each for each in types if re.fullmatch(r"([cmr][4-9]|t[2-4]).*", each) and "metal" not in each}

    assert {each.partition(".")[0] for each in known} == FAMILIES
    assert not [each for each in known if not each.endswith((".nano", ".small", ".micro")) and not capacity_of(each)]


@pytest.mark.parametrize(
    ("accepted", "instance_type", "message"),
    [
        (ServerType, "m7g", "is not an instance type; it looks like m7g.large"),
        (ServerType, "db.m7g.large", "is not of this service; did you mean m7g.large"),
        (DatabaseClass, "m7g.large", "is not of this service; did you mean db.m7g.large"),
        (CacheNodeType, "db.m7g.large", "is not of this service; did you mean cache.m7g.large"),
        (CacheNodeType, "cache.m7g.lagre", "has an unknown size; did you mean cache.m7g.large"),
    ],
)
def test_type_of_another_service_is_refused(accepted: Any, instance_type: str, message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        TypeAdapter(accepted).validate_python(instance_type)
