"""Takes a swarm away: processes, containers, networks, its folder; and looks again."""

import shutil
from collections.abc import Callable

from swarmctl.core.compose import shared
from swarmctl.core.stack import Stack
from swarmctl.core.stacks import SLOT
from swarmctl.core.trialname import trial_name
from swarmctl.effects.observe import has_containers
from swarmctl.effects.providers.giving import give_back, rented
from swarmctl.effects.world import World
from swarmctl.errors import LeakError

Tell = Callable[[str], None]


def clear(swarm: str, world: World, *, purge: bool = False, tell: Tell = lambda _: None) -> None:
    """Stop every process and container of a swarm, remove its folder, and look again.

    tell: gets a line when something would not go at once. Raises LeakError with what is left, HostError.
    """
    left = []
    for lease in (machines := rented(swarm, world)):
        tell(f"giving back machine {lease}")
        give_back(lease, swarm, world)
    if not machines and has_containers(swarm, world):
        left = _containers(swarm, world, purge, tell)
        if world.compose(trial_name(swarm)).left(purge=True):
            clear(trial_name(swarm), world, purge=True, tell=tell)
        world.leave(trial_name(swarm))
    if not machines and (hand := world.hand(swarm)) is not None:
        hand.ask("clear", tell=lambda text: tell(str(text)[:500]), swarm=swarm, purge=purge)
    world.runtime(swarm).stop()
    world.leave(swarm)
    shutil.rmtree(world.places(swarm).root, ignore_errors=True)
    found = world.runtime(swarm).labelled()
    left += [f"{item.labels.get('swarmctl.service', '?')} (process {item.pid})" for item in found]
    if world.places(swarm).root.exists():
        left.append(str(world.places(swarm).root))
    if left:
        raise LeakError(
            f"swarm '{swarm}' is not all gone: {', '.join(left)}",
            hint=f"swarmctl down --swarm {swarm}",
        )


def broken_off(swarm: str, world: World) -> bool:
    """An upgrade is being tried beside a swarm, or was killed while it was: its folder is made first and goes last."""
    return world.places(trial_name(swarm)).root.exists()


def _containers(swarm: str, world: World, purge: bool, tell: Tell) -> list[str]:
    """End containers, networks and volumes; what is left. The models' volume stays, unless `purge`."""
    from swarmctl.effects import hostwall  # noqa: PLC0415 - only where containers are meant

    keep, over = shared(Stack(swarm, SLOT, "", ()), "models"), world.connection(swarm)
    left = world.compose(swarm).stop(purge=purge, keep=keep, tell=tell)
    if left:
        return left
    hostwall.open_again(swarm, over.shell)
    return over.remove(models=purge)
