"""Prints the policy events that the engine sends to other programs during a preview, as JSON.

`python -m tests.end_to_end.policy_events <stack> <directory> <program>`: a process of its own, because the program
leaves its marks on the Pulumi SDK.
"""

import json
import sys
from contextlib import suppress
from pathlib import Path

from pulumi.automation import CommandError, EngineEvent

from sandbox.session.lock import alone
from sandbox.session.operations import session
from sandbox.session.source import Source
from sandbox.session.workspace import Workspace


def main(stack: str, directory: str, program: str) -> None:
    """Previews the program in a sandbox that is there already."""
    events: list[dict[str, str]] = []

    def note(event: EngineEvent) -> None:
        if policy := event.policy_event:
            events.append(
                {
                    "policy": policy.policy_name,
                    "level": policy.enforcement_level,
                    "resource": (policy.resource_urn or "").rpartition("::")[2],
                    "message": policy.message,
                }
            )

    source = Source.of(stack, None, Path(program))
    workspace = Workspace(Path(directory), source)
    with (
        alone(Path(directory)) as lock,
        session(workspace, lock, changes=False) as opened,
        suppress(CommandError),
    ):
        opened.stack.preview(on_event=note, policy_packs=[str(pack) for pack in source.policies])
    print(json.dumps(events))


if __name__ == "__main__":
    main(*sys.argv[1:])
