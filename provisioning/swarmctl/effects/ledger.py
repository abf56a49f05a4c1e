"""The ledger: append-only evidence of what was done, by whom, with what result; and the lock on a swarm."""

import getpass
import json
import os
import socket
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from swarmctl.core.parts.names import MARK
from swarmctl.effects.clock import Clock
from swarmctl.effects.ledgerfile import opened
from swarmctl.errors import LockedError

if TYPE_CHECKING:
    from swarmctl.core.messages import Usage

_TABLES = """
create table if not exists events (
  id text primary key, swarm text not null, what text not null, who text not null, begun text not null,
  detail text not null default '{}', ended text, result text, note text not null default '');
create table if not exists usage (
  run text not null, swarm text not null, role text not null, at text not null,
  requests integer not null, tokens_in integer not null, tokens_out integer not null, seconds real not null,
  primary key (run, role));
create table if not exists locks (
  swarm text primary key, pid integer not null, born real not null, who text not null, what text not null,
  since text not null);
"""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was done; `result` is None while it is under way, or when it was killed."""

    id: str
    swarm: str
    what: str
    who: str
    begun: datetime
    ended: datetime | None
    result: str | None
    note: str
    detail: Mapping[str, Any]


class Ledger:
    """SQLite in WAL mode under the state folder. All raise HostError where the file cannot be used."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file, self._clock = file, clock

    def begin(self, swarm: str, what: str, detail: Mapping[str, Any] | None = None) -> str:
        """Write an intent before the act; gives its id."""
        event = uuid.uuid4().hex
        row = (event, swarm, what, _who(), self._now(), json.dumps(detail or {}, sort_keys=True))
        with self._open() as db:
            db.execute("insert into events (id, swarm, what, who, begun, detail) values (?, ?, ?, ?, ?, ?)", row)
        return event

    def end(self, event: str, result: str, note: str = "") -> None:
        """Write what an intent came to: `done`, `failed`, `cancelled`, `nothing to do`…"""
        with self._open() as db:
            db.execute(
                "update events set ended = ?, result = ?, note = ? where id = ? and ended is null",
                (self._now(), result, note, event),
            )

    @contextmanager
    def recorded(self, swarm: str, what: str, detail: Mapping[str, Any] | None = None) -> Iterator[None]:
        """An intent around an act: `done`, or `failed`/`cancelled` with the first line of the reason."""
        event = self.begin(swarm, what, detail)
        try:
            yield
        except KeyboardInterrupt:
            self.end(event, "cancelled", "Ctrl-C")
            raise
        except BaseException as e:
            self.end(event, "failed", (str(e).splitlines() or [type(e).__name__])[0])
            raise
        self.end(event, "done")

    def events(self, swarm: str | None = None, limit: int = 200) -> list[Event]:
        """The newest events first; of a swarm with those of its parts on several hosts, and of its trials."""
        if not self._file.exists():
            return []
        of_it = "where swarm = ? or substr(swarm, 1, ?) = ?"
        where, args = (of_it, (swarm, len(swarm) + 1, f"{swarm}{MARK}")) if swarm else ("", ())
        columns = "id, swarm, what, who, begun, ended, result, note, detail"
        query = f"select {columns} from events {where} order by begun desc, rowid desc limit ?"  # noqa: S608 - constants
        with self._open() as db:
            rows = db.execute(query, (*args, limit)).fetchall()
        return [
            Event(i, s, what, who, _time(begun), ended and _time(ended), result, note, json.loads(detail))
            for i, s, what, who, begun, ended, result, note, detail in rows
        ]

    def used(self, run: str, swarm: str, by_role: "Mapping[str, Usage]") -> None:
        """Write what a run used, per role; writing it again changes nothing."""
        rows = [
            (run, swarm, role, self._now(), u.requests, u.tokens_in, u.tokens_out, u.seconds)
            for role, u in by_role.items()
        ]
        with self._open() as db:
            db.executemany("insert or replace into usage values (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def usage(self, swarm: str) -> "dict[str, tuple[int, Usage]]":
        """Role → number of runs and the sum of what they used."""
        if not self._file.exists():
            return {}
        query = (
            "select role, count(*), sum(requests), sum(tokens_in), sum(tokens_out), sum(seconds) "
            "from usage where swarm = ? group by role order by role"
        )
        with self._open() as db:
            rows = db.execute(query, (swarm,)).fetchall()
        from swarmctl.core.messages import Usage  # noqa: PLC0415 - all that agents say to each other comes with it

        return {
            role: (runs, Usage(requests=r, tokens_in=i, tokens_out=o, seconds=s)) for role, runs, r, i, o, s in rows
        }

    @contextmanager
    def lock(self, swarm: str, what: str) -> Iterator[None]:
        """Hold a swarm while working on it. Raises LockedError with the holder's name."""
        me = os.getpid()
        with self._open() as db:
            db.execute("begin immediate")
            held = db.execute("select pid, born, who, what, since from locks where swarm = ?", (swarm,)).fetchone()
            if held and held[0] != me and _lives(held[0], held[1]):
                pid, _, who, doing, since = held
                raise LockedError(
                    f"swarm '{swarm}' is held by {who}: `swarmctl {doing}`, process {pid}, since {since}",
                    hint=f"wait until it ends, or press Ctrl-C there (kill -INT {pid})",
                )
            db.execute(
                "insert or replace into locks values (?, ?, ?, ?, ?, ?)",
                (swarm, me, _born(me), _who(), what, self._now()),
            )
            db.execute("commit")
        try:
            yield
        finally:
            with self._open() as db:
                db.execute("delete from locks where swarm = ? and pid = ?", (swarm, me))

    def _open(self) -> AbstractContextManager[sqlite3.Connection]:
        return opened(self._file, _TABLES)

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _who() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}"


def _lives(pid: int, born: float) -> bool:
    """The same process still runs; one that ended and that nobody has reaped holds nothing."""
    try:
        same = abs(_born(pid) - born) < 1 and os.getpid() != pid
        return same and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _born(pid: int) -> float:
    """When a process started, in seconds since the machine did: psutil counts since 1970, which moves with the clock.

    Where that cannot be read, psutil's. Raises psutil.NoSuchProcess.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return psutil.Process(pid).create_time()
