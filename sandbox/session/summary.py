"""What a command of the sandbox shows at its end: the plan and its total on standard output."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from rich.console import Console

from review import Kind, Plan, drift, lines, maintenance, total
from sandbox.provider import tables
from sandbox.session.outcome import Outcome, grouped
from sandbox.session.processes import Account, Addresses
from sandbox.session.state import State

MOST_NAMES = 5
"""Of resources in one line."""

output = Console(highlight=False, emoji=False, soft_wrap=True)


def count_kinds(state: State) -> Counter[str]:
    """How many of the deployed resources the emulator really has, and how many were validated and recorded only."""
    kinds: Counter[str] = Counter()
    for resource in state.resources:
        kind = tables.find(resource["type"])
        if kind is not None and resource.get("custom"):
            kinds["recorded" if kind.stored_only else "real"] += 1
    return kinds


def show_plan(plan: Plan) -> None:
    """What would be done, or was found by a refresh, losses and interruptions first."""
    for line in lines(plan) if set(plan.totals()) - {Kind.SAME} else maintenance(plan):
        output.print(line, markup=False)


def show_drift(plan: Plan) -> None:
    """What a refresh has found; first, as in a plan, whether users get 503 in place of the API."""
    for line in (*maintenance(plan), *drift(plan)):
        output.print(line, markup=False)


def show_advice(outcome: Outcome) -> None:
    """Each advisory finding and each accepted deviation in one line."""
    for policy, found in grouped(outcome.advice).items():
        names = ", ".join(each.resource.rpartition(" ")[2] for each in found[:MOST_NAMES])
        more = f" and {len(found) - MOST_NAMES} more" if len(found) > MOST_NAMES else ""
        output.print(f"Advice of {policy} ({names}{more}): {found[0].message.splitlines()[0]}", markup=False)


def show_total(plan: Plan, started: float, *, planned: bool = False) -> None:
    """How many resources were or would be changed, in one line."""
    seconds = f"({time.monotonic() - started:.1f} s)"
    if set(plan.totals()) <= {Kind.SAME}:
        nothing = "Nothing would change" if planned else "Nothing changed"
        output.print(f"{nothing}: {plan.totals()[Kind.SAME]} resources are as declared {seconds}.")
    else:
        output.print(f"{'Plan' if planned else 'Done'}: {total(plan)} {seconds}.")


def show_deployment(state: State, account: Account, endpoints: Addresses) -> None:
    """What now stands in the emulator, and how to look at it."""
    kinds = count_kinds(state)
    output.print(
        f"\nIn the emulator: {kinds['real']} resources are real, {kinds['recorded']} only validated and recorded."
    )
    output.print("\nOutputs:")
    lines = dict(_flat(state.outputs()))
    width = max(map(len, lines), default=0)
    for name, value in lines.items():
        output.print(f"  {name.ljust(width)}  {value}", markup=False)
    show_endpoint(account, endpoints)


def show_endpoint(account: Account, endpoints: Addresses) -> None:
    """The emulator's address, and two commands that look inside."""
    output.print(
        f"\nThe emulator plays account {account.id} in {account.region} at {endpoints.emulator_url}. To look inside:\n"
        f"  export AWS_ENDPOINT_URL={endpoints.emulator_url} AWS_REGION={account.region} "
        f"AWS_DEFAULT_REGION={account.region} AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox\n"
        "  aws rds describe-db-instances\n"
        "  .venv/bin/python -c \"import boto3; print(boto3.client('elbv2').describe_load_balancers())\"",
        markup=False,
    )


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """The entries of nested outputs, one for each line: `secrets.JWT_SECRET` and so on."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value))
    else:
        yield name, str(value)
