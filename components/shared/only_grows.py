"""Values that only grow: a lower one is refused, in the preview and in `pulumi up`, before anything is changed.

A component states them as inputs of its own. The engine keeps those in the state, and a hook before the component's
update gets the old and the new ones; policies get the new ones only. The inputs of the resources would not do: the
provider reports no change for less storage, `pulumi refresh` puts into them what storage autoscaling has added, and a
lower version of the cache is a replacement, which begins with a deletion. What is in the component waits for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi


class Lowered(Exception):
    """A value is lower than the deployed one: the key, both values, why that cannot be, and what to do."""


@dataclass(frozen=True, kw_only=True)
class OnlyGrows:
    """One value."""

    key: str
    """The setting that decides it, without the project."""
    value: str
    """A whole number, or a version with dots."""
    because: str
    """Why AWS cannot lower it, and what to do; a clause for the end of the sentence."""


def inputs_of(values: Mapping[str, OnlyGrows]) -> Mapping[str, str]:
    """Return the inputs that the component has to state."""
    return {name: each.value for name, each in values.items()}


def refuse_lower(
    component: str, values: Mapping[str, OnlyGrows], opts: pulumi.ResourceOptions | None
) -> pulumi.ResourceOptions:
    """Return the options of the component with a hook that compares the inputs with those of the state."""

    def compare(args: pulumi.ResourceHookArgs) -> None:
        lowered = problems(values, args.old_inputs or {})
        if lowered:
            raise Lowered(" ".join(lowered))

    hook = pulumi.ResourceHook(f"{component}-only-grows", compare, pulumi.ResourceHookOptions(on_dry_run=True))
    hooks = pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_update=[hook]))
    return pulumi.ResourceOptions.merge(opts, hooks)


def problems(values: Mapping[str, OnlyGrows], deployed: Mapping[str, object]) -> list[str]:
    """Return a sentence for each value that is lower than the deployed one; one that the state lacks is new."""
    found = []
    for name, each in values.items():
        old = str(deployed.get(name, each.value))
        if _parts(each.value) < _parts(old):
            found.append(f"fixrx:{each.key}: {each.value} is lower than the deployed {old}: {each.because}.")
    return found


def _parts(value: str) -> list[int]:
    """8.1 is older than 8.2 and 10.0."""
    return [int(part) for part in value.split(".")]
