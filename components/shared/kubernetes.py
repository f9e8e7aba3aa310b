"""What components have to know of a cluster of Kubernetes, whoever made it."""

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
        return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[self.provider]))
