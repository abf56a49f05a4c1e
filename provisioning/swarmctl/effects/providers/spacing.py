"""The market's least time between two calls of one kind, kept by all swarmctl processes of a user together."""

import hashlib
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from swarmctl.effects.clock import Clock
from swarmctl.effects.paths import private

GAPS = {
    "search": 6.0,
    "rent": 4.5,
    "show": 2.0,
    "list": 1.0,
    "destroy": 3.0,
    "change": 1.0,
    "keys": 1.0,
    "user": 1.0,
    "charges": 1.0,
    "logs": 1.0,
}
"""Seconds between two calls of a kind, as the market documents them; searches: ten a minute."""

PENALTY = {"rent": 12.0}
"""Seconds on top once a call of the kind was too early."""

_MARGIN = 1.05
_FARTHEST = 600.0
_TABLE = "create table if not exists turns (name text primary key, next real not null)"


class Spacing:
    """Turns, in an SQLite file. Where that cannot be written, this process alone keeps them: a release never waits
    for a full disk.
    """

    def __init__(self, file: Path | None, clock: Clock, identity: str = "") -> None:
        """identity: whom the market counts for, such as its address and the key; only its hash is kept."""
        self._file, self._clock = file, clock
        self._who = hashlib.sha256(identity.encode()).hexdigest()[:12]
        self._own: dict[str, float] = {}

    def wait(self, kind: str) -> None:
        """Return when it is this call's turn."""
        due = self._take(kind, GAPS[kind] * _MARGIN)
        self._clock.sleep(due - self._now())

    def late(self, kind: str, seconds: float) -> None:
        """The market said that a call was too early: nobody calls so for its threshold and penalty."""
        rest = max(seconds, GAPS[kind]) * _MARGIN + PENALTY.get(kind, 0.0)
        self._take(kind, rest, push=True)

    def _take(self, name: str, gap: float, *, push: bool = False) -> float:
        """When the next call may be made, and reserve it; with push, only move what comes after now."""
        now = self._now()
        with suppress(sqlite3.Error, OSError):
            if self._file is not None:
                return self._shared(self._file, name, now, gap, push=push)
        due = _due(self._own.get(name), now)
        self._own[name] = max(due, now + gap) if push else due + gap
        return due

    def _shared(self, file: Path, name: str, now: float, gap: float, *, push: bool) -> float:
        private(file.parent)
        key = f"{self._who}/{name}"
        with closing(sqlite3.connect(file, timeout=10, isolation_level=None)) as db:
            db.execute("pragma synchronous = off")  # a turn that is lost with the power is no loss
            db.execute(_TABLE)
            db.execute("begin immediate")
            row = db.execute("select next from turns where name = ?", (key,)).fetchone()
            due = _due(row[0] if row else None, now)
            db.execute("insert or replace into turns values (?, ?)", (key, max(due, now + gap) if push else due + gap))
            db.execute("commit")
        return due

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _due(held: float | None, now: float) -> float:
    """A turn further off than any queue was written by a clock that has since been put back."""
    return now if held is None or held > now + _FARTHEST else max(now, held)
