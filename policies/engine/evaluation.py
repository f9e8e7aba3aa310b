"""Asks rules about resources.

Levels, waivers and the engine are unknown here: they decide what becomes of a finding.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from policies.engine.resource import Resource, UnknownValue
from policies.engine.rule import ANY_KIND, Context, Rule, Scope
from policies.engine.stack import Stack


@dataclass(frozen=True)
class Finding:
    """A rule that a resource breaks."""

    rule: Rule
    resource: Resource
    problem: str

    @property
    def message(self) -> str:
        """What to tell the person who made the change."""
        return f"{self.resource.name} {self.problem}.\n{self.rule.remediation}"


@dataclass(frozen=True)
class OpenVerdict:
    """A rule that could not be decided, because a value is not known yet."""

    rule: Rule
    resource: Resource
    unknown: UnknownValue

    @property
    def where(self) -> str:
        """The value that is missing, for instance `production-app.userData`."""
        return f"{self.unknown.urn.rpartition('::')[2]}.{self.unknown.path}"


@dataclass
class Verdicts:
    """The result of asking rules about resources."""

    findings: list[Finding] = field(default_factory=list)
    open_verdicts: list[OpenVerdict] = field(default_factory=list)
    asked: list[tuple[Rule, Resource]] = field(default_factory=list)
    """Every question, whatever its answer."""

    def add(self, other: "Verdicts") -> None:
        """Take over the verdicts of another run."""
        self.findings += other.findings
        self.open_verdicts += other.open_verdicts
        self.asked += other.asked


class RuleBook:
    """Rules by the kind of resource that they are about, so that they cost nothing for any other kind."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules: Mapping[str, Rule] = {rule.name: rule for rule in rules}
        self._by_scope_and_kind: dict[tuple[Scope, str], list[Rule]] = defaultdict(list)
        for rule in self.rules.values():
            for kind in rule.kinds:
                self._by_scope_and_kind[rule.scope, kind].append(rule)

    def about(self, scope: Scope, kind: str) -> Sequence[Rule]:
        """Return the rules of a scope that are about a kind of resource."""
        find = self._by_scope_and_kind.get
        return (*find((scope, kind), ()), *find((scope, ANY_KIND), ()))

    def ask(
        self, scope: Scope, resources: Iterable[Resource], stack: Stack, settings: Mapping[str, Mapping[str, int]]
    ) -> Verdicts:
        """Ask all rules of a scope about these resources, with the settings of each rule by its name."""
        verdicts = Verdicts()
        for resource in resources:
            for rule in self.about(scope, resource.kind):
                verdicts.add(ask(rule, resource, Context(stack=stack, settings=settings.get(rule.name, {}))))
        return verdicts

    def default_settings(self) -> Mapping[str, Mapping[str, int]]:
        """Return the settings of all rules as they are without a configuration file."""
        return {name: rule.default_settings() for name, rule in self.rules.items()}


def ask(rule: Rule, resource: Resource, context: Context) -> Verdicts:
    """Ask one rule about one resource.

    What was found before an unknown value was met stays found. A predicate that fails over a shape that nobody foresaw
    is a finding too: a fault of the pack must neither let a change pass nor end the deployment with a traceback.
    """
    verdicts = Verdicts()
    try:
        if not rule.only_if(resource):
            return verdicts
        for problem in rule.check(resource, context):
            if isinstance(problem, UnknownValue):
                verdicts.open_verdicts.append(OpenVerdict(rule, resource, problem))
            else:
                verdicts.findings.append(Finding(rule, resource, problem))
    except UnknownValue as unknown:
        verdicts.open_verdicts.append(OpenVerdict(rule, resource, unknown))
    except Exception as error:
        problem = f"could not be checked ({type(error).__name__}): the rule {rule.name} does not understand this shape"
        verdicts.findings.append(Finding(rule, resource, problem))
    verdicts.asked.append((rule, resource))
    return verdicts


def ask_everything(
    book: RuleBook,
    inputs: Sequence[Resource],
    outputs: Sequence[Resource],
    settings: Mapping[str, Mapping[str, int]] | None = None,
) -> Verdicts:
    """Ask the whole book about a stack: what is about one resource reads its inputs, what joins reads outputs."""
    chosen = book.default_settings() if settings is None else settings
    stack = Stack(outputs)
    verdicts = book.ask(Scope.RESOURCE, inputs, Stack(()), chosen)
    settle_open_verdicts(verdicts, stack, chosen)
    verdicts.add(book.ask(Scope.STACK, stack.resources, stack, chosen))
    return verdicts


def settle_open_verdicts(verdicts: Verdicts, stack: Stack, settings: Mapping[str, Mapping[str, int]]) -> None:
    """Ask again, now that the references of the whole stack are known, what one resource alone left open."""
    open_pairs = {(verdict.rule.name, verdict.resource.urn): verdict for verdict in verdicts.open_verdicts}
    verdicts.open_verdicts.clear()
    for (rule_name, urn), verdict in open_pairs.items():
        in_stack = stack.find(urn)
        dependencies = in_stack.property_dependencies if in_stack else {}
        resource = replace(verdict.resource, property_dependencies=dependencies)
        again = ask(verdict.rule, resource, Context(stack=stack, settings=settings.get(rule_name, {})))
        known = {(finding.rule.name, finding.resource.urn, finding.problem) for finding in verdicts.findings}
        verdicts.findings += [f for f in again.findings if (rule_name, urn, f.problem) not in known]
        verdicts.open_verdicts += again.open_verdicts
