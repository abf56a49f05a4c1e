"""`cost`: what a swarm used, per role, and what that cost."""

from dataclasses import dataclass
from decimal import Decimal

from swarmctl.core.messages import Usage
from swarmctl.effects.world import World


@dataclass(frozen=True, slots=True)
class CostLine:
    """One role: runs it took part in, and what they used."""

    role: str
    runs: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class Cost:
    """Usage per role from the ledger. rate: $/h of the machine, zero for one's own; burned: $ so far."""

    swarm: str
    lines: tuple[CostLine, ...]
    rate: Decimal = Decimal(0)
    burned: Decimal = Decimal(0)


def cost(swarm: str, world: World) -> Cost:
    """Add up the ledger; a swarm that is down keeps its figures."""
    lines = tuple(CostLine(role, runs, usage) for role, (runs, usage) in world.ledger.usage(swarm).items())
    return Cost(swarm, lines)
