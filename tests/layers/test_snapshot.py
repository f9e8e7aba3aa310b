"""The committed snapshots: which resources a stack has, and every input of each.

Other tests assert what a resource is for; these show that nothing else has changed.
"""

from tests.layers.snapshot import RENEW, committed, snapshot_of
from tests.recorder import Recording


def test_identities_are_the_committed_ones(stack: Recording, environment: str) -> None:
    """A logical name is the permanent identity of a resource.

    A change here means that the resource is replaced: a database is emptied, a bucket is lost. Change a name only
    together with an alias that tells Pulumi the former name.
    """
    now = {(name, each["parent"]) for name, each in snapshot_of(stack).items()}
    before = {(name, each["parent"]) for name, each in committed(environment).items()}

    assert sorted(now - before) == [], f"new identities; if intended, renew the snapshot: {RENEW}"
    assert sorted(before - now) == [], f"REPLACED OR DELETED resources; a rename needs an alias. Renew: {RENEW}"


def test_inputs_are_the_committed_ones(stack: Recording, environment: str) -> None:
    now, before = snapshot_of(stack), committed(environment)
    changed = {name: (before[name], now[name]) for name in now if name in before and now[name] != before[name]}

    assert changed == {}, f"changed inputs of {sorted(changed)}; if intended, renew the snapshot: {RENEW}"
