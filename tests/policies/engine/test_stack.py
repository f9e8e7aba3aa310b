"""References between resources, by value and by Pulumi's property dependencies."""

from typing import Any

import pytest

from policies.engine.resource import UNKNOWN, StackResource, UnknownValue
from policies.engine.stack import StackGraph
from tests.policies.resources import resource

VERSIONING = "aws:s3/bucketVersioning"


def test_known_value_decides_against_a_dependency_on_another_resource() -> None:
    first, second = (resource("aws:s3/bucket", name, {"id": name, "bucket": name}) for name in ("first", "second"))
    versioning = resource(VERSIONING, "v", {"bucket": "first"}, bucket=["aws:s3/bucket::second"])
    stack = StackGraph([first, second, versioning])

    assert stack.referrers(first, VERSIONING, "bucket") == [versioning]
    assert stack.referrers(second, VERSIONING, "bucket") == ()


def test_dependency_decides_while_the_value_is_unknown() -> None:
    first, second = (resource("aws:s3/bucket", name, {"id": UNKNOWN}) for name in ("first", "second"))
    versioning = resource(VERSIONING, "v", {"bucket": UNKNOWN}, bucket=["aws:s3/bucket::second"])
    stack = StackGraph([first, second, versioning])

    assert stack.referrers(second, VERSIONING, "bucket") == [versioning]
    assert stack.referrers(first, VERSIONING, "bucket") == ()


def test_unknown_reference_without_dependency_leaves_everything_undetermined() -> None:
    first, second = (resource("aws:s3/bucket", name, {"id": name}) for name in ("first", "second"))
    known = resource(VERSIONING, "known", {"bucket": "first"})
    unknown = resource(VERSIONING, "unknown", {"bucket": UNKNOWN})
    stack = StackGraph([first, second, known, unknown])

    assert stack.referrers(first, VERSIONING, "bucket") == [known]
    with pytest.raises(UnknownValue):
        stack.referrers(second, VERSIONING, "bucket")


def test_unknown_reference_with_a_dependency_of_another_type_is_excluded() -> None:
    balancer = resource("aws:lb/loadBalancer", "balancer", {"id": UNKNOWN})
    database = resource("aws:rds/instance", "database", {"id": UNKNOWN})
    alarm = resource("alarm", "a", {"dimensions": {"Id": UNKNOWN}}, dimensions=["aws:rds/instance::database"])
    stack = StackGraph([balancer, database, alarm])

    assert stack.targets(alarm, "dimensions.Id", "aws:lb/loadBalancer") == []
    assert stack.targets(alarm, "dimensions.Id", "aws:rds/instance") == [database]


def enabled(versioning: StackResource) -> bool:
    return bool(versioning.get("status") == "Enabled")


@pytest.mark.parametrize(
    ("versionings", "found"),
    [
        ([{"bucket": "first", "status": "Enabled"}], True),
        ([{"bucket": "first", "status": "Suspended"}], False),
        ([{"bucket": "second", "status": "Enabled"}], False),
        ([{"bucket": "first", "status": UNKNOWN}, {"bucket": "first", "status": "Enabled"}], True),
    ],
)
def test_referrer_has_to_meet_the_condition(versionings: list[dict[str, Any]], found: bool) -> None:
    bucket = resource("aws:s3/bucket", "first", {"id": "first"})
    stack = StackGraph([bucket, *(resource(VERSIONING, f"v{i}", each) for i, each in enumerate(versionings))])

    assert stack.has_referrer(bucket, VERSIONING, "bucket", where=enabled) is found


def test_referrer_whose_condition_is_unknown_leaves_it_undetermined() -> None:
    bucket = resource("aws:s3/bucket", "first", {"id": "first"})
    stack = StackGraph([bucket, resource(VERSIONING, "v", {"bucket": "first", "status": UNKNOWN})])

    with pytest.raises(UnknownValue):
        stack.has_referrer(bucket, VERSIONING, "bucket", where=enabled)
