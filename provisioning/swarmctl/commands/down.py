"""`down`: collect what was not fetched, stop, prove that nothing is left."""

import contextlib

from swarmctl.core.plan import Plan, Step, Verb
from swarmctl.core.reconcile import release
from swarmctl.effects.clearing import Tell, clear
from swarmctl.effects.observe import remains
from swarmctl.effects.transcripts import collect
from swarmctl.effects.world import World
from swarmctl.errors import SwarmctlError


def _rented(swarm: str, world: World) -> Plan | None:
    """A rented machine goes with all that is on it, whether it can be reached or not."""
    placed = world.placed(swarm)
    if placed is None or not placed.lease:
        return None
    return Plan(swarm, steps=(Step(Verb.RELEASE, placed.slot, "host", f"rented machine {placed.lease}"),))


def down(swarm: str, world: World, *, purge: bool = False, tell: Tell = lambda _: None) -> Plan:
    """Stop a swarm and remove its state; models, ledger and transcripts stay, with `purge` no models of its engines.

    tell: gets a line when something would not go at once.

    Works by label when the state folder is lost. Raises LeakError naming what would not end, LockedError, and
    HostError when it may have containers and nobody can say.
    """
    with world.ledger.lock(swarm, "down"):
        plan = _rented(swarm, world) or release(swarm, remains(swarm, world))
        if plan.is_empty and not purge:
            return plan
        with world.ledger.recorded(swarm, "down", {"steps": len(plan.steps)}):
            with contextlib.suppress(SwarmctlError):
                collect(swarm, world)
            clear(swarm, world, purge=purge, tell=tell)
        return plan
