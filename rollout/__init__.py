"""The gates of a release: what `pulumi up` waits for before a release counts as migrated, and as released.

Each gate is a hook before the change of a marker, a parameter of Systems Manager. A gate that refuses leaves the marker
as it was, so the next `pulumi up` asks again, even if nothing else has changed. Described in docs/rollout.md.
"""

from rollout.hooks import migrated_hooks, prepared_hooks, released_hooks
from rollout.marker import Release, migrated_value, released_value

__all__ = ["Release", "migrated_hooks", "migrated_value", "prepared_hooks", "released_hooks", "released_value"]
