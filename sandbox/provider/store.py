"""What the emulator lacks, kept by the provider: a small SQLite file that survives a provider that is killed."""

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any


class Record:
    """Documents by kind and key; a kind is a resource type's token, or a token with the name of one of its features."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # The file is as disposable as the emulator's memory: it must survive a killed process, not a power cut.
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS record (kind TEXT, key TEXT, document TEXT, PRIMARY KEY (kind, key))"
        )

    def put(self, kind: str, key: str, document: dict[str, Any]) -> None:
        """Keep a document instead of an earlier one."""
        with self._lock:
            self._database.execute(
                "INSERT OR REPLACE INTO record VALUES (?, ?, ?)", (kind, key, json.dumps(document, sort_keys=True))
            )

    def get(self, kind: str, key: str) -> dict[str, Any] | None:
        """The document, or None if there is none."""
        with self._lock:
            row = self._database.execute(
                "SELECT document FROM record WHERE kind = ? AND key = ?", (kind, key)
            ).fetchone()
        document: dict[str, Any] | None = json.loads(row[0]) if row else None
        return document

    def delete(self, kind: str, key: str) -> None:
        """Forget a document; one that is not there is no error."""
        with self._lock:
            self._database.execute("DELETE FROM record WHERE kind = ? AND key = ?", (kind, key))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()
