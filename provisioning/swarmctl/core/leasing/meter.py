"""What a machine has cost by what we saw of it, part by part: its cards while they compute, its disk in every state."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from swarmctl.core.leasing.lease import Hourly
from swarmctl.core.price.money import ZERO, physical

HOUR = Decimal(3600)


@dataclass(frozen=True, slots=True)
class Sighting:
    """How a machine was at a time, in epoch seconds; computes: its cards are paid for. It holds until the next one."""

    at: float
    computes: bool
    hourly: Hourly


@dataclass(frozen=True, slots=True)
class Metered:
    """$ and seconds by our own account. down, up: $/GB; how much went over the line only the market knows."""

    gpu: Decimal
    disk: Decimal
    seconds: float
    computing: float
    gpu_rate: Decimal
    disk_rate: Decimal
    down: Decimal = ZERO
    up: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """All that we can count."""
        return self.gpu + self.disk


def metered(seen: Sequence[Sighting], began: float, until: float) -> Metered | None:
    """What the time from began to until (epoch seconds) came to; None where no price was ever seen.

    Before the first sighting a machine counts as computing: whether its start is charged is told in two ways.
    """
    priced = sorted((one for one in seen if one.hourly.known is not None), key=lambda one: one.at)
    if not priced:
        return None
    gpu = disk = ZERO
    computing = 0.0
    for start, end, one in _stretches(priced, began, max(began, until)):
        card, store = _rates(one.hourly)
        hours = physical(end - start) / HOUR
        disk += store * hours
        if one.computes or start < priced[0].at:
            gpu += card * hours
            computing += end - start
    last = priced[-1].hourly
    card, store = _rates(last)
    return Metered(gpu, disk, max(0.0, until - began), computing, card, store, last.down, last.up)


def _rates(hourly: Hourly) -> tuple[Decimal, Decimal]:
    """$/h of the cards, and of the disk."""
    store = hourly.storage or ZERO
    return max(ZERO, (hourly.known or ZERO) - store), store


def _stretches(seen: Sequence[Sighting], began: float, until: float) -> list[tuple[float, float, Sighting]]:
    """What held from when to when; the first sighting holds from the beginning on."""
    edges = [began, *(min(max(one.at, began), until) for one in seen[1:]), until]
    edges.insert(1, min(max(seen[0].at, began), until))
    return list(zip(edges[:-1], edges[1:], (seen[0], *seen), strict=True))
