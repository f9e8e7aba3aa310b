"""What the emulator lacks, kept by the provider: a small SQLite file that survives a provider that is killed."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

RECORD_FILE = "record.sqlite"


class Record:
    """Documents by kind and key; a kind is a resource type's token, or a token with the name of one of its features."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._current = threading.local()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # The file is as disposable as the emulator's memory: it must survive a killed process, not a power cut.
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS record "
            "(kind TEXT, key TEXT, document TEXT, creation TEXT, PRIMARY KEY (kind, key))"
        )

    @contextmanager
    def creation(self, number: str) -> Iterator[None]:
        """Notes which creation this thread's documents are part of, for `undo`."""
        self._current.creation = number
        try:
            yield
        finally:
            del self._current.creation

    def put(self, kind: str, key: str, document: dict[str, Any]) -> None:
        """Keep a document instead of an earlier one."""
        creation = getattr(self._current, "creation", None)
        row = (kind, key, json.dumps(document, sort_keys=True), creation)
        with self._lock:
            self._database.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)", row)

    def get(self, kind: str, key: str) -> dict[str, Any] | None:
        """The document, or None if there is none."""
        with self._lock:
            row = self._database.execute(
                "SELECT document FROM record WHERE kind = ? AND key = ?", (kind, key)
            ).fetchone()
        document: dict[str, Any] | None = json.loads(row[0]) if row else None
        return document

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        """Every document of a kind, by key."""
        with self._lock:
            rows = self._database.execute("SELECT key, document FROM record WHERE kind = ?", (kind,)).fetchall()
        return {key: json.loads(document) for key, document in rows}

    def delete(self, kind: str, key: str) -> None:
        """Forget a document; one that is not there is no error."""
        with self._lock:
            self._database.execute("DELETE FROM record WHERE kind = ? AND key = ?", (kind, key))

    def undo(self, creation: str) -> None:
        """Forget the documents of a creation that did not finish."""
        with self._lock:
            self._database.execute("DELETE FROM record WHERE creation = ?", (creation,))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()
