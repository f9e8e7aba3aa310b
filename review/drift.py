"""What a refresh has found that the program declares otherwise, or does not know."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from review.field_managers import added_by_others
from review.plan import Change, Kind, Plan
from review.report import difference_lines

LEFT_TO_AWS: Mapping[str, str] = {
    "aws:autoscaling/group:Group": "desiredCapacity",
    "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl": "subnetIds",
    "aws:elasticache/user:User": "authenticationMode",
    "aws:rds/instance:Instance": "kmsKeyId",
    "aws:wafv2/webAcl:WebAcl": "rules",
}
"""What the components declare with `ignore_changes`, which a refresh does not know: for each type the input."""


def drift(plan: Plan) -> Iterator[str]:
    """Lines for a person; none if all is as it was deployed."""
    for change in _by_name(plan, Kind.DELETE):
        yield f"{change.title} is gone."
    for change in map(_without_what_is_left_to_aws, _by_name(plan, Kind.UPDATE)):
        if change.differences:
            yield f"{change.title}, deployed -> found:"
            yield from difference_lines(change)
    yield from added_by_others(plan)


def _by_name(plan: Plan, kind: Kind) -> Sequence[Change]:
    return sorted(plan.of(kind), key=lambda change: change.name)


def _without_what_is_left_to_aws(change: Change) -> Change:
    left = LEFT_TO_AWS.get(change.type)
    old, new = ({key: value for key, value in each.items() if key != left} for each in (change.old, change.new))
    return replace(change, old=old, new=new)
