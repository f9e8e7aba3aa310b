"""What a rule of the pack is: data, and a small predicate over one resource.

A rule that joins several resources is still about one of them, its subject, and follows references from there. So it
says nothing about a program that has no such subject, and one unknown value leaves one verdict undetermined, not all.
"""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource, UnknownValue
from policies.engine.stack import StackGraph

ANY_TYPE = "*"
"""In `resource_types`: the rule is about resources of every type."""

SECURITY_HUB_GUIDE = "https://docs.aws.amazon.com/securityhub/latest/userguide"

Problem = str | UnknownValue
"""What is wrong with a resource, as the end of a sentence that begins with its name; or an unknown value, which leaves
the verdict undetermined."""


class RuleSeverity(StrEnum):
    """How serious a violation of a rule is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Level(StrEnum):
    """What the engine does about a violation."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"
    DISABLED = "disabled"


class Scope(StrEnum):
    """When a rule is evaluated."""

    RESOURCE = "resource"
    """Before the resource is created, about its inputs: a violation stops the resource."""
    STACK = "stack"
    """When the whole stack is known, about its outputs and references."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A number of a rule that a stack may change through the pack's configuration file."""

    default: int
    minimum: int
    maximum: int
    description: str


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a predicate may look at besides its subject."""

    stack: StackGraph
    settings: Mapping[str, int]


Predicate = Callable[[StackResource, Context], Iterable[Problem]]


def _always(_: StackResource) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class RuleMetadata:
    """What a rule says about itself."""

    name: str = field(kw_only=False)
    """`<service or topic>-<noun>-<condition>`. Configuration files and waivers refer to it: never rename it."""
    item: ChecklistItem
    """The item of the guide that the rule enforces."""
    severity: RuleSeverity
    resource_types: Collection[str]
    """Types of the resources that it is about, without their class, for instance `aws:rds/instance`."""
    remediation: str
    """The setting or the property to change, as a sentence."""
    security_hub: Sequence[str] = ()
    """Ids of the AWS Security Hub controls that demand the same."""
    documentation: str = ""
    """Address of a page that explains the matter, where no control does."""
    level: Level = Level.MANDATORY
    """Without a configuration file. Advisory is for what is meant at times, and must not be forgotten."""
    scope: Scope = Scope.RESOURCE
    applies_to: Callable[[StackResource], bool] = _always
    """Which resources of the types it is about, where not all of them."""
    settings: Mapping[str, Setting] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where to read more."""
        if self.documentation:
            return self.documentation
        service, _, number = self.security_hub[0].lower().partition(".")
        return f"{SECURITY_HUB_GUIDE}/{service}-controls.html#{service}-{number}"

    def default_settings(self) -> Mapping[str, int]:
        """Return the settings as they are without a configuration file."""
        return {name: setting.default for name, setting in self.settings.items()}


@dataclass(frozen=True, kw_only=True)
class Rule(RuleMetadata):
    """One rule of the pack."""

    description: str
    """The state that the rule demands, in one sentence."""
    check: Predicate


class rule(RuleMetadata):
    """Decorator that makes a rule of a predicate, whose docstring is the rule's description.

    @rule("ebs-volumes-encrypted", item=..., severity=..., resource_types=[aws.EBS_VOLUME], remediation=...)
    def volumes_encrypted(volume: StackResource, _: Context) -> Iterator[Problem]:
        \"""EBS volumes are encrypted.\"""
        if volume.get("encrypted") is not True:
            yield "is not encrypted"
    """

    def __call__(self, check: Predicate) -> Rule:
        """Return the rule."""
        return Rule(**vars(self), description=inspect.getdoc(check) or "", check=check)
