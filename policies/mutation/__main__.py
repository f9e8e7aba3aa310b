"""Prints how many mutants of a stack the policies kill: `python -m policies.mutation --state stack.json`.

The exit code is 1 if one survives for which nobody has given a reason, or if a policy cries out about something else.
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

from policies.engine.evaluation import RuleBook
from policies.engine.waivers import WAIVER_FILE, WaiverError, read_waivers
from policies.mutation.run import Outcome, Stack
from policies.rules import ALL_RULES


@dataclass
class Score:
    """What became of all mutants."""

    killed: Counter[str] = field(default_factory=Counter)
    """Mutants by the policy that killed them; some are killed by several."""
    kills: int = 0
    justified: Counter[str] = field(default_factory=Counter)
    """Harmless survivors by reason."""
    survivors: list[str] = field(default_factory=list)
    noise: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count one mutant."""
        self.noise += [f"{outcome.mutant.name}: {f.rule.name} about {f.resource.name}" for f in outcome.noise]
        if outcome.killed:
            self.kills += 1
            self.killed.update(outcome.policies)
        elif outcome.reason is not None:
            self.justified[outcome.reason] += 1
        else:
            self.survivors.append(outcome.mutant.name)

    @property
    def mutants(self) -> int:
        """How many there were."""
        return self.kills + sum(self.justified.values()) + len(self.survivors)

    @property
    def failed(self) -> bool:
        """Whether there is a hole in the pack, or noise."""
        return bool(self.survivors or self.noise)


def hunt(stack: Stack) -> Score:
    """Judge every mutant of a stack."""
    score = Score()
    for outcome in stack.outcomes():
        score.add(outcome)
    return score


def show(score: Score, console: Console) -> None:
    """Print the score."""
    for title, counts in (("Killed by", score.killed), ("Harmless because", score.justified)):
        table = Table(title, "Mutants", box=SIMPLE)
        for name, count in counts.most_common():
            table.add_row(name, str(count))
        console.print(table)
    for title, names in (("Survived", score.survivors), ("Noise", score.noise)):
        for name in names:
            console.print(f"{title}: {name}", markup=False)
    console.print(
        f"{score.mutants} mutants: {score.kills} killed, {sum(score.justified.values())} harmless, "
        f"{len(score.survivors)} survived; {len(score.noise)} findings about something else."
    )


def main(arguments: Sequence[str]) -> int:
    """Run the hunt on an exported state. Returns 1 if the pack has a hole, 2 if the state cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m policies.mutation", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="what `pulumi stack export` wrote")
    options = parser.parse_args(arguments)
    book = RuleBook(ALL_RULES)
    try:
        waivers = read_waivers(WAIVER_FILE, book.rules, datetime.now(UTC).date())
        stack = Stack(json.loads(options.state.read_text()), book, waivers)
    except WaiverError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (OSError, ValueError, KeyError) as error:
        print(f"error: {options.state} is not an exported state ({error})", file=sys.stderr)
        return 2
    findings = stack.findings()
    if findings:
        print("error: the stack breaks rules by itself; repair it first:", file=sys.stderr)
        for finding in findings:
            print(f"  {finding.rule.name}: {finding.message}", file=sys.stderr)
        return 2
    score = hunt(stack)
    show(score, Console())
    return 1 if score.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
