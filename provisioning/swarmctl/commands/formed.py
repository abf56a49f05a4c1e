"""A swarm file as the machine that the swarm was put on can have it: as containers, or as processes."""

from dataclasses import replace

from swarmctl.core.processform import as_processes, may_be_processes
from swarmctl.effects.specs import Opened
from swarmctl.effects.world import World
from swarmctl.errors import LockedError


def formed(opened: Opened, world: World) -> Opened:
    """As it runs on the machine that it was put on: of processes, where no machine for containers could be had.

    Raises LockedError where the file says that it is of the other kind.
    """
    spec, placed = opened.spec, world.placed(opened.spec.name)
    if placed is None or spec.target.is_here or placed.runtime == spec.runtime or not placed.prepared:
        return opened
    if placed.runtime == "process" and may_be_processes(spec, opened.loaded.origins):
        return replace(opened, spec=as_processes(spec))
    kinds = {"process": "processes", "compose": "containers"}
    raise LockedError(
        f"swarm '{spec.name}' runs as {kinds[placed.runtime]} on {placed.reached.name}, and its file says "
        f"{kinds[spec.runtime]}",
        hint=f"swarmctl down --swarm {spec.name}   (then up again)",
    )
