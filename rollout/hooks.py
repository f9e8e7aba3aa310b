"""The gates as hooks of Pulumi.

Only before-hooks: what an after-hook refuses is in the state all the same, and is not asked again. No delete-hooks:
with one, `pulumi destroy` would need the program.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import pulumi
from botocore.exceptions import BotoCoreError, ClientError

from rollout.gate import BotoAws, Gate, Refusal, SystemClock, ask_web, explained, in_sandbox
from rollout.migrated import Migration, migrated
from rollout.prepared import Preparation, prepared
from rollout.released import Rollout, released

Wanted = TypeVar("Wanted")


def migrated_hooks(region: str, **migration: pulumi.Input[object]) -> pulumi.ResourceHookBinding:
    """Return the hooks of the marker `migrated`; the keywords are the fields of Migration."""
    wanted = pulumi.Output.all(**migration).apply(lambda known: Migration(**known))
    return _hooks("migrated", region, wanted, migrated)


def prepared_hooks(region: str, **preparation: pulumi.Input[object]) -> pulumi.ResourceHookBinding:
    """Return the hooks of the marker `prepared`; the keywords are the fields of Preparation."""
    wanted = pulumi.Output.all(**preparation).apply(lambda known: Preparation(**known))
    return _hooks("prepared", region, wanted, prepared)


def released_hooks(region: str, **rollout: pulumi.Input[object]) -> pulumi.ResourceHookBinding:
    """Return the hooks of the marker `released`; the keywords are the fields of Rollout."""
    wanted = pulumi.Output.all(**rollout).apply(lambda known: Rollout(**known))
    return _hooks("released", region, wanted, released)


def _hooks(
    name: str,
    region: str,
    wanted: pulumi.Output[Wanted],
    work: Callable[..., Awaitable[None]],
) -> pulumi.ResourceHookBinding:
    begun = SystemClock().now()

    async def ask(args: pulumi.ResourceHookArgs) -> None:
        # What the marker depends on exists by now, so its properties are known.
        known = await wanted.future()
        if known is None:
            raise Refusal(f"The gate {name} does not know what it asks for: run `pulumi up` without --target.")
        try:
            await work(_gate(name, region, begun), known, first=args.old_inputs is None)
        except (ClientError, BotoCoreError) as error:
            raise explained(error) from None

    hook = pulumi.ResourceHook(name, ask)
    return pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook])


def _gate(name: str, region: str, begun: datetime) -> Gate:
    return Gate(
        aws=BotoAws(region),
        web=ask_web,
        clock=SystemClock(),
        tell=lambda line: pulumi.log.info(f"{name}: {line}"),
        sandbox=in_sandbox(),
        begun=begun,
    )
