"""What a command of the sandbox shows at its end: tables on standard output."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sandbox.provider import tables
from sandbox.session.outcome import CHANGES, STACK_TYPE, Outcome
from sandbox.session.processes import Account, Addresses

SECRET = "[secret]"
SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key that marks a secret in Pulumi's state."""

output = Console(highlight=False, emoji=False, soft_wrap=True)


def outputs_of(state: dict[str, Any]) -> dict[str, Any]:
    """The stack's outputs in an exported state, without the values that Pulumi treats as secret."""
    for resource in state["deployment"].get("resources", []):
        if resource["type"] == STACK_TYPE:
            return {name: _masked(value) for name, value in sorted(resource.get("outputs", {}).items())}
    return {}


def count_kinds(state: dict[str, Any]) -> Counter[str]:
    """How many of the deployed resources the emulator really has, and how many were validated and recorded only."""
    kinds: Counter[str] = Counter()
    for resource in state["deployment"].get("resources", []):
        kind = tables.find(resource["type"])
        if kind is not None and resource.get("custom"):
            kinds["recorded" if kind.stored_only else "real"] += 1
    return kinds


def show_changes(outcome: Outcome, started: float, *, planned: bool = False) -> None:
    """A table of what was done, or would be, by component; one line if that is nothing."""
    seconds = f"{time.monotonic() - started:.1f} s"
    changes = outcome.changes()
    if set(changes) <= {"same"}:
        nothing = "Nothing would change" if planned else "Nothing changed"
        output.print(f"{nothing}: {changes['same']} resources are as declared ({seconds}).")
        return
    columns = [change for change in CHANGES.values() if changes[change]]
    table = Table("component", *(_column(change, planned) for change in columns), box=None, show_footer=True)
    rows = sorted(outcome.components().items())
    for column, change in zip(table.columns[1:], columns, strict=True):
        column.justify = "right"
        column.footer = str(changes[change])
    table.columns[0].footer = f"total, {seconds}"
    for component, counts in rows:
        table.add_row(escape(component), *(str(counts[change] or "") for change in columns))
    output.print(table)


def show_deployment(state: dict[str, Any], account: Account, endpoints: Addresses) -> None:
    """What now stands in the emulator, and how to look at it."""
    kinds = count_kinds(state)
    output.print(
        f"\nIn the emulator: {kinds['real']} resources are real, {kinds['recorded']} only validated and recorded."
    )
    output.print("\nOutputs:")
    lines = dict(_flat(outputs_of(state)))
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


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return SECRET if SECRET_SIGNATURE in value else {key: _masked(item) for key, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list) else value


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """The entries of nested outputs, one for each line: `secrets.JWT_SECRET` and so on."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value))
    else:
        yield name, str(value)


def _column(change: str, planned: bool) -> str:
    return change if not planned or change == "same" else f"to be {change}"
