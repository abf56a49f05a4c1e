"""One SQLite file: documents by kind and id, and the log of what happened."""

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from swarmctl.market.wire import Json

VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (kind TEXT, id INTEGER, text TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, at INTEGER, what TEXT, text TEXT);
"""


class Store:
    """What outlives the process. path: a file, or `:memory:`. Raises ValueError for a file that is none of ours."""

    def __init__(self, path: str = ":memory:") -> None:
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version not in {0, VERSION}:
                raise ValueError(f"{path} was written by another version ({version}) of the market; take another file")
            self._db.executescript(_SCHEMA)
            self._db.execute(f"PRAGMA user_version={VERSION}")
        except sqlite3.Error as e:
            raise ValueError(f"{path} cannot be the market's state: {e}; take another file") from None

    def begin(self) -> None:
        """What is written from here on stands together, or not at all."""
        self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """It stands: a kill from here on loses nothing of it."""
        self._db.execute("COMMIT")

    def rollback(self) -> None:
        """It never was."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def put(self, kind: str, id_: int, document: Json) -> None:
        """Writes a document."""
        self._db.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", (kind, id_, json.dumps(document)))

    def drop(self, kind: str, id_: int) -> None:
        """Removes a document."""
        self._db.execute("DELETE FROM documents WHERE kind = ? AND id = ?", (kind, id_))

    def all(self, kind: str) -> Iterator[tuple[int, Json]]:
        """Documents of a kind, by id."""
        for id_, text in self._db.execute("SELECT id, text FROM documents WHERE kind = ? ORDER BY id", (kind,)):
            yield id_, json.loads(text)

    def log(self, at: int, what: str, told: Json) -> None:
        """Adds to the log. at: ms."""
        self._db.execute("INSERT INTO events (at, what, text) VALUES (?, ?, ?)", (at, what, json.dumps(told)))

    def events(self, after: int = 0, most: int = 1000) -> list[dict[str, Any]]:
        """The log from a number on."""
        rows = self._db.execute("SELECT * FROM events WHERE number > ? ORDER BY number LIMIT ?", (after, most))
        return [{"number": n, "at": at / 1000, "what": what, **json.loads(text)} for n, at, what, text in rows]

    def close(self) -> None:
        """Lets the file go."""
        self._db.close()
