"""`down`: collect what was not fetched, stop, prove that nothing is left."""

import contextlib
import shutil

from swarmctl.core.plan import Plan
from swarmctl.core.reconcile import release
from swarmctl.effects.observe import remains
from swarmctl.effects.transcripts import collect
from swarmctl.effects.world import World
from swarmctl.errors import LeakError, SwarmctlError


def down(swarm: str, world: World) -> Plan:
    """Stop a swarm and remove its state; models, ledger and transcripts stay.

    Works by label when the state folder is lost. Raises LeakError naming what would not end, LockedError.
    """
    with world.ledger.lock(swarm, "down"):
        plan = release(swarm, remains(swarm, world))
        if plan.is_empty:
            return plan
        with world.ledger.recorded(swarm, "down", {"steps": len(plan.steps)}):
            with contextlib.suppress(SwarmctlError):
                collect(swarm, world)
            clear(swarm, world)
        return plan


def clear(swarm: str, world: World) -> None:
    """Stop every process of a swarm, remove its folder, and look again."""
    world.runtime(swarm).stop()
    shutil.rmtree(world.places(swarm).root, ignore_errors=True)
    found = world.runtime(swarm).labelled()
    left = [f"{item.labels.get('swarmctl.service', '?')} (process {item.pid})" for item in found]
    if world.places(swarm).root.exists():
        left.append(str(world.places(swarm).root))
    if left:
        raise LeakError(
            f"swarm '{swarm}' is not all gone: {', '.join(left)}",
            hint=f"swarmctl down --swarm {swarm}",
        )
