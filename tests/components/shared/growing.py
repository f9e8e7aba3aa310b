"""Deploys a component whose values only grow: `python -m tests.components.shared.growing FOLDER VERSION SIZE`.

A component inside of it has the same version. What is in the state afterwards is printed as JSON; the exit status is 1
if the engine refused, which is printed too. Automation's `up` has no preview before it: a refusal is the deployment's
own; with `--preview` there is nothing but a preview. A process of its own: the program leaves its marks on the SDK.
"""

import json
import sys
from pathlib import Path

import pulumi
from pulumi.automation import (
    CommandError,
    LocalWorkspaceOptions,
    ProjectBackend,
    ProjectSettings,
    create_or_select_stack,
)

from components.shared.only_grows import OnlyGrows, inputs_of, refuse_lower


class Store(pulumi.ComponentResource):
    """A component as those of the program are."""

    def __init__(self, version: str, size: str) -> None:
        grows = {
            "version": OnlyGrows(key="store.version", value=version, because="there is no way back"),
            "size": OnlyGrows(key="store.size", value=size, because="it cannot shrink"),
        }
        super().__init__("test:index:Store", "store", inputs_of(grows), refuse_lower("store", grows, None))
        child = pulumi.ResourceOptions(parent=self)
        pulumi.ComponentResource("test:index:Inside", "inside", {"version": version}, child)


def main(folder: Path, version: str, size: str, *, preview: bool) -> int:
    backend = f"file://{folder}"

    def program() -> None:
        Store(version, size)

    options = LocalWorkspaceOptions(
        env_vars={
            "PULUMI_BACKEND_URL": backend,
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_HOME": str(folder),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        },
        project_settings=ProjectSettings(name="growing", runtime="python", backend=ProjectBackend(url=backend)),
    )
    stack = create_or_select_stack("one", "growing", program, opts=options)
    try:
        if preview:
            stack.preview()
        else:
            stack.up()
        refusal = None
    except CommandError as error:
        refusal = str(error)
    state = stack.export_stack().deployment or {}
    inputs = {each["urn"].rpartition("::")[2]: each.get("inputs") for each in state.get("resources", [])}
    print(json.dumps({"refusal": refusal, "store": inputs.get("store"), "inside": inputs.get("inside")}))
    return 0 if refusal is None else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], preview="--preview" in sys.argv))
