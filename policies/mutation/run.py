"""Runs the policy pack on every mutant of a stack, in this process: the rules are the same as in the engine."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policies.engine.evaluation import Finding, RuleIndex, evaluate_all
from policies.engine.state import State, state_of
from policies.engine.waivers import Waivers
from policies.mutation.equivalent_mutants import reason_for
from policies.mutation.operators import GUARD_TYPES, Entry, Mutant, mutants_of

MUTATED_PACKAGES = ("aws:", "random:")
RELATED_STEPS = 4
"""A rule about a load balancer follows its subnet to an association, and from there to a route table and its routes."""
RULES_ABOUT_ABSENCE = frozenset({"admin-session-document-exists", "backup-restore-is-tested"})
"""Rules about the lack of a resource to which their subject does not refer."""


@dataclass(frozen=True)
class MutantResult:
    """The result of one mutant."""

    mutant: Mutant
    findings: Sequence[Finding]
    unrelated_findings: Sequence[Finding]
    """Findings on resources that are not related to the one that was changed."""

    @property
    def killed(self) -> bool:
        """Whether a rule reports it."""
        return bool(self.findings)

    @property
    def rules(self) -> Sequence[str]:
        """Names of the rules that report it."""
        return sorted({finding.rule.name for finding in self.findings})

    @property
    def reason(self) -> str | None:
        """Why no rule has to report it, where that is listed."""
        return None if self.killed else reason_for(self.mutant)


class MutationTarget:
    """An exported state to make mutants of. It violates no rule without a waiver: only mutants do."""

    def __init__(self, exported: Mapping[str, Any], index: RuleIndex, waivers: Waivers) -> None:
        self._index = index
        self._waivers = waivers
        self._entries: Sequence[Entry] = exported["deployment"]["resources"]
        self._state = state_of(exported)
        self._neighbours = _neighbours(self._entries)

    def findings(self) -> Sequence[Finding]:
        """Return the findings on the stack without a mutation that no waiver covers."""
        return self._findings(self._state)

    def results(self, of: str | None = None) -> Iterator[MutantResult]:
        """Make and judge every mutant, or those of the resource with this URN."""
        for position, entry in enumerate(self._entries):
            if entry["type"].startswith(MUTATED_PACKAGES) and of in (None, entry["urn"]):
                guards_others = self._guards_others(entry)
                for mutant in mutants_of(entry, guards_others=guards_others):
                    yield self._judge(position, mutant)

    def _judge(self, position: int, mutant: Mutant) -> MutantResult:
        state = _replaced(self._state, position, mutant)
        findings = self._findings(state)
        related = self._related(mutant.urn)
        unrelated_findings = [finding for finding in findings if not _is_about(finding, related, mutant)]
        return MutantResult(mutant, findings, unrelated_findings)

    def _findings(self, state: State) -> Sequence[Finding]:
        return self._waivers.partition(evaluate_all(self._index, state.inputs, state.outputs).findings).active

    def _guards_others(self, entry: Entry) -> bool:
        is_last = _references(entry) and not any(entry["urn"] in _references(other) for other in self._entries)
        return bool(is_last or GUARD_TYPES.match(entry["type"]))

    def _related(self, urn: str) -> set[str]:
        """Return the resource, what it refers to, what refers to it, and their neighbours in turn."""
        related = {urn}
        for _ in range(RELATED_STEPS):
            related |= {neighbour for each in related for neighbour in self._neighbours.get(each, ())}
        return related


def _is_about(finding: Finding, related: set[str], mutant: Mutant) -> bool:
    if mutant.companion is not None and finding.resource.urn == mutant.companion["urn"]:
        return True
    return finding.resource.urn in related or finding.rule.name in RULES_ABOUT_ABSENCE


def _replaced(state: State, position: int, mutant: Mutant) -> State:
    """Return the state with one resource changed, taken out or joined by another.

    Its inputs are of what was changed only: the verdicts of rules about one resource stay the same for the others.
    """
    entries = [entry for entry in (mutant.entry, mutant.companion) if entry is not None]
    changed = state_of({"deployment": {"resources": entries}})
    after = position + 1
    return State(
        inputs=changed.inputs,
        outputs=[*state.outputs[:position], *changed.outputs, *state.outputs[after:]],
        stack=state.stack,
    )


def _references(entry: Entry) -> set[str]:
    by_property = (entry.get("propertyDependencies") or {}).values()
    return {urn for urns in by_property for urn in urns or ()} | set(entry.get("dependencies") or ())


def _neighbours(entries: Sequence[Entry]) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {entry["urn"]: set() for entry in entries}
    for entry in entries:
        for urn in _references(entry) & found.keys():
            found[entry["urn"]].add(urn)
            found[urn].add(entry["urn"])
    return found
