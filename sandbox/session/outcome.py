"""What the engine reported while it ran: the plan, the policies that were broken, what went wrong and why."""

import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

from pulumi.automation import EngineEvent
from pulumi.automation.events import DiagnosticEvent, PolicyEvent

from review import STACK_TYPE, Change, Kind, Plan, renames, title_of
from sandbox.session.console import UserError
from sandbox.session.processes import ROOT
from sandbox.session.state import State

KEPT = {
    "start": "nothing was changed",
    "preview": "nothing was changed",
    "update": "what succeeded is kept",
    "refresh": "what was read is kept",
    "destroy": "what could not be deleted is still there",
}
"""What a user finds after an operation that stopped."""

ENDINGS = {f"{operation} failed" for operation in KEPT}
"""What the engine adds to every failure."""

_COLOUR = re.compile(r"<\{%.*?%\}>|\x1b\[[0-9;]*m")
_UNPLANNED = re.compile(r"resource \S+ violates plan: (?P<what>.+)", re.DOTALL)
"""The engine's objection to a step that the saved plan does not have."""
_PROTECTED = re.compile(
    r'^(?:unable to replace resource|resource) "(?P<urn>urn:pulumi:[^"]+)"(?: cannot be deleted)?\n'
    r"(?:as it is currently marked for protection|because it is protected)"
)
_NOT_REACHED = re.compile(r"expected resource operations for \S+ but none were seen$")
"""Of a saved plan, when something else has stopped the update before."""
_SEVERAL = re.compile(r"^\d+ errors? occurred:\s*\* ")
"""How a provider written in Go begins a list of errors; an asterisk stands before each."""
_NOT_LIVE = re.compile(
    r'^(?:resource "[^"]+" was successfully created, but )?the Kubernetes API server reported that (?:it|"[^"]+") '
    r"failed to fully initialize or become live: "
)
"""What the Kubernetes provider says first of whatever it has waited for in vain."""
_TRACEBACK = "Traceback (most recent call last):"
_FRAME = re.compile(r'^  File "(?P<file>.+)", line \d+')


@dataclass(frozen=True, kw_only=True, order=True)
class Violation:
    """One rule that a resource, or the stack as a whole, breaks."""

    policy: str
    resource: str
    message: str


class Outcome:
    """Collects the engine's events; pass `on_event` to an operation of the Automation API."""

    def __init__(
        self,
        on_step: Callable[[int], None] | None = None,
        on_line: Callable[[str], None] | None = None,
        on_begin: Callable[[str], None] | None = None,
    ) -> None:
        """`on_step` is told how many steps the engine has finished, `on_line` what the program says meanwhile.

        `on_begin` is told the URN of a resource whose creation or change begins.
        """
        self.plan = Plan()
        self._violations: set[Violation] = set()
        self._advice: set[Violation] = set()
        self._errors: list[tuple[str, str]] = []
        self._on_step = on_step
        self._on_line = on_line
        self._on_begin = on_begin
        self._steps = 0

    def on_event(self, event: EngineEvent) -> None:
        """Takes note of one event."""
        self.plan.add(event)
        if event.policy_event:
            self._on_policy(event.policy_event)
        elif event.diagnostic_event:
            self._on_diagnostic(event.diagnostic_event)
        elif event.resource_pre_event and self._on_begin:
            self._on_begin(event.resource_pre_event.metadata.urn)
        elif event.res_outputs_event and self._on_step:
            self._steps += 1
            self._on_step(self._steps)

    @property
    def violations(self) -> list[Violation]:
        """The mandatory rules that were broken, each once, in a stable order."""
        return sorted(self._violations)

    @property
    def advice(self) -> list[Violation]:
        """The advisory rules that were broken, and the deviations that are accepted."""
        return sorted(self._advice)

    def explain(self, operation: str, engine_output: str, state: State) -> UserError:
        """Why the engine gave up, worded for the user. The state tells what protected resources are like."""
        if self._violations:
            return UserError(self._refusal())
        # The engine repeats what the program had already reported.
        texts = list(dict.fromkeys(message for _, message in self._errors))
        protected = [match["urn"] for text in texts if (match := _PROTECTED.match(text))]
        if protected:
            return UserError(self._protected(operation, protected, state))
        failed = [(urn, message) for urn, message in self._errors if urn and not _is_stack(urn)]
        unplanned = [(urn, match["what"]) for urn, message in failed if (match := _UNPLANNED.match(message))]
        if unplanned:
            details = "\n".join(f"  {title_of(urn)}: {what}" for urn, what in unplanned)
            return UserError(
                f"The {operation} stopped, because it would have done what the preview before it did not show:\n"
                f"{details}\n"
                "Does the program read a clock or something else that changes? Run it again; if it stops again, the "
                f"program has to be corrected; {KEPT[operation]}."
            )
        if failed:
            what = "resource" if len(failed) == 1 else "resources"
            details = "\n".join(f"  {title_of(urn)}: {_in_one_line(message)}" for urn, message in failed)
            return UserError(
                f"The {operation} stopped, because {len(failed)} {what} could not be handled:\n{details}\n"
                f"Correct the program or the stack's settings and run it again; {KEPT[operation]}."
            )
        if texts:
            return UserError(f"The {operation} stopped: " + _of_the_program(texts, operation))
        return UserError(_told_by_the_engine(operation, engine_output))

    def _on_policy(self, event: PolicyEvent) -> None:
        resource = title_of(event.resource_urn) if event.resource_urn else "the stack"
        violation = Violation(policy=event.policy_name, resource=resource, message=_plain(event.message))
        (self._violations if event.enforcement_level == "mandatory" else self._advice).add(violation)

    def _on_diagnostic(self, event: DiagnosticEvent) -> None:
        message = _plain(event.message)
        # The provider of Kubernetes ends what it has waited for with an empty line.
        if event.severity == "info" and message and self._on_line:
            self._on_line(message)
        consequence = message in ENDINGS or message.endswith("context canceled") or bool(_NOT_REACHED.match(message))
        if event.severity == "error" and not consequence:
            self._errors.append((event.urn or "", message))

    def _refusal(self) -> str:
        groups = grouped(self.violations)
        what = "1 mandatory rule is broken" if len(groups) == 1 else f"{len(groups)} mandatory rules are broken"
        lines = "\n".join(
            f"  {policy}: {', '.join(each.resource for each in found)}\n"
            + "\n".join(indent(text, "      ") for text in dict.fromkeys(each.message for each in found))
            for policy, found in groups.items()
        )
        return (
            f"The policy pack refuses the plan, because {what}:\n{lines}\n"
            "Correct the settings or the component that declares the resource, and run it again."
        )

    def _protected(self, operation: str, urns: list[str], state: State) -> str:
        """Names what the program would delete or replace although it is protected, and what was meant, if it shows."""
        inputs = {resource["urn"]: resource.get("inputs", {}) for resource in state.resources}
        parents = {resource["urn"]: resource.get("parent", "") for resource in state.resources}
        replaced = {change.urn: change for change in self.plan.of(Kind.REPLACE)}
        lines = []
        for urn in urns:
            if urn in replaced:
                causes = "; ".join(str(each) for each in replaced[urn].differences if replaced[urn].forces(each))
                lines.append(f"  {title_of(urn)} would be replaced: {causes}")
                continue
            lines.append(f"  {title_of(urn)} would be deleted")
            kind = urn.split("::")[2].rpartition("$")[2]
            self.plan.add_change(
                Change(kind=Kind.DELETE, urn=urn, type=kind, parent=parents.get(urn, ""), old=inputs.get(urn, {}))
            )
        lines += [f"  {rename}" for rename in renames(self.plan) if rename.old.urn in urns]
        return (
            f"The {operation} stopped, because the program gives up what is protected against that:\n"
            + "\n".join(lines)
            + f"\nChange the program or the settings so that it is kept; {KEPT[operation]}. If it has to go, see "
            "docs/runbooks.md#deleting-a-protected-resource."
        )


def grouped(violations: Iterable[Violation]) -> dict[str, list[Violation]]:
    """The violations by rule."""
    groups: dict[str, list[Violation]] = {}
    for violation in violations:
        groups.setdefault(violation.policy, []).append(violation)
    return groups


def _is_stack(urn: str) -> bool:
    return f"::{STACK_TYPE}::" in urn


def _in_one_line(message: str) -> str:
    """A list of errors as one line, and what is no such list as it is."""
    if not (begin := _SEVERAL.match(message)):
        return message
    return "; ".join(
        _NOT_LIVE.sub("", part).strip().rstrip(".") for part in re.split(r"\n\s*\* ", message[begin.end() :])
    )


def _plain(message: str) -> str:
    text = _COLOUR.sub("", message).strip()
    for prefix in ("error: ", "an unhandled error occurred: ", "python inline source runtime error: "):
        text = text.removeprefix(prefix)
    return text


def _of_the_program(texts: list[str], operation: str) -> str:
    """What the program raised, each error once, tracebacks cut to the frames of this project."""
    told = list(dict.fromkeys(_without_foreign_frames(text) for text in texts))
    if not any(_TRACEBACK in text for text in texts):
        return "\n".join(told)
    what = "an error in the program" if len(told) == 1 else f"{len(told)} errors in the program"
    return f"{what}.\n" + "\n".join(told) + f"\nCorrect it and run the command again; {KEPT[operation]}."


def _without_foreign_frames(text: str) -> str:
    """A traceback's error, and the places in this project or its program that led to it, the last one last."""
    if _TRACEBACK not in text:
        return text
    frames, error = [], []
    ours = True
    for line in text[text.index(_TRACEBACK) :].splitlines()[1:]:
        if frame := _FRAME.match(line):
            ours = _is_ours(Path(frame["file"]))
            frames += [line] if ours else []
        elif line.startswith("    "):
            frames += [line] if ours and set(line.strip()) - set("~^") else []
        elif line.strip():
            error.append(line)
    return "\n".join(["  " + line for line in error] + frames)


def _is_ours(file: Path) -> bool:
    """Whether a file is the program or a part of it, and no library, nor the sandbox that runs it."""
    foreign = (Path(sys.prefix), Path(sys.base_prefix), ROOT / "sandbox")
    return file.is_absolute() and not any(file.is_relative_to(place) for place in foreign)


def _told_by_the_engine(operation: str, output: str) -> str:
    """The last resort, where the engine itself failed: its error, and the end of what it printed before."""
    lines = [_COLOUR.sub("", line).removeprefix(" stderr: ").rstrip() for line in output.splitlines() if line.strip()]
    errors = [line.strip() for line in lines if line.strip().startswith("error: ")] or lines[-1:]
    reason = errors[-1].removeprefix("error: ") if errors else "the engine gave no reason."
    end = indent("\n".join(lines[-20:]), "  ")
    return f"The {operation} stopped: {reason}\nThe engine's last lines were:\n{end}"
