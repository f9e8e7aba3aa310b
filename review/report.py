"""A plan as lines for a person: what goes first, then what interrupts service, then the rest."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date

from review.approvals import Missing, entry_for
from review.consequences import interruption, loss
from review.plan import Change, Kind, Plan
from review.renames import Rename, renames

MAINTENANCE_RULE = ("aws:wafv2/webAclRule:WebAclRule", "web-acl-maintenance")
"""What answers in place of the API while `fixrx:maintenance` is on."""
MOST_CREATIONS = 20
"""A new stack creates hundreds of resources: more than this many are counted by component."""

MASKED = "[secret]"
"""What the engine puts in the place of a secret."""

MOST_DIFFERENCES = 12
"""Of one resource; a replaced document has dozens."""


def lines(plan: Plan) -> Iterator[str]:
    """The whole report."""
    yield from maintenance(plan)
    renamed = {rename.old.urn: rename for rename in renames(plan)}
    yield from _section("DELETED", plan.of(Kind.DELETE), lambda change: _deleted(change, renamed.get(change.urn)))
    yield from _section("REPLACED", plan.of(Kind.REPLACE), _replaced)
    yield from _section("UPDATED", plan.of(Kind.UPDATE), _updated)
    yield from _created(plan)
    yield from _unchanged(plan)


def maintenance(plan: Plan) -> Iterator[str]:
    """One line while users get 503 in place of the API, or when that ends: the first thing to know about a stack."""
    rule = next((each for kind in Kind for each in plan.of(kind) if (each.type, each.name) == MAINTENANCE_RULE), None)
    if rule is None:
        return
    if rule.kind is Kind.DELETE:
        yield "MAINTENANCE ENDS: users reach the API again."
    elif "notStatement" in rule.new.get("statement", {}):
        yield "MAINTENANCE: everybody but fixrx:maintenance.except_networks gets 503 in place of the API."
    else:
        yield "MAINTENANCE: everybody gets 503 in place of the API."


def total(plan: Plan) -> str:
    """The plan in one line."""
    totals = plan.totals()
    return ", ".join(f"{totals[kind]} {kind}" for kind in Kind if totals[kind]) or "nothing"


def _section(title: str, changes: list[Change], told: Callable[[Change], Iterator[str]]) -> Iterator[str]:
    if changes:
        yield f"{title} ({len(changes)})"
        # What takes something away comes before what does not; within each, two previews read the same.
        for change in sorted(changes, key=lambda change: (loss(change) is None, change.name)):
            yield from told(change)


def _deleted(change: Change, rename: Rename | None) -> Iterator[str]:
    lost = loss(change)
    kept = "; it stays in AWS" if change.retained else ""
    yield f"  - {change.title}{kept}" + (f"; lost: {lost}" if lost else "")
    if rename:
        yield f"      {rename}"


def _replaced(change: Change) -> Iterator[str]:
    lost = loss(change)
    yield f"  ! {change.title}; " + (f"lost: {lost}" if lost else interruption(change))
    yield from difference_lines(change)


def _updated(change: Change) -> Iterator[str]:
    yield f"  ~ {change.title}; {interruption(change)}"
    yield from difference_lines(change)


def difference_lines(change: Change) -> Iterator[str]:
    """What differs in one resource, at most MOST_DIFFERENCES lines and one that counts the rest."""
    # What forces a replacement comes first.
    found = sorted(change.differences, key=lambda difference: not change.forces(difference))
    for difference in found[:MOST_DIFFERENCES]:
        cause = "  (forces the replacement)" if change.forces(difference) else ""
        yield f"      {difference}{cause}"
    for cause in change.unseen_causes:
        value = change.new.get(re.split(r"[.\[]", cause, maxsplit=1)[0])
        secret = ": another value, which is secret" if MASKED in json.dumps(value) else ""
        yield f"      {cause}{secret}  (forces the replacement)"
    if len(found) > MOST_DIFFERENCES:
        yield f"      and {len(found) - MOST_DIFFERENCES} more"


def _created(plan: Plan) -> Iterator[str]:
    created = plan.of(Kind.CREATE)
    if not created:
        return
    yield f"CREATED ({len(created)})"
    if len(created) <= MOST_CREATIONS:
        yield from (f"  + {change.title}" for change in sorted(created, key=lambda change: change.name))
        return
    for component, count in sorted(Counter(plan.component(change) for change in created).items()):
        yield f"  + {component}: {count} resources"


def _unchanged(plan: Plan) -> Iterator[str]:
    same = plan.of(Kind.SAME)
    if not same:
        return
    touched = {plan.component(change) for kind in Kind if kind is not Kind.SAME for change in plan.of(kind)}
    whole = sorted({plan.component(change) for change in same} - touched)
    names = f": all of {', '.join(whole)}" if whole and touched else ""
    yield f"UNCHANGED ({len(same)}){names}"


def refusal(missing: list[Missing], path: str, today: date) -> str:
    """Why a plan must not be applied, and what would permit it."""
    what = "this" if len(missing) == 1 else f"each of these {len(missing)}"
    found = "\n".join(f"  {each.change.title} ({each.why}); lost: {loss(each.change)}" for each in missing)
    entries = "\n".join(f"  {line}" for each in missing for line in entry_for(each.change, today))
    return (
        f"The plan deletes or replaces what cannot be had back, and nobody has approved {what}:\n{found}\n"
        f"Change the program so that it keeps them, or add to {path}:\n{entries}"
    )
