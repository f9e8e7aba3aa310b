"""What components have to know of a cluster of Kubernetes, whoever made it."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

CONTROLLERS_NAMESPACE = "kube-system"
"""Of what belongs to the cluster itself."""
APPLICATION_NAMESPACE = "fixrx"
API_NAME = "fixrx-api"
"""Of the Deployment, and of what belongs to it."""
MIGRATION_NAME = "fixrx-migrate"
"""Service account of the migration, which alone may log in to the database with a token."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """One cluster."""

    name: pulumi.Input[str]
    arn: pulumi.Input[str]
    version: str
    provider: kubernetes.Provider
    """Speaks to the cluster's API, as whoever runs `pulumi up`."""

    def options(self, opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
        """Return the options of a component with the provider of this cluster added."""
        own = pulumi.ResourceOptions(providers=[self.provider], transformations=[_force_declared_fields])
        return pulumi.ResourceOptions.merge(opts, own)


def _force_declared_fields(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """What the program declares holds, whoever has changed it in the cluster.

    Without it, `pulumi up` and `preview --refresh` end with a conflict as soon as somebody has edited a declared field,
    also in the middle of an incident. The engine has a variable for the same, which one of those who deploy forgets.
    """
    metadata = args.props.get("metadata")
    if not isinstance(metadata, Mapping):
        return None
    annotations = {**(metadata.get("annotations") or {}), "pulumi.com/patchForce": "true"}
    return pulumi.ResourceTransformationResult(
        props={**args.props, "metadata": {**metadata, "annotations": annotations}}, opts=args.opts
    )
