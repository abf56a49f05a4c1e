"""What this user tried to rent and what came of it, written down before each call; evidence, never the truth."""

import json
import os
import sqlite3
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from swarmctl.core.leasing.answers import Trouble
from swarmctl.core.leasing.label import Label, parse
from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.renting import Attempt, Stage
from swarmctl.effects.clock import Clock
from swarmctl.effects.ledgerfile import opened
from swarmctl.effects.paths import private
from swarmctl.effects.providers.meterbook import MeterBook
from swarmctl.effects.providers.secret import Secret
from swarmctl.errors import HostError

_TABLES = """
create table if not exists attempts (
  nonce text primary key, label text not null, swarm text not null, offer text not null, machine text not null,
  hourly text not null, account text not null, intended real not null, changed real not null,
  stage text not null, contracts text not null default '[]',
  trouble text, said text not null default '');
create table if not exists shunned (machine text primary key, why text not null, until real not null);
"""

SHUN = 24 * 3600
"""Seconds for which a machine that failed is not rented again."""


@dataclass(frozen=True, slots=True)
class Written:
    """One attempt as it stands. hourly: $/h agreed to. intended, changed: epoch seconds; changed: of its last word.

    account: who pays, where known.
    """

    attempt: Attempt
    label: Label
    hourly: Decimal
    intended: float
    account: str = ""
    changed: float = 0.0

    @property
    def ended(self) -> float | None:
        """When its machine was seen to be gone, in epoch seconds; None where it was not."""
        return self.changed if self.attempt.stage is Stage.RELEASED else None


class LeaseBook:
    """Two tables in the ledger's file, every change on the disk before the next call is made."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file, self._clock, self.meter = file, clock, MeterBook(file, clock)

    def saw(self, lease: Lease) -> None:
        """A machine as the market shows it now, for the bill. Raises HostError."""
        self.meter.saw(lease)

    def intend(self, attempt: Attempt, label: Label, hourly: Decimal, account: str = "") -> None:
        """Write an attempt down before its call. Raises HostError where that fails: then nothing is rented."""
        now = self._now()
        row = (attempt.nonce, str(label), label.swarm, attempt.offer, attempt.machine, str(hourly), account)
        with self._open() as db:
            db.execute(
                "insert into attempts (nonce, label, swarm, offer, machine, hourly, account, intended, changed, stage)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?, 'intended')",
                (*row, now, now),
            )

    def note(self, attempt: Attempt) -> None:
        """Write what is known of an attempt now. Raises HostError."""
        with self._open() as db:
            db.execute(
                "update attempts set stage = ?, contracts = ?, trouble = ?, said = ?, changed = ? where nonce = ?",
                (
                    attempt.stage.value,
                    json.dumps(list(attempt.contracts)),
                    attempt.trouble.name if attempt.trouble else None,
                    attempt.said[:300],
                    self._now(),
                    attempt.nonce,
                ),
            )

    def relabelled(self, label: Label) -> None:
        """A machine has another expiry. Raises HostError."""
        with self._open() as db:
            db.execute("update attempts set label = ? where nonce = ?", (str(label), label.nonce))

    def keep_key(self, lease: str, key: Secret) -> None:
        """What a machine may end itself with, in a file of mode 0600: only the answer to renting has it.

        Raises HostError.
        """
        try:
            file = private(self._keys()) / lease
            with os.fdopen(os.open(file, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="ascii") as out:
                out.write(key.reveal())
        except (OSError, ValueError) as e:
            raise HostError(f"the key of machine {lease} cannot be kept", detail=str(e)) from None

    def key(self, lease: str) -> Secret | None:
        """The key of a machine, None where there is none."""
        try:
            return Secret((self._keys() / lease).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def _keys(self) -> Path:
        return self._file.parent / "leasekeys"

    def released(self, lease: str) -> None:
        """A machine is gone, and its key with it. Raises HostError."""
        with suppress(OSError):
            (self._keys() / lease).unlink()
        for written in self.attempts():
            if lease in written.attempt.contracts and written.attempt.stage is not Stage.RELEASED:
                rest = [held for held in written.attempt.contracts if held != lease]
                with self._open() as db:
                    db.execute(
                        "update attempts set stage = ?, contracts = ?, changed = ? where nonce = ?",
                        (
                            written.attempt.stage.value if rest else Stage.RELEASED.value,
                            json.dumps(rest or [lease]),
                            self._now(),
                            written.attempt.nonce,
                        ),
                    )

    def attempts(self, swarm: str | None = None) -> tuple[Written, ...]:
        """Every attempt, the oldest first; none where there is no book. Raises HostError."""
        if not self._file.exists():
            return ()
        with self._open() as db:
            rows = db.execute(
                "select nonce, label, offer, machine, hourly, intended, stage, contracts, trouble, said, account,"
                " changed from attempts where ? in (swarm, '') order by intended, rowid",
                (swarm or "",),
            ).fetchall()
        return tuple(found for row in rows if (found := _written(row)) is not None)

    def unsettled(self, swarm: str | None = None) -> tuple[Written, ...]:
        """Attempts of which nobody knows what came, oldest first, as they look after a crash."""
        return tuple(one for one in self.attempts(swarm) if not one.attempt.settled)

    def shun(self, machine: str, why: str, seconds: float = SHUN) -> None:
        """Do not rent this machine for a while; an empty id is nobody's. Raises HostError."""
        if machine:
            row = (machine, why[:300], self._now() + seconds)
            with self._open() as db:
                db.execute("insert or replace into shunned values (?, ?, ?)", row)

    def shunned(self) -> Mapping[str, str]:
        """Machines that are not rented now, and why; what is over is forgotten. Raises HostError."""
        if not self._file.exists():
            return {}
        with self._open() as db:
            db.execute("delete from shunned where until <= ?", (self._now(),))
            return dict(db.execute("select machine, why from shunned order by machine").fetchall())

    def _open(self) -> AbstractContextManager[sqlite3.Connection]:
        return opened(self._file, _TABLES)

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _written(row: tuple[str, str, str, str, str, float, str, str, str | None, str, str, float]) -> Written | None:
    nonce, text, offer, machine, hourly, intended, stage, contracts, trouble, said, account, changed = row
    label = parse(text)
    if label is None:
        return None
    attempt = Attempt(
        nonce,
        offer,
        machine,
        Stage(stage),
        tuple(json.loads(contracts)),
        Trouble[trouble] if trouble else None,
        said,
        here=False,
    )
    return Written(attempt, label, Decimal(hourly), intended, account, changed)
