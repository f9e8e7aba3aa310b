"""Predicates that many rules share. Each returns a predicate; the problem it reports is given by the rule."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from policies.engine.resource import StackResource, UnknownValue
from policies.engine.rule import Context, Predicate, Problem


def must_be(path: str, expected: Any, problem: str) -> Predicate:
    """The value must be given and be this one: what is left out is AWS's default, and that is the other one."""

    def check(resource: StackResource, _: Context) -> Iterator[Problem]:
        if resource.get(path) != expected:
            yield problem

    return check


def must_not_be(path: str, refused: Any, problem: str) -> Predicate:
    """The value may be left out, or be anything but this."""

    def check(resource: StackResource, _: Context) -> Iterator[Problem]:
        if resource.get(path) == refused:
            yield problem

    return check


def must_be_set(path: str, problem: str) -> Predicate:
    """Some value must be given."""

    def check(resource: StackResource, _: Context) -> Iterator[Problem]:
        if not resource.is_set(path):
            yield problem

    return check


def must_not_be_set(path: str, problem: str) -> Predicate:
    """No value may be given."""

    def check(resource: StackResource, _: Context) -> Iterator[Problem]:
        if resource.is_set(path):
            yield problem

    return check


def must_be_one_of(path: str, allowed: Collection[Any], problem: str) -> Predicate:
    """The value must be given and be one of these."""

    def check(resource: StackResource, _: Context) -> Iterator[Problem]:
        if resource.get(path) not in allowed:
            yield problem

    return check


def must_contain(path: str, wanted: Collection[str], problem: str) -> Predicate:
    """The list must hold all of these. The problem may use `{missing}`."""

    def check(resource: StackResource, _: Context) -> Iterator[Problem]:
        missing = [value for value in wanted if value not in resource.texts(path)]
        if missing:
            yield problem.format(missing=", ".join(missing))

    return check


def must_be_at_least(path: str, setting: str, problem: str) -> Predicate:
    """The number must be given and be no smaller than a setting. The problem may use `{value}` and `{least}`."""

    def check(resource: StackResource, context: Context) -> Iterator[Problem]:
        value, least = resource.get(path), context.settings[setting]
        if (value or 0) < least:
            yield problem.format(value=value or 0, least=least)

    return check


def must_have(kind: str, path: str, problem: str, *, where: Callable[[StackResource], bool] | None = None) -> Predicate:
    """A resource of a kind must refer to this one by a property, and satisfy a condition if there is one."""

    def check(resource: StackResource, context: Context) -> Iterator[Problem]:
        unknown: UnknownValue | None = None
        for referrer in context.stack.referrers(resource, kind, path):
            try:
                if where is None or where(referrer):
                    return
            except UnknownValue as error:
                unknown = error
        if unknown is not None:
            raise unknown
        context.stack.require_known_referrers(resource, kind, path)
        yield problem

    return check
