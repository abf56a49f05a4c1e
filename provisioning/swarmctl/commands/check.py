"""`check`: all proofs again."""

from collections.abc import Callable

from swarmctl.core.verdict import Verdict
from swarmctl.effects.prove import prove
from swarmctl.effects.world import World


def check(swarm: str, world: World, *, tell: Callable[[str], None]) -> Verdict:
    """Prove a swarm again and keep the verdict. Raises SpecError when it is not up, LockedError."""
    record = world.require(swarm)
    with world.ledger.lock(swarm, "check"), world.ledger.recorded(swarm, "check"):
        return prove(record, world, tell=tell)
