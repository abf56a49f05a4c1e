"""The ledger's file, opened: what is written is on the disk before anything else happens."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from swarmctl.effects.clock import SystemClock, wait_until
from swarmctl.effects.paths import private
from swarmctl.errors import HostError

_PATIENCE = 10  # seconds for which another that writes is waited for


@contextmanager
def opened(file: Path, tables: str) -> Iterator[sqlite3.Connection]:
    """A connection with these tables. Raises HostError where the file cannot be used."""
    try:
        private(file.parent)
        with closing(sqlite3.connect(file, timeout=_PATIENCE, isolation_level=None)) as db:
            file.chmod(0o600)
            _log_ahead(db)
            db.execute("pragma synchronous = full")
            db.executescript(tables)
            yield db
    except (sqlite3.Error, OSError) as e:
        raise HostError(
            f"the ledger {file} cannot be used", detail=str(e), hint="make room there, or mend its permissions"
        ) from None


def _log_ahead(db: sqlite3.Connection) -> None:
    """SQLite does not wait here, as it does elsewhere: of two that make the file at once, one would be refused."""

    def switched() -> bool:
        try:
            db.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as e:
            if e.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            return False
        return True

    other = "another swarmctl that makes the ledger"
    wait_until(switched, clock=SystemClock(), deadline=_PATIENCE, every=0.01, what=other)
