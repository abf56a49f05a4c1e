"""What machines were seen to cost and what may be spent on each, so that a bill can be explained after the end."""

from decimal import Decimal
from pathlib import Path

from swarmctl.core.leasing.lease import Hourly, Lease
from swarmctl.core.leasing.meter import Sighting
from swarmctl.core.price.money import ZERO
from swarmctl.effects.clock import Clock
from swarmctl.effects.ledgerfile import opened

_TABLES = """
create table if not exists sightings (
  lease text not null, at real not null, computes int not null,
  base text, storage text, total text, down text not null, up text not null, primary key (lease, at));
create table if not exists budgets (nonce text primary key, budget text not null);
"""
_COLUMNS = "at, computes, base, storage, total, down, up"
_Row = tuple[float, int, str | None, str | None, str | None, str, str]


class MeterBook:
    """Two tables in the ledger's file. A sighting is kept where it differs from the one before."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file, self._clock = file, clock

    def saw(self, lease: Lease) -> None:
        """A machine as the market shows it now. Raises HostError."""
        row = _row(lease, self._clock.now().timestamp())
        with opened(self._file, _TABLES) as db:
            last = db.execute(
                f"select {_COLUMNS} from sightings where lease = ? order by at desc limit 1",  # noqa: S608 - a constant
                (lease.id,),
            ).fetchone()
            if last is None or last[1:] != row[1:]:
                db.execute("insert or replace into sightings values (?, ?, ?, ?, ?, ?, ?, ?)", (lease.id, *row))

    def sightings(self, lease: str) -> tuple[Sighting, ...]:
        """How a machine was seen, the oldest first. Raises HostError."""
        if not self._file.exists():
            return ()
        with opened(self._file, _TABLES) as db:
            rows: list[_Row] = db.execute(
                f"select {_COLUMNS} from sightings where lease = ? order by at",  # noqa: S608 - a constant
                (lease,),
            ).fetchall()
        return tuple(map(_sighting, rows))

    def promise(self, nonce: str, budget: Decimal) -> None:
        """What may be spent in all, in $, on the machine of an attempt. Raises HostError."""
        with opened(self._file, _TABLES) as db:
            db.execute("insert or replace into budgets values (?, ?)", (nonce, str(budget)))

    def budget(self, nonce: str) -> Decimal | None:
        """The same; None where nothing was promised. Raises HostError."""
        if not self._file.exists():
            return None
        with opened(self._file, _TABLES) as db:
            row = db.execute("select budget from budgets where nonce = ?", (nonce,)).fetchone()
        return Decimal(row[0]) if row else None


def _row(lease: Lease, now: float) -> _Row:
    h = lease.hourly
    base, storage, total = (None if amount is None else str(amount) for amount in (h.base, h.storage, h.total))
    return now, int(lease.state.computes), base, storage, total, str(h.down), str(h.up)


def _sighting(row: _Row) -> Sighting:
    at, computes, *money, down, up = row
    base, storage, total = (None if text is None else Decimal(str(text)) for text in money)
    hourly = Hourly(base, storage, total, Decimal(down or ZERO), Decimal(up or ZERO))
    return Sighting(at, bool(computes), hourly)
