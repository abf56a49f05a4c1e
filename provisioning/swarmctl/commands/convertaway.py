"""`convert --on HOST`: the way to one's own machine, for as long as a conversion lasts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from swarmctl.core.placed import Placed
from swarmctl.effects.connections.distant import DistantConnection
from swarmctl.effects.converting.onhost import HostBench
from swarmctl.effects.hosts.inventory import find
from swarmctl.effects.paths import private
from swarmctl.effects.world import World

_NAME = "convert"


@contextmanager
def away(name: str, folders: Sequence[Path], world: World) -> Iterator[HostBench]:
    """A machine of inventory/hosts.yml, or of OpenSSH's configuration, to convert on; the way there is closed after.

    folders: in which inventory/ is looked for. Raises SpecError for a name that says nothing, HostError.
    """
    host = find(name, folders, world.state)
    placed = Placed(swarm=_NAME, host=asdict(host))
    over = DistantConnection(_NAME, placed, private(world.state / "converting" / name), (), world.clock)
    try:
        yield HostBench(over, world.clock)
    finally:
        over.close()
