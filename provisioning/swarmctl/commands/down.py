"""`down`: collect what was not fetched, stop, prove that nothing is left."""

import contextlib

from swarmctl.commands.parts.down import down as down_parts
from swarmctl.commands.parts.down import members
from swarmctl.core.placed import SLOT
from swarmctl.core.plan import Plan, Step, Verb
from swarmctl.core.reconcile import release
from swarmctl.effects.clearing import Tell, clear
from swarmctl.effects.observe import remains
from swarmctl.effects.providers.giving import rented
from swarmctl.effects.saving import repository, save
from swarmctl.effects.transcripts import collect
from swarmctl.effects.world import World
from swarmctl.errors import SwarmctlError


def _saved(swarm: str, world: World, tell: Tell) -> None:
    """What nobody fetched is brought here before the machine goes with it; that it cannot be ends no bill later."""
    try:
        if count := save(swarm, world):
            tell(f"branches of {count} runs are in {repository(world, swarm)}")
    except SwarmctlError as e:
        tell(f"results were not fetched: {e.message}")


def _rented(swarm: str, world: World) -> Plan | None:
    """A rented machine goes with all that is on it, whether it can be reached or not."""
    machines = rented(swarm, world)
    steps = tuple(Step(Verb.RELEASE, SLOT, "host", f"rented machine {lease}") for lease in machines)
    return Plan(swarm, steps=steps) if steps else None


def down(swarm: str, world: World, *, purge: bool = False, tell: Tell = lambda _: None) -> Plan:
    """Stop a swarm and remove its state; models, ledger and transcripts stay, with `purge` no models of its engines.

    tell: gets a line when something would not go at once.

    Works by label when the state folder is lost. Raises LeakError naming what would not end, LockedError, and
    HostError when it may have containers and nobody can say.
    """
    if parts := members(swarm, world):
        return down_parts(swarm, parts, world, purge=purge, tell=tell)
    with world.ledger.lock(swarm, "down"):
        plan = _rented(swarm, world) or release(swarm, remains(swarm, world))
        if plan.is_empty and not purge:
            return plan
        with world.ledger.recorded(swarm, "down", {"steps": len(plan.steps)}):
            with contextlib.suppress(SwarmctlError):
                collect(swarm, world)
            if rented(swarm, world):
                _saved(swarm, world, tell)
            clear(swarm, world, purge=purge, tell=tell)
        return plan
