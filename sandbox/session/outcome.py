"""What the engine reported while it ran: the steps it took, the policies that were broken, what went wrong and why."""

import re
from collections import Counter
from dataclasses import dataclass
from textwrap import indent

from pulumi.automation import EngineEvent, OpType
from pulumi.automation.events import DiagnosticEvent, PolicyEvent, StepEventMetadata

from sandbox.session.console import UserError, disk_full, disk_full_sentence

CHANGES = {
    OpType.CREATE: "created",
    OpType.UPDATE: "updated",
    OpType.REPLACE: "replaced",
    OpType.DELETE: "deleted",
    OpType.SAME: "same",
}
"""What each step of the engine is called in a summary. A replacement's own create and delete are part of it."""

KEPT = {
    "preview": "nothing was changed",
    "update": "what succeeded is kept",
    "refresh": "what was read is kept",
    "destroy": "what could not be deleted is still there",
}
"""What a user finds after an operation that stopped."""

ENDINGS = {f"{operation} failed" for operation in KEPT}
"""What the engine adds to every failure."""

STACK_TYPE = "pulumi:pulumi:Stack"

_COLOUR = re.compile(r"<\{%.*?%\}>|\x1b\[[0-9;]*m")


@dataclass(frozen=True, kw_only=True, order=True)
class Violation:
    """One mandatory rule that a resource, or the stack as a whole, breaks."""

    policy: str
    resource: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Step:
    """What happened to one resource."""

    change: str
    parent: str
    type: str


class Outcome:
    """Collects the engine's events; pass `on_event` to an operation of the Automation API."""

    def __init__(self) -> None:
        self.steps: dict[str, Step] = {}
        self._violations: set[Violation] = set()
        self._errors: list[tuple[str, str]] = []

    def on_event(self, event: EngineEvent) -> None:
        """Takes note of one event."""
        if event.resource_pre_event:
            self._on_step(event.resource_pre_event.metadata)
        elif event.res_outputs_event:
            # What a refresh has found is known only now.
            self._on_step(event.res_outputs_event.metadata)
        elif event.policy_event:
            self._on_policy(event.policy_event)
        elif event.diagnostic_event:
            self._on_diagnostic(event.diagnostic_event)

    @property
    def violations(self) -> list[Violation]:
        """The mandatory rules that were broken, each once, in a stable order."""
        return sorted(self._violations)

    def changes(self) -> Counter[str]:
        """How many resources were created, updated and so on; the stack itself does not count as one."""
        return Counter(step.change for step in self.steps.values() if step.type != STACK_TYPE)

    def components(self) -> dict[str, Counter[str]]:
        """The same by component: the resource directly below the stack that a resource descends from.

        Pulumi's providers stand for nothing in AWS, and are one row.
        """
        table: dict[str, Counter[str]] = {}
        for urn, step in self.steps.items():
            if step.type != STACK_TYPE:
                table.setdefault(self._component(urn), Counter())[step.change] += 1
        return table

    def explain(self, operation: str, engine_output: str) -> UserError:
        """Why the engine gave up, worded for the user."""
        # The engine repeats what the program had already reported.
        texts = list(dict.fromkeys(message for _, message in self._errors))
        if any(disk_full(text) for text in [engine_output, *texts]):
            return UserError(disk_full_sentence())
        if self._violations:
            return UserError(self._refusal())
        failed = [(urn, message) for urn, message in self._errors if urn and not _is_stack(urn)]
        if failed:
            what = "resource" if len(failed) == 1 else "resources"
            details = "\n".join(f"  {_short(urn)}: {message}" for urn, message in failed)
            return UserError(
                f"The {operation} stopped, because {len(failed)} {what} could not be handled:\n{details}\n"
                f"Correct the program or the stack's settings and run it again; {KEPT[operation]}."
            )
        if texts:
            return UserError(f"The {operation} stopped: " + "\n".join(texts))
        return UserError(_told_by_the_engine(operation, engine_output))

    def _on_step(self, step: StepEventMetadata) -> None:
        if step.op not in CHANGES:
            return
        state = step.new or step.old
        self.steps[step.urn] = Step(change=CHANGES[step.op], parent=state.parent if state else "", type=step.type)

    def _on_policy(self, event: PolicyEvent) -> None:
        if event.enforcement_level == "mandatory":
            resource = _short(event.resource_urn) if event.resource_urn else "the stack"
            message = _plain(event.message)
            self._violations.add(Violation(policy=event.policy_name, resource=resource, message=message))

    def _on_diagnostic(self, event: DiagnosticEvent) -> None:
        message = _plain(event.message)
        consequence = message in ENDINGS or message.endswith("context canceled")
        if event.severity == "error" and not consequence:
            self._errors.append((event.urn or "", message))

    def _component(self, urn: str) -> str:
        if self.steps[urn].type.startswith("pulumi:providers:"):
            return "(providers)"
        seen = {urn}
        while (step := self.steps.get(urn)) and step.parent and not _is_stack(step.parent) and step.parent not in seen:
            urn = step.parent
            seen.add(urn)
        return _name(urn)

    def _refusal(self) -> str:
        count = len(self._violations)
        what = "1 mandatory rule is broken" if count == 1 else f"{count} mandatory rules are broken"
        lines = "\n".join(
            f"  {each.policy}: {each.resource}\n{indent(each.message, '      ')}" for each in self.violations
        )
        return (
            f"The policy pack refuses the plan, because {what}:\n{lines}\n"
            "Correct the settings or the component that declares the resource, and run it again."
        )


def _is_stack(urn: str) -> bool:
    return f"::{STACK_TYPE}::" in urn


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _short(urn: str) -> str:
    """A resource as a person names it: its type's last part and its logical name."""
    qualified_type, _, name = urn.rpartition("::")
    return f"{qualified_type.rpartition(':')[2]} {name}"


def _plain(message: str) -> str:
    return _COLOUR.sub("", message).strip().removeprefix("error: ").removeprefix("an unhandled error occurred: ")


def _told_by_the_engine(operation: str, output: str) -> str:
    """The last resort, where the engine itself failed: its error, and the end of what it printed before."""
    lines = [_COLOUR.sub("", line).removeprefix(" stderr: ").rstrip() for line in output.splitlines() if line.strip()]
    errors = [line.strip() for line in lines if line.strip().startswith("error: ")] or lines[-1:]
    reason = errors[-1].removeprefix("error: ") if errors else "the engine gave no reason."
    end = indent("\n".join(lines[-20:]), "  ")
    return f"The {operation} stopped: {reason}\nThe engine's last lines were:\n{end}"
