"""Physical names for resources that the program does not name: the logical name and seven random hexadecimal digits."""

import hashlib
from dataclasses import dataclass

from sandbox.provider.model import Autoname
from sandbox.provider.schema import CheckFailure
from sandbox.provider.values import UNKNOWN, Properties

_DIGITS = 7
_DIGITS_AFTER_PREFIX = 26
"""As many as the provider appends to a prefix."""
DEFAULTS = "__defaults"
"""Input in which the bridge lists the inputs that it filled itself."""


@dataclass(frozen=True)
class Proposal:
    """The engine's own naming configuration (`pulumi:autonaming`), where the user has one."""

    name: str
    enforced: bool
    disabled: bool


def name(
    rule: Autoname, inputs: Properties, old: Properties, logical_name: str, seed: bytes, proposal: Proposal | None
) -> CheckFailure | None:
    """Fill the input that names the resource, if it is not given; an old automatic name is kept."""
    if inputs.get(rule.input) is not None:
        return None
    prefix = inputs.get(rule.prefix)
    if rule.input in (old.get(DEFAULTS) or []) and old.get(rule.input) and old.get(rule.prefix) == prefix:
        chosen = str(old[rule.input])
    elif prefix is not None:
        chosen = UNKNOWN if prefix == UNKNOWN else f"{prefix}{_digest(seed, logical_name)[:_DIGITS_AFTER_PREFIX]}"
    elif proposal and proposal.disabled:
        return CheckFailure(rule.input, "automatic naming is disabled, so a name must be given")
    elif proposal and proposal.name:
        chosen = proposal.name
    else:
        chosen = f"{logical_name}-{_digest(seed, logical_name)[:_DIGITS]}"
    chosen = chosen.lower() if rule.lower_case else chosen
    if len(chosen) > rule.longest:
        return CheckFailure(
            rule.input,
            f"the automatic name {chosen!r} has {len(chosen)} characters, AWS allows {rule.longest}: "
            f"shorten the logical name or set {rule.input}",
        )
    inputs[rule.input] = chosen
    inputs[DEFAULTS] = [*inputs.get(DEFAULTS, []), rule.input]
    return None


def _digest(seed: bytes, logical_name: str) -> str:
    return hashlib.sha256(seed or logical_name.encode()).hexdigest()
