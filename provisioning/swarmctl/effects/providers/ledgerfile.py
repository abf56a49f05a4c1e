"""The ledger's file, opened for the tables of rentals: on the disk before anything else happens."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from swarmctl.effects.paths import private
from swarmctl.errors import HostError


@contextmanager
def opened(file: Path, tables: str) -> Iterator[sqlite3.Connection]:
    """A connection with these tables. Raises HostError where the file cannot be used."""
    try:
        private(file.parent)
        with closing(sqlite3.connect(file, timeout=10, isolation_level=None)) as db:
            file.chmod(0o600)
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = full")
            db.executescript(tables)
            yield db
    except (sqlite3.Error, OSError) as e:
        raise HostError(
            f"the ledger {file} cannot be used", detail=str(e), hint="make room there, or mend its permissions"
        ) from None
