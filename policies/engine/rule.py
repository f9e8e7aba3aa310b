"""What a rule of the pack is: data, and a small predicate over one resource.

A rule that joins several resources is still about one of them, its subject, and follows references from there.
So a rule says nothing about a program that has no such subject, and one unknown value leaves one verdict open, not all.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource, UnknownValue
from policies.engine.stack import StackGraph

ANY_TYPE = "*"
"""In `Rule.resource_types`: every resource, of whatever type."""

SECURITY_HUB_GUIDE = "https://docs.aws.amazon.com/securityhub/latest/userguide"

Problem = str | UnknownValue
"""What is wrong with a resource, as the end of a sentence that begins with its name; or a verdict that stays open."""


class RuleSeverity(StrEnum):
    """How bad it is to deploy with the rule broken."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Level(StrEnum):
    """What the engine does about a broken rule."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"
    DISABLED = "disabled"


class Scope(StrEnum):
    """When a rule is evaluated."""

    RESOURCE = "resource"
    """Before the resource is created, about its inputs: a broken rule stops the resource."""
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
class Rule:
    """One rule of the pack."""

    name: str
    """Kebab case. It is what people write into a configuration file and into a waiver: never rename it."""
    description: str
    """The state that the rule demands, in one sentence."""
    item: ChecklistItem
    """The item of the guide that the rule enforces."""
    severity: RuleSeverity
    resource_types: frozenset[str]
    check: Predicate
    remediation: str
    """The setting or the property to change, as a sentence."""
    security_hub: tuple[str, ...] = ()
    """Ids of AWS Foundational Security Best Practices."""
    documentation: str = ""
    """Address of a page that explains the matter, where no control does."""
    scope: Scope = Scope.RESOURCE
    applies_to: Callable[[StackResource], bool] = _always
    """Which resources of the kinds the rule is about, where it is not about all of them."""
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
