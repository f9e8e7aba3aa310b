"""What a release has to pass: the guide's checks in the guide's order.

Each is a script of the backend's package.json, but the audit, which npm asks the registry for.
"""

import json
from collections.abc import Mapping
from typing import Any

from bootstrap.access import CommandError
from delivery.node import Node
from delivery.progress import step, warn

PASSED = "passed"
NOT_ANSWERED = "not answered by the registry"
BEFORE_AUDIT = ("lint", "type-check")
SERIOUS = ("high", "critical")
"""Levels of a finding that stop a release."""
SHOWN_LINES = 25
"""The last lines of a step that failed."""


class CheckFailed(CommandError):
    """A step that stops the release."""

    def __init__(self, name: str, output: str) -> None:
        lines = output.rstrip().splitlines()[-SHOWN_LINES:]
        shown = "".join(f"\n  {line}" for line in lines)
        super().__init__(f"The check {name} failed, and no release was built.{shown}")
        self.name = name


def run_npm(node: Node, name: str, *arguments: str) -> None:
    """Run npm as the step of that name. Raises CheckFailed."""
    with step(name):
        outcome = node.npm(*arguments)
    if outcome.exit_status:
        raise CheckFailed(name, outcome.output)


def run_script(node: Node, name: str) -> None:
    """Run a script of package.json; a missing one is a failure. Raises CheckFailed."""
    run_npm(node, name, "run", "--loglevel=error", name)


def run_checks(node: Node) -> Mapping[str, str]:
    """Run all checks and return their results. Raises CheckFailed at the first that fails."""
    results = {}
    for name in BEFORE_AUDIT:
        run_script(node, name)
        results[name] = PASSED
    results["audit"] = audit(node)
    run_script(node, "test")
    return {**results, "test": PASSED}


def audit(node: Node) -> str:
    """Ask the registry for known vulnerabilities of the packages that run in production. Raises CheckFailed.

    npm's exit status is 1 for a finding and for a registry that cannot answer: only its report tells them apart.
    """
    with step("audit"):
        outcome = node.npm_answer("audit", "--json", "--omit=dev", f"--audit-level={SERIOUS[0]}")
    report = _object(outcome.output)
    counted = _member(_member(report, "metadata"), "vulnerabilities")
    if not counted:
        reason = report.get("message") or _member(report, "error").get("summary") or "no reason given"
        warn(f"The packages were not audited, because the registry did not answer: {str(reason).splitlines()[0]}.")
        return NOT_ANSWERED
    if outcome.exit_status or any(counted.get(level) for level in SERIOUS):
        raise CheckFailed("audit", "\n".join(_findings(report)))
    return PASSED


def _object(text: str) -> Mapping[str, Any]:
    """A JSON object, or an empty one for other text."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _member(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    member = value.get(name)
    return member if isinstance(member, dict) else {}


def _findings(report: Mapping[str, Any]) -> list[str]:
    """One line for each package with a serious finding."""
    return [
        f"{name} {found.get('range', '')}: {found['severity']}"
        for name, found in sorted(_member(report, "vulnerabilities").items())
        if found.get("severity") in SERIOUS
    ] or ["npm audit failed without a finding of level high; run it by hand"]
