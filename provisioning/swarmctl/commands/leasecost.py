"""What a swarm's rented machines cost: burned and left while they run, explained by the market's charges afterwards."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from swarmctl.core.leasing.account import Charge
from swarmctl.core.leasing.burn import since
from swarmctl.core.leasing.explaining import Explained, explain
from swarmctl.core.leasing.guardfile import when_it_ends
from swarmctl.core.leasing.label import PREFIX, Label
from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.meter import Metered, Sighting, metered
from swarmctl.core.price.money import ZERO, micro
from swarmctl.effects.providers.here import lease_book, vast
from swarmctl.effects.providers.keys import find_key
from swarmctl.effects.providers.leasebook import LeaseBook, Written
from swarmctl.effects.providers.provider import Provider
from swarmctl.effects.world import World
from swarmctl.errors import HostError, ProviderError


@dataclass(frozen=True, slots=True)
class Machine:
    """One rented machine. state: held, ended, or unknown where the market does not say. Times in epoch seconds.

    meter: by our own account, None where no price was ever seen. ends, by: when it goes, of a held one. bill: of an
    ended one whose charges could be read; why: what is not known. still: its cards are not paid for now.
    """

    id: str
    swarm: str
    state: str
    began: float
    until: float
    meter: Metered | None = None
    expires: int | None = None
    budget: Decimal | None = None
    ends: float | None = None
    by: str = ""
    bill: Explained | None = None
    why: str = ""
    still: bool = False

    @property
    def rate(self) -> Decimal:
        """$/h with its disk; its disk's alone where it stands still, nothing for one that is gone."""
        if self.meter is None or self.state == "ended":
            return ZERO
        return self.meter.disk_rate + (ZERO if self.still else self.meter.gpu_rate)

    @property
    def burned(self) -> Decimal | None:
        """$ until now: as charged where that is known in full, else as counted."""
        if self.bill is not None and self.bill.to_the_cent:
            return self.bill.theirs
        return self.meter.total if self.meter else None

    def as_json(self) -> dict[str, Any]:
        """Money as text, since binary fractions cannot hold it."""
        left = None if self.budget is None or self.burned is None else max(ZERO, self.budget - self.burned)
        return {
            "id": self.id,
            "state": self.state,
            "still": self.still,
            "began": self.began,
            "until": self.until,
            "dollars_per_hour": str(micro(self.rate)),
            "burned": None if self.burned is None else str(micro(self.burned)),
            "expires": self.expires,
            "budget": None if self.budget is None else str(self.budget),
            "budget_left": None if left is None else str(micro(left)),
            "ends": self.ends,
            "by": self.by,
            "bill": None if self.bill is None else [part.as_json() for part in self.bill.parts],
            "unexplained": None if self.bill is None else str(micro(self.bill.unexplained)),
            "why": self.why,
        }


_WORD = "the market's word"


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of one machine before anything is added up."""

    id: str
    label: Label
    state: str
    lease: Lease | None
    written: Written | None
    seen: tuple[Sighting, ...]
    budget: Decimal | None


def machines(swarm: str, world: World, provider: Provider | None = None) -> tuple[Machine, ...]:
    """Every machine that the ledger or the market has for a swarm, the oldest first.

    The market is asked where the ledger knows of a rental, or where nothing here knows the swarm and there is a key.
    """
    book = lease_book(world.state, world.clock)
    written = [one for one in book.attempts(swarm) if one.attempt.contracts]
    stranger = not written and swarm not in world.known() and not world.ledger.usage(swarm)
    if not written and not (stranger and (provider or find_key())):
        return ()
    try:
        market = provider or vast(world.state, world.clock)
        held = {one.id: one for one in market.leases(f"{PREFIX}{swarm}/")}
        why = ""
    except ProviderError as e:
        market, held, why = None, {}, e.message
    now = world.clock.now().timestamp()
    known = _known(written, held, book, why)
    charges, why = _charges(market, [one for one in known if one.state == "ended"], now, why)
    return tuple(sorted((_machine(one, now, charges, why) for one in known), key=lambda one: (one.began, one.id)))


def _known(written: Iterable[Written], held: dict[str, Lease], book: LeaseBook, why: str) -> list[_Known]:
    """Machines of the ledger, and those that only the market knows. why: the market did not say what is held."""
    found = []
    by_id = {id_: one for one in written for id_ in one.attempt.contracts}
    for lease in held.values():
        with suppress(HostError):
            book.saw(lease)
    for id_ in {**by_id, **held}:
        one, shown = by_id.get(id_), held.get(id_)
        label = (shown.label if shown else None) or (one.label if one else None)
        if label is not None:
            state = "held" if shown else "unknown" if why and not (one and one.ended) else "ended"
            seen, budget = book.meter.sightings(id_), book.meter.budget(label.nonce)
            found.append(_Known(id_, label, state, shown, one, seen, budget))
    return found


def _charges(
    market: Provider | None, over: Sequence[_Known], now: float, why: str
) -> tuple[Sequence[Charge] | None, str]:
    """What was charged since the first of these began; None with the reason where it cannot be told."""
    if market is None or not over:
        return None, why
    try:
        return market.charges(int(min(_began(one, now) for one in over)), int(now) + 1), why
    except ProviderError as e:
        return None, f"the market does not show its charges: {e.message}"


def _machine(known: _Known, now: float, charges: Sequence[Charge] | None, why: str) -> Machine:
    """One machine; where nobody here saw its end, it ended when the market says."""
    began = _began(known, now)
    told = [one.until for one in charges or () if one.lease == known.id and one.until is not None]
    until = now
    if known.state == "ended":
        seen_to_end = known.written.ended if known.written else None
        until = seen_to_end or max(told, default=now)
        if seen_to_end is None:
            why = f"nobody here saw its end: when that was is {_WORD if told else 'not known'}"
    seen = _seen(known, now)
    meter, still = metered(seen, began, until), bool(seen) and not seen[-1].computes
    machine = Machine(
        known.id, known.label.swarm, known.state, began, until, meter, budget=known.budget, why=why, still=still
    )
    if known.state != "ended":
        return _left(machine, known.label, now)
    bill = None if meter is None or charges is None else explain(meter, charges, known.id)
    return replace(machine, bill=bill, why=why or ("" if meter else "no price of it was ever seen"))


def _seen(known: _Known, now: float) -> tuple[Sighting, ...]:
    """How it was seen; where the ledger could not keep that, how it is now."""
    lease = known.lease
    return known.seen or ((Sighting(now, lease.state.computes, lease.hourly),) if lease else ())


def _began(known: _Known, now: float) -> float:
    written = known.written.intended if known.written else None
    if known.lease is not None:
        return since(known.lease, now, written) or now
    return written if written is not None else float(known.label.born(now) or now)


def _left(machine: Machine, label: Label, now: float) -> Machine:
    """With its deadlines."""
    spent, rate = machine.burned or ZERO, machine.rate
    with suppress(ValueError):
        end, cause = when_it_ends(label.expires, machine.budget, rate, now, spent)
        return replace(machine, expires=label.expires, ends=end, by=cause)
    return replace(machine, expires=label.expires)
