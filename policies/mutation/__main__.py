"""Prints how many mutants of a stack the rules kill: `python -m policies.mutation --state stack.json`.

The exit code is 1 if one survives without a listed reason, or if a rule reports a resource unrelated to the change.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from policies.engine.evaluation import RuleIndex
from policies.engine.waivers import WAIVER_FILE, WaiverError, read_waivers
from policies.mutation.equivalent_mutants import OUTAGES
from policies.mutation.run import MutantResult, MutationTarget
from policies.rules import ALL_RULES


@dataclass
class MutationReport:
    """The results of all mutants."""

    killed: Counter[str] = field(default_factory=Counter)
    """Mutants by the rule that killed them; several rules may kill the same."""
    kills: int = 0
    justified: Counter[str] = field(default_factory=Counter)
    """Survivors that need no rule, by reason."""
    survivors: list[str] = field(default_factory=list)
    unrelated_findings: list[str] = field(default_factory=list)

    def add(self, result: MutantResult) -> None:
        """Count one mutant."""
        self.unrelated_findings += [
            f"{result.mutant.name}: {f.rule.name} reports {f.resource.name}" for f in result.unrelated_findings
        ]
        if result.killed:
            self.kills += 1
            self.killed.update(result.rules)
        elif result.reason is not None:
            self.justified[result.reason] += 1
        else:
            self.survivors.append(result.mutant.name)

    @property
    def mutants(self) -> int:
        """How many there were."""
        return self.kills + sum(self.justified.values()) + len(self.survivors)

    @property
    def outages(self) -> int:
        """How many weaken nothing, and leave the platform or a part of it without service; no rule reports them."""
        return sum(count for reason, count in self.justified.items() if reason in OUTAGES)

    @property
    def harmless(self) -> int:
        """How many change nothing that matters, or are refused by AWS."""
        return sum(self.justified.values()) - self.outages

    @property
    def failed(self) -> bool:
        """Whether a rule is missing, or reports an unrelated resource."""
        return bool(self.survivors or self.unrelated_findings)


def run(stack: MutationTarget) -> MutationReport:
    """Judge every mutant of a stack."""
    report = MutationReport()
    for result in stack.results():
        report.add(result)
    return report


def show(report: MutationReport, console: Console) -> None:
    """Print the report."""
    for title, counts in (("Reported by", report.killed), ("Outage, or harmless because", report.justified)):
        table = Table(title, "Mutants", box=SIMPLE)
        for name, count in counts.most_common():
            table.add_row(name, str(count))
        console.print(table)
    for title, names in (("Not reported", report.survivors), ("Unrelated finding", report.unrelated_findings)):
        for name in names:
            console.print(f"{title}: {name}", markup=False)
    console.print(
        f"{report.mutants} mutants: {report.kills} weaknesses reported, {report.outages} outages, "
        f"{report.harmless} harmless, {len(report.survivors)} not reported; "
        f"{len(report.unrelated_findings)} unrelated findings.",
        soft_wrap=True,
    )


def main(arguments: Sequence[str]) -> int:
    """Run the mutants of an exported state. Returns 1 if a rule is missing, 2 if the state cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m policies.mutation", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="what `pulumi stack export` wrote")
    options = parser.parse_args(arguments)
    index = RuleIndex(ALL_RULES)
    try:
        waivers = read_waivers(WAIVER_FILE, index.rules, datetime.now(UTC).date())
        stack = MutationTarget(json.loads(options.state.read_text()), index, waivers)
    except WaiverError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (OSError, ValueError, KeyError) as error:
        print(f"error: {options.state} is not an exported state ({error})", file=sys.stderr)
        return 2
    findings = stack.findings()
    if findings:
        print("error: the stack violates rules without a mutation; fix it first:", file=sys.stderr)
        for finding in findings:
            print(f"  {finding.rule.name}: {finding.message}", file=sys.stderr)
        return 2
    report = run(stack)
    show(report, Console())
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
