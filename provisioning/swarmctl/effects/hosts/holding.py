"""A rented machine whose proofs failed: held for a while to look at, its guard told so, or held on to after all."""

from collections.abc import Callable

from swarmctl.core.placed import Placed
from swarmctl.effects.hosts.guarding import rearm, terms_of
from swarmctl.effects.hosts.ssh import Line
from swarmctl.effects.paths import private
from swarmctl.effects.world import World

HELD = 15 * 60
"""Seconds for which a machine that is not healthy is paid for, so that somebody may mend it."""


def hold(placed: Placed, world: World) -> bool:
    """Its guard ends it in a quarter of an hour; False where it has no guard. Raises HostError."""
    end = int(world.clock.now().timestamp()) + HELD
    before = _until(placed, world, lambda deadline: min(deadline, end))
    if before is None:
        return False
    world.put(placed.model_copy(update={"held": placed.held or before}))
    return True


def go_on(placed: Placed, world: World) -> None:
    """Its guard ends it when it was meant to. Raises HostError."""
    if placed.held:
        _until(placed, world, lambda _: placed.held)
        world.put(placed.model_copy(update={"held": 0}))


def _until(placed: Placed, world: World, deadline: Callable[[int], int]) -> int | None:
    """Give its guard another end; the one before, None where there is no guard."""
    with Line(placed.reached, private(world.places(placed.swarm).root / "tunnels")) as line:
        found = terms_of(line)
        if found is None:
            return None
        before = found.terms.deadline
        if (wanted := deadline(before)) != before:
            rearm(line, found.until(wanted), world.clock)
        return before
