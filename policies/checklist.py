"""The guide's checklist as a report on a deployed stack: `python -m policies.checklist --state stack.json`.

Each item is judged by the rules that enforce it. An item whose rules found no resource to evaluate is not
implemented, and fails like one with a violation.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from policies.engine.checklist_items import ChecklistItem
from policies.engine.evaluation import RuleIndex, Verdicts, evaluate_all
from policies.engine.rule import Level
from policies.engine.state import State, StateError, read_state
from policies.engine.waivers import WAIVER_FILE, WaiverError, Waivers, read_waivers
from policies.rules import ALL_RULES


class Status(StrEnum):
    """Verdict on an item, best first."""

    PASSED = "passed"
    WAIVED = "waived"
    UNDETERMINED = "undetermined"
    FAILED = "failed"
    NOT_IMPLEMENTED = "not implemented"


STYLES: Mapping[Status, str] = {
    Status.PASSED: "green",
    Status.WAIVED: "yellow",
    Status.UNDETERMINED: "yellow",
    Status.FAILED: "red",
    Status.NOT_IMPLEMENTED: "red",
}

REPORT_WIDTH = 120
"""Columns in a log file, which has no width of its own."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """The result of one item. The counts are of verdicts: one rule on one resource."""

    section: str
    item: str
    status: Status
    rules: Sequence[str]
    resources: int
    passed: int
    failed: int
    waived: int
    undetermined: int
    problems: Sequence[str]


@dataclass(frozen=True)
class Report:
    """All items, in the order of the guide."""

    lines: Sequence[Line]

    @property
    def failed(self) -> bool:
        """Whether any item is violated, or none is fulfilled. What the platform does not have breaks no rule."""
        statuses = {line.status for line in self.lines}
        return Status.FAILED in statuses or not statuses & {Status.PASSED, Status.WAIVED}


def report(index: RuleIndex, state: State, waivers: Waivers) -> Report:
    """Judge every item of the guide."""
    verdicts = evaluate_all(index, state.inputs, state.outputs)
    return Report([_line(item, index, verdicts, waivers) for item in ChecklistItem])


def _line(item: ChecklistItem, index: RuleIndex, verdicts: Verdicts, waivers: Waivers) -> Line:
    evaluated = {(rule.name, resource.urn) for rule, resource in verdicts.evaluated if rule.item is item}
    findings = waivers.partition(finding for finding in verdicts.findings if finding.rule.item is item)
    # What a rule only advises breaks no item; it is told all the same.
    failed = {
        (finding.rule.name, finding.resource.urn)
        for finding in findings.active
        if finding.rule.level is Level.MANDATORY
    }
    waived = {(finding.rule.name, finding.resource.urn) for finding, _ in findings.waived} - failed
    undetermined = (
        {(v.rule.name, v.resource.urn) for v in verdicts.undetermined if v.rule.item is item} - failed - waived
    )
    return Line(
        section=item.value.section,
        item=item.value.text,
        status=_status(evaluated, failed, waived, undetermined),
        rules=sorted(rule.name for rule in index.rules.values() if rule.item is item),
        resources=len({urn for _, urn in evaluated}),
        passed=len(evaluated - failed - waived - undetermined),
        failed=len(failed),
        waived=len(waived),
        undetermined=len(undetermined),
        problems=[finding.message for finding in findings.active],
    )


def _status(evaluated: object, failed: object, waived: object, undetermined: object) -> Status:
    if not evaluated:
        return Status.NOT_IMPLEMENTED
    if failed:
        return Status.FAILED
    if undetermined:
        return Status.UNDETERMINED
    return Status.WAIVED if waived else Status.PASSED


def as_json(result: Report) -> str:
    """Return the report for machines."""
    return json.dumps({"failed": result.failed, "items": [asdict(line) for line in result.lines]}, indent=2) + "\n"


def as_markdown(result: Report) -> str:
    """Return the report for a reviewer."""
    rows = [
        "| Section | Item | Status | Rules | Resources | Pass | Fail | Waived | Undetermined |",
        "|" + "---|" * 9,
    ]
    for line in result.lines:
        rules = ", ".join(f"`{name}`" for name in line.rules)
        counts = f"{line.resources} | {line.passed} | {line.failed} | {line.waived} | {line.undetermined}"
        rows.append(f"| {line.section} | {line.item} | {line.status} | {rules} | {counts} |")
    return "# Pre-deployment checklist\n\n" + "\n".join(rows) + "\n"


def as_table(result: Report, stack: str) -> Table:
    """Return the report for the terminal."""
    table = Table(title=f"Checklist of {stack}", title_justify="left", box=SIMPLE, pad_edge=False)
    table.add_column("Item", no_wrap=True)
    for heading in ("Rules", "Resources", "Pass", "Fail", "Waived", "Undetermined"):
        table.add_column(heading, justify="right")
    table.add_column("Status", no_wrap=True)
    section = ""
    for line in result.lines:
        if line.section != section:
            section = line.section
            table.add_row(f"[bold]{section}[/bold]")
        counts = (len(line.rules), line.resources, line.passed, line.failed, line.waived, line.undetermined)
        table.add_row(f"  {line.item}", *map(str, counts), line.status, style=STYLES[line.status])
    return table


def main(arguments: Sequence[str], today: date) -> int:
    """Print the report and write it to the given files. Returns 1 if an item fails, 2 if a file cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m policies.checklist", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="what `pulumi stack export` wrote")
    parser.add_argument("--markdown", type=Path, help="also write the report as Markdown")
    parser.add_argument("--json", type=Path, help="also write the report as JSON")
    options = parser.parse_args(arguments)
    index = RuleIndex(ALL_RULES)
    try:
        state = read_state(options.state)
        waivers = read_waivers(WAIVER_FILE, index.rules, today)
    except (StateError, WaiverError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    result = report(index, state, waivers)
    console = Console()
    if not console.is_terminal:
        console.width = REPORT_WIDTH
    console.print(as_table(result, state.stack))
    for problem in _problems(result.lines):
        console.print(f"\n{problem}", markup=False)
    if options.markdown:
        options.markdown.write_text(as_markdown(result))
    if options.json:
        options.json.write_text(as_json(result))
    return 1 if result.failed else 0


def _problems(lines: Iterable[Line]) -> Iterable[str]:
    for line in lines:
        yield from line.problems
        if line.status is Status.NOT_IMPLEMENTED:
            yield f"{line.item}: the stack has no resource that any rule evaluates."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], datetime.now(UTC).date()))
