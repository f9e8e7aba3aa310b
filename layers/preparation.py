"""Preparation: before pods migrate the database, the secrets have values and a snapshot is there."""

import pulumi

from components.release_marker import ReleaseMarker, ReleaseMarkerArgs, marker_name
from layers.data import Data
from layers.foundation import Foundation
from rollout import prepared_hooks
from settings import StackSettings


def build_preparation(settings: StackSettings, foundation: Foundation, data: Data) -> ReleaseMarker:
    identity, digest = settings.identity, settings.kubernetes.image_digest or ""
    gates = prepared_hooks(
        identity.region,
        account_id=identity.account_id,
        prefix=identity.prefix,
        tags=identity.tags("before-release"),
        marker=marker_name(identity, "prepared"),
        digest=digest,
        secrets=dict(data.secrets.arns),
        database=data.database.primary.identifier,
        wait_minutes=settings.rollout.wait_minutes,
    )
    return ReleaseMarker(
        "prepared",
        ReleaseMarkerArgs(
            identity=identity,
            value=digest,
            description="The image of the pods, for whose migration everything is there",
            gates=gates,
        ),
        pulumi.ResourceOptions.merge(
            foundation.options,
            pulumi.ResourceOptions(depends_on=[data.database.primary, data.credentials.bootstrap]),
        ),
    )
