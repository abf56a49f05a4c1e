"""After a call that rents: what came of it, what is held because of it, and the end of what nobody wants."""

from collections.abc import Sequence
from contextlib import suppress

from swarmctl.core.leasing import renting
from swarmctl.core.leasing.label import PREFIX, Label
from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.renting import Attempt, Look, Move, Stage
from swarmctl.effects.clock import Clock
from swarmctl.effects.providers.leasebook import LeaseBook
from swarmctl.effects.providers.problems import UnknownError
from swarmctl.effects.providers.provider import Provider
from swarmctl.errors import HostError, LeakError

_LATE = 600.0
"""Seconds after which a machine that is neither listed nor shown is no longer on its way."""


class Settling:
    """One user's machines at one provider, as the market and the ledger know them."""

    def __init__(self, provider: Provider, book: LeaseBook, clock: Clock) -> None:
        self._provider, self._book, self._clock = provider, book, clock

    def held(self, swarm: str) -> tuple[Lease, ...]:
        """The machines that a swarm has, whoever rented them: what a new run adopts. Raises UnknownError.

        Those of the ledger are asked for one by one, too: a new machine may be listed a minute late.
        """
        found = {lease.id: lease for lease in self._provider.leases(f"{PREFIX}{swarm}/") if lease.ours}
        for written in self._book.attempts(swarm):
            for id_ in written.attempt.contracts if written.attempt.stage is Stage.HELD else ():
                if id_ in found:
                    continue
                lease = self._provider.lease(id_)
                if lease is not None and lease.ours:
                    found[id_] = lease
                elif lease is None and self._clock.now().timestamp() - written.intended > _LATE:
                    self.forget(id_)
        return tuple(found.values())

    def settle(self, swarm: str | None = None) -> tuple[str, ...]:
        """Learn what came of attempts that a crash or a lost answer left unclear, and give back what they rented.

        Gives the machines that were given back. Raises LeakError where it cannot be learnt, or one may still bill.
        """
        gone: list[str] = []
        for written in self._book.unsettled(swarm):
            began = self._clock.monotonic()
            attempt = self.until_known(written.attempt, written.label, began)
            gone += self.give_back(attempt, attempt.contracts)
        return tuple(gone)

    def until_known(self, attempt: Attempt, label: Label, began: float) -> Attempt:
        """Look for the label until it is known whether a machine bears it. Raises LeakError."""
        while True:
            since = self._clock.monotonic() - began
            move, pause = renting.next_move(attempt, since)
            if move is Move.WAIT:
                self._clock.sleep(pause)
            elif move is Move.LOOK:
                attempt = renting.looked(attempt, Look(self._clock.monotonic() - began, self._under(label)))
                self.note(attempt)
            elif move is Move.LEAVE:
                raise LeakError(
                    "a machine MAY HAVE BEEN RENTED: the market neither answered nor says what is held",
                    detail=f"label {label}, offer {attempt.offer}: {attempt.said}",
                    hint="swarmctl orphans   (once the market answers again, then: swarmctl reap)",
                )
            else:
                return attempt

    def _under(self, label: Label) -> tuple[str, ...] | None:
        """Machines of this one attempt, whatever their expiry says now; None where nobody knows."""
        try:
            held = self._provider.leases(f"{PREFIX}{label.swarm}/{label.owner}/{label.nonce}/")
        except UnknownError:
            return None
        return tuple(lease.id for lease in held)

    def give_back(self, attempt: Attempt, leases: Sequence[str]) -> list[str]:
        """Release machines, every one even where another fails. Raises LeakError."""
        failed: list[LeakError] = []
        gone: list[str] = []
        for lease in leases:
            if attempt.stage is Stage.RELEASED:
                break
            try:
                self._provider.release(lease)
            except LeakError as e:
                failed.append(e)
            else:
                gone.append(lease)
                self.forget(lease)
        if failed:
            raise failed[0]
        return gone

    def note(self, attempt: Attempt) -> None:
        """Evidence of what came of a call; the intent is on the disk already, and the label at the market."""
        with suppress(HostError):
            self._book.note(attempt)

    def forget(self, id_: str) -> None:
        """Neither the listing nor its number finds it: somebody else ended it."""
        with suppress(HostError):
            self._book.released(id_)
