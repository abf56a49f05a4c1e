"""`cost`: what a swarm used, per role, and what that cost."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from swarmctl.core.messages import Usage
from swarmctl.core.parts.names import part_name, whole
from swarmctl.core.price.money import ZERO
from swarmctl.effects.parts.members import slots
from swarmctl.effects.world import World

if TYPE_CHECKING:
    from swarmctl.commands.leasecost import Machine
    from swarmctl.effects.providers.provider import Provider


@dataclass(frozen=True, slots=True)
class CostLine:
    """One role: runs it took part in, and what they used."""

    role: str
    runs: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class Cost:
    """Usage per role from the ledger. machines: that were rented for it, none on one's own."""

    swarm: str
    lines: tuple[CostLine, ...]
    machines: tuple["Machine", ...] = ()

    @property
    def rate(self) -> Decimal:
        """$/h now; zero on one's own machine."""
        return sum((one.rate for one in self.machines), ZERO)

    @property
    def burned(self) -> Decimal:
        """$ so far, of all machines whose price is known."""
        return sum((one.burned or ZERO for one in self.machines), ZERO)


def cost(swarm: str, world: World, provider: "Provider | None" = None) -> Cost:
    """Add up the ledger, and what the market says of rented machines; a swarm that is down keeps its figures."""
    from swarmctl.commands.leasecost import machines  # noqa: PLC0415 - brings the market's client with it

    lines = tuple(CostLine(role, runs, usage) for role, (runs, usage) in world.ledger.usage(swarm).items())
    parts = _parts(swarm, world)
    return Cost(swarm, lines, tuple(m for name in parts or [swarm] for m in machines(name, world, provider)))


def _parts(swarm: str, world: World) -> tuple[str, ...]:
    """Of a swarm over several hosts, also those that are down: their machines were paid for. Raises HostError."""
    from swarmctl.effects.providers.here import lease_book  # noqa: PLC0415 - as above

    rented = (one.label.swarm for one in lease_book(world.state, world.clock).attempts())
    ours = (name for name in rented if (found := whole(name)) is not None and found[0] == swarm)
    return tuple(dict.fromkeys((*(part_name(swarm, slot) for slot in slots(swarm, world)), *ours)))
