"""A marker: a parameter that says how far a release has come, changed only when the gates before it agree.

A gate is a hook before the change. One that refuses leaves the marker as it was, so the next `pulumi up` asks again,
even if nothing else has changed. A standard parameter costs nothing.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.shared.identity import StackIdentity


@dataclass(frozen=True, kw_only=True)
class ReleaseMarkerArgs:
    identity: StackIdentity
    value: pulumi.Input[str]
    """Whatever it is that the gates have to agree to; it changes with each release."""
    description: str
    gates: pulumi.ResourceHookBinding


class ReleaseMarker(pulumi.ComponentResource):
    """One marker with its gates. What must come first is given as `depends_on`."""

    parameter: aws.ssm.Parameter
    """What has to wait for the gates depends on it."""

    def __init__(self, name: str, args: ReleaseMarkerArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("fixrx:components:ReleaseMarker", name, None, opts)
        self.parameter = aws.ssm.Parameter(
            f"{name}-marker",
            name=marker_name(args.identity, name),
            type="String",
            # Not a secret: it is shown in plans and in the state.
            insecure_value=args.value,
            description=args.description,
            opts=pulumi.ResourceOptions(parent=self, depends_on=opts.depends_on, hooks=args.gates),
        )
        self.register_outputs({"name": self.parameter.name})


def marker_name(identity: StackIdentity, name: str) -> str:
    """Return the physical name of a marker."""
    return identity.physical_name("aws:ssm/parameter:Parameter", f"/{identity.project}/{identity.environment}/{name}")
