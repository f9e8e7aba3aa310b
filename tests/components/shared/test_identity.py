"""Physical names that AWS takes, the same in every run."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.shared.identity import HASH_LENGTH, NAME_LIMITS
from tests.recorder import IDENTITY, Recording

types = st.sampled_from(sorted(NAME_LIMITS))
names = st.text(alphabet=string.ascii_lowercase + string.digits + "-", min_size=1, max_size=600)


@given(types, names)
def test_name_is_never_longer_than_aws_takes(type_token: str, name: str) -> None:
    assert 0 < len(IDENTITY.physical_name(type_token, name)) <= NAME_LIMITS[type_token]


@given(types, names)
def test_name_that_fits_is_not_changed(type_token: str, name: str) -> None:
    assert IDENTITY.physical_name(type_token, name[: NAME_LIMITS[type_token]]) == name[: NAME_LIMITS[type_token]]


@given(types, names)
def test_name_is_the_same_every_time(type_token: str, name: str) -> None:
    assert IDENTITY.physical_name(type_token, name) == IDENTITY.physical_name(type_token, name)


@given(types, names, names)
def test_different_names_stay_different(type_token: str, one: str, other: str) -> None:
    """Up to a coincidence of 24 bits of a hash, of which no run of this test has seen one."""
    shortened = IDENTITY.physical_name(type_token, one), IDENTITY.physical_name(type_token, other)

    assert (shortened[0] == shortened[1]) == (one == other)


def test_shortened_name_is_this_one() -> None:
    """Written down, because another way of shortening would replace what has the name."""
    shortened = IDENTITY.physical_name("aws:lb/loadBalancer:LoadBalancer", "fixrx-production-a-name-that-is-too-long")

    assert shortened == "fixrx-production-a-name-t-b37b0c"
    assert len(shortened.rpartition("-")[2]) == HASH_LENGTH


def test_type_without_a_known_limit_is_refused() -> None:
    with pytest.raises(KeyError, match="aws:ecs/cluster:Cluster"):
        IDENTITY.physical_name("aws:ecs/cluster:Cluster", "name")


def test_names_in_the_stacks_are_short_enough_to_be_read_in_full(stack: Recording) -> None:
    fields = {
        "aws:cloudwatch/compositeAlarm:CompositeAlarm": "alarmName",
        "aws:cloudwatch/metricAlarm:MetricAlarm": "name",
        "aws:elasticache/replicationGroup:ReplicationGroup": "replicationGroupId",
        "aws:lb/loadBalancer:LoadBalancer": "name",
        "aws:rds/instance:Instance": "identifier",
        "aws:s3/bucket:Bucket": "bucket",
        "aws:ssm/document:Document": "name",
    }

    for type_token, field in fields.items():
        named = [each.plain[field] for each in stack.of_type(type_token)]
        assert named
        assert [name for name in named if len(name) > NAME_LIMITS[type_token]] == []
