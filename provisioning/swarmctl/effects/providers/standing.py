"""What is promised of a swarm's rented machines, as this computer wrote it down; the market is not asked."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from swarmctl.core.leasing.burn import HOUR
from swarmctl.core.leasing.guardfile import when_it_ends
from swarmctl.core.leasing.meter import Sighting
from swarmctl.core.leasing.renting import Stage
from swarmctl.core.price.money import ZERO, dollars, micro, physical
from swarmctl.core.units import as_duration
from swarmctl.effects.providers.here import lease_book
from swarmctl.effects.world import World
from swarmctl.errors import HostError


@dataclass(frozen=True, slots=True)
class Standing:
    """One machine. hourly, budget, burned: $; burned by our own count. ends: epoch seconds, by: ttl or budget.

    disk: $/h of its disk where it was last seen to stand still, so that nothing else is paid; None where it runs.
    """

    lease: str
    hourly: Decimal
    burned: Decimal
    budget: Decimal | None
    ends: float
    by: str
    disk: Decimal | None = None

    def text(self, now: float) -> str:
        """One line. now: epoch seconds."""
        left = self.ends - now
        when = f"ends in {as_duration(left)} by its {self.by}" if left > 0 else f"its {self.by} is over"
        of = f" of {dollars(self.budget)}" if self.budget is not None else ""
        rate = f"{dollars(self.hourly)}/h"
        if self.disk is not None:
            rate = f"stands still, {dollars(self.disk)}/h for its disk ({rate} while it runs)"
        return f"rented machine {self.lease}: {rate}, {dollars(self.burned)}{of} burned, {when}"

    def as_json(self) -> dict[str, Any]:
        """Money as text."""
        return {
            "lease": self.lease,
            "dollars_per_hour": str(micro(self.hourly if self.disk is None else self.disk)),
            "still": self.disk is not None,
            "burned": str(micro(self.burned)),
            "budget": None if self.budget is None else str(self.budget),
            "ends": self.ends,
            "by": self.by,
        }


def standing(swarm: str, world: World) -> tuple[Standing, ...]:
    """Every machine that a swarm holds by the ledger; none where that cannot be read."""
    found = []
    with suppress(HostError):
        book, now = lease_book(world.state, world.clock), world.clock.now().timestamp()
        for one in book.attempts(swarm):
            if one.attempt.stage is Stage.HELD:
                burned = one.hourly * physical(round(max(0.0, now - one.intended), 3)) / HOUR
                budget = book.meter.budget(one.attempt.nonce)
                ends, by = when_it_ends(one.label.expires, budget, one.hourly, now, burned or ZERO)
                found += [
                    Standing(id_, one.hourly, burned, budget, ends, by, _disk(book.meter.sightings(id_)))
                    for id_ in one.attempt.contracts
                ]
    return tuple(found)


def _disk(seen: Sequence[Sighting]) -> Decimal | None:
    """$/h of the disk of a machine that was last seen to stand still."""
    return (seen[-1].hourly.storage or ZERO) if seen and not seen[-1].computes else None
