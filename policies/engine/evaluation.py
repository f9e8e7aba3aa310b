"""Evaluates rules on resources.

Levels, waivers and Pulumi's engine are not known here: they decide what follows from a finding.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from policies.engine.iam_documents import InvalidDocument
from policies.engine.resource import StackResource, UnknownValue
from policies.engine.rule import ANY_TYPE, Context, Rule, Scope
from policies.engine.stack import StackGraph


@dataclass(frozen=True)
class Finding:
    """A rule that a resource violates."""

    rule: Rule
    resource: StackResource
    problem: str

    @property
    def message(self) -> str:
        """The message to the author of the change: subject, problem, Security Hub controls, and what to set."""
        controls = f" ({', '.join(self.rule.security_hub)})" if self.rule.security_hub else ""
        return f"{self.resource.name} {self.problem}{controls}.\n{self.rule.remediation}"


@dataclass(frozen=True)
class Undetermined:
    """A rule without a verdict on a resource, because a value is not known yet."""

    rule: Rule
    resource: StackResource
    unknown: UnknownValue

    @property
    def where(self) -> str:
        """The value that is missing, for instance `production-app.userData`."""
        return f"{self.unknown.urn.rpartition('::')[2]}.{self.unknown.path}"


@dataclass
class Verdicts:
    """The result of evaluating rules on resources."""

    findings: list[Finding] = field(default_factory=list)
    undetermined: list[Undetermined] = field(default_factory=list)
    evaluated: list[tuple[Rule, StackResource]] = field(default_factory=list)
    """Every rule and resource that were evaluated, with or without a finding."""

    def add(self, other: "Verdicts") -> None:
        """Add the verdicts of another evaluation."""
        self.findings += other.findings
        self.undetermined += other.undetermined
        self.evaluated += other.evaluated


class RuleIndex:
    """Rules by the resource types that they are about, so that they cost no time for other types."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules: Mapping[str, Rule] = {rule.name: rule for rule in rules}
        self._by_scope_and_type: dict[tuple[Scope, str], list[Rule]] = defaultdict(list)
        for rule in self.rules.values():
            for resource_type in rule.resource_types:
                self._by_scope_and_type[rule.scope, resource_type].append(rule)

    def about(self, scope: Scope, resource_type: str) -> Sequence[Rule]:
        """Return the rules of a scope that are about a resource type."""
        find = self._by_scope_and_type.get
        return (*find((scope, resource_type), ()), *find((scope, ANY_TYPE), ()))

    def evaluate(
        self,
        scope: Scope,
        resources: Iterable[StackResource],
        stack: StackGraph,
        settings: Mapping[str, Mapping[str, int]],
    ) -> Verdicts:
        """Evaluate all rules of a scope on these resources, with the settings of each rule by its name."""
        verdicts = Verdicts()
        for resource in resources:
            for rule in self.about(scope, resource.type):
                verdicts.add(evaluate(rule, resource, Context(stack=stack, settings=settings.get(rule.name, {}))))
        return verdicts

    def default_settings(self) -> Mapping[str, Mapping[str, int]]:
        """Return the settings of all rules as they are without a configuration file."""
        return {name: rule.default_settings() for name, rule in self.rules.items()}


def evaluate(rule: Rule, resource: StackResource, context: Context) -> Verdicts:
    """Evaluate one rule on one resource.

    Findings before the first unknown value are kept. A predicate that fails over an unexpected shape is a finding too:
    an error in the pack must neither let a change pass nor end the deployment with a traceback.
    """
    verdicts = Verdicts()
    try:
        if not rule.applies_to(resource):
            return verdicts
        for problem in rule.check(resource, context):
            if isinstance(problem, UnknownValue):
                verdicts.undetermined.append(Undetermined(rule, resource, problem))
            else:
                verdicts.findings.append(Finding(rule, resource, problem))
    except UnknownValue as unknown:
        verdicts.undetermined.append(Undetermined(rule, resource, unknown))
    except InvalidDocument:
        # One rule reports it, and the change is refused: no other verdict on the document has a meaning.
        return verdicts
    except Exception as error:
        problem = f"could not be checked ({type(error).__name__}): the rule {rule.name} does not understand this shape"
        verdicts.findings.append(Finding(rule, resource, problem))
    verdicts.evaluated.append((rule, resource))
    return verdicts


def evaluate_all(
    index: RuleIndex,
    inputs: Sequence[StackResource],
    outputs: Sequence[StackResource],
    settings: Mapping[str, Mapping[str, int]] | None = None,
) -> Verdicts:
    """Evaluate all rules on a stack: those about one resource read its inputs, those that join resources outputs."""
    chosen = index.default_settings() if settings is None else settings
    stack = StackGraph(outputs)
    verdicts = index.evaluate(Scope.RESOURCE, inputs, StackGraph(()), chosen)
    reevaluate_undetermined(verdicts, stack, chosen)
    verdicts.add(index.evaluate(Scope.STACK, stack.resources, stack, chosen))
    return verdicts


def reevaluate_undetermined(verdicts: Verdicts, stack: StackGraph, settings: Mapping[str, Mapping[str, int]]) -> None:
    """Evaluate again what one resource alone left undetermined, now that the references of the stack are known."""
    by_pair = {(verdict.rule.name, verdict.resource.urn): verdict for verdict in verdicts.undetermined}
    verdicts.undetermined.clear()
    for (rule_name, urn), verdict in by_pair.items():
        in_stack = stack.find(urn)
        dependencies = in_stack.property_dependencies if in_stack else {}
        resource = replace(verdict.resource, property_dependencies=dependencies)
        again = evaluate(verdict.rule, resource, Context(stack=stack, settings=settings.get(rule_name, {})))
        known = {(finding.rule.name, finding.resource.urn, finding.problem) for finding in verdicts.findings}
        verdicts.findings += [f for f in again.findings if (rule_name, urn, f.problem) not in known]
        verdicts.undetermined += again.undetermined
