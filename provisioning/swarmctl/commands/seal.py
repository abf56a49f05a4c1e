"""`seal`: every wall of a running swarm, tried from inside its containers."""

from collections.abc import Callable
from pathlib import Path

from swarmctl.core.seal import Seal
from swarmctl.effects.lockfile import NAME, lock_file, read_lock
from swarmctl.effects.sealing import Sealed
from swarmctl.effects.sealing import seal as look
from swarmctl.effects.world import World
from swarmctl.errors import SpecError


def seal(swarm: str, world: World, *, file: Path | None = None, tell: Callable[[str], None]) -> Seal:
    """Try every wall, 10 to 20 s; no model is asked anything and nothing is changed.

    file: the swarm file, beside which its lock is; without one the lock is in the swarm's state.
    Raises SpecError when it is not up or runs as processes, HealthError when no container of it runs, LockedError.
    """
    record = world.require(swarm)
    if record.runtime != "compose":
        raise SpecError(
            f"swarm '{swarm}' runs as processes: nothing is sealed but by loopback and keys",
            hint=f"swarmctl up --swarm {swarm} --runtime compose",
        )
    places = world.places(swarm)
    with world.ledger.lock(swarm, "seal"), world.ledger.recorded(swarm, "seal"):
        locked = read_lock(lock_file(file, places) if file else places.root / NAME)
        lock = {name: one.digest for name, one in locked.images.items()}
        return look(Sealed(swarm, world.compose(swarm), places.root, lock), world.clock, tell=tell)
