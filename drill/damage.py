"""Ways in which a backup is lost without anybody noticing: the dump or the restore drill has to say which it is."""

import hashlib
import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drill.jobs import DATABASE_PREFIX, Account
from drill.postgresql import OWNER, Pair, programs


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where something is damaged."""

    pair: Pair
    database: str
    account: Account

    def ask(self, *statements: str, user: str = OWNER) -> None:
        """Change the database."""
        self.pair.primary.ask(self.database, *statements, user=user)
        self.pair.wait_for_standby()

    @property
    def key(self) -> str:
        """Of the newest dump, without its suffix."""
        return self.account.keys(DATABASE_PREFIX)[-1].rpartition(".")[0]

    def change_dump(self, change: Callable[[bytes], bytes]) -> None:
        """Change the dump behind the back of its manifest."""
        self.account.write(f"{self.key}.dump", change(self.account.read(f"{self.key}.dump")))

    def change_manifest(self, changes: Mapping[str, Any]) -> None:
        manifest = json.loads(self.account.read(f"{self.key}.json"))
        self.account.write(f"{self.key}.json", json.dumps({**manifest, **changes}).encode())

    def dump_again(self, *options: str) -> None:
        """Put another dump in the place of the dump, with its digest in the manifest."""
        server = self.pair.primary
        where = [f"--host={server.directory}", f"--port={server.port}", "--username=postgres"]
        command = [str(programs() / "pg_dump"), "--format=custom", *options, *where, self.database]
        content = subprocess.run(command, check=True, capture_output=True, timeout=300).stdout
        self.account.write(f"{self.key}.dump", content)
        self.change_manifest({"sha256": hashlib.sha256(content).hexdigest()})


def _nothing(_: Place) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Damage:
    """One way."""

    before: Callable[[Place], None] = _nothing
    """What happens to the database before it is dumped."""
    after: Callable[[Place], None] = _nothing
    """What happens to the dump."""
    said: str
    """In the log of the job that finds it."""


def _flip(dump: bytes) -> bytes:
    middle = len(dump) // 2
    return dump[:middle] + bytes([dump[middle] ^ 1]) + dump[middle + 1 :]


def _replace_with_damaged(place: Place) -> None:
    """A dump that was damaged before it was hashed: its digest is right."""
    damaged = _flip(place.account.read(f"{place.key}.dump"))
    place.account.write(f"{place.key}.dump", damaged)
    place.change_manifest({"sha256": hashlib.sha256(damaged).hexdigest()})


DAMAGES: Mapping[str, Damage] = {
    "truncated": Damage(
        after=lambda place: place.change_dump(lambda dump: dump[: len(dump) // 2]),
        said="drill: the dump has the digest ",
    ),
    "cut-end": Damage(
        after=lambda place: place.change_dump(lambda dump: dump[:-500]), said="drill: the dump has the digest "
    ),
    "flipped": Damage(after=lambda place: place.change_dump(_flip), said="drill: the dump has the digest "),
    "flipped-before": Damage(after=_replace_with_damaged, said="drill: the dump is damaged"),
    "no-manifest": Damage(
        after=lambda place: place.account.delete(f"{place.key}.json"),
        said="drill: there is no dump with a manifest in s3://backups/database/",
    ),
    "no-dump": Damage(after=lambda place: place.account.delete(f"{place.key}.dump"), said="drill: gave up: aws s3 cp"),
    "empty": Damage(before=lambda place: place.ask("TRUNCATE users CASCADE"), said="drill: there are no users"),
    "missing-table": Damage(
        after=lambda place: place.dump_again("--exclude-table=photos"),
        said="drill: the table public.photos is missing",
    ),
    "missing-rows": Damage(
        after=lambda place: place.dump_again("--exclude-table-data=photos"),
        said="drill: the table public.photos has 0 rows, and ",
    ),
    "missing-objects": Damage(
        before=lambda place: place.ask("SELECT lo_from_bytea(0, 'photo')"),
        after=lambda place: place.dump_again("--no-blobs"),
        said="drill: 0 of 1 large objects are there",
    ),
    "row-security": Damage(
        before=lambda place: place.ask(
            "ALTER TABLE photos ENABLE ROW LEVEL SECURITY", "ALTER TABLE photos FORCE ROW LEVEL SECURITY"
        ),
        said=f"dump: {OWNER} does not see every row of photos: row-level security is on; give it BYPASSRLS",
    ),
    "stale": Damage(
        after=lambda place: place.change_manifest({"taken": "2026-01-01T02:00:00Z"}),
        said="drill: the newest dump is older than 26 hours: 2026-01-01T02:00:00Z",
    ),
    "wrong-version": Damage(
        after=lambda place: place.change_manifest({"postgresql": 9}), said="drill: the dump is of PostgreSQL "
    ),
    "invalid-index": Damage(
        before=lambda place: place.ask(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'photos_user_id_idx'::regclass", user="postgres"
        ),
        said="drill: the index photos_user_id_idx is invalid in the database",
    ),
}
