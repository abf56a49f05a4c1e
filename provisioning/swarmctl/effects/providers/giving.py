"""A rented machine given back together with all that this computer keeps of it."""

from contextlib import suppress
from typing import TYPE_CHECKING

from swarmctl.effects.world import World
from swarmctl.errors import HostError, SwarmctlError

if TYPE_CHECKING:
    from swarmctl.effects.providers.provider import Provider


def known_as(lease: str) -> str:
    """The name under which a machine's host key is pinned, for as long as it is held."""
    return f"vast-{lease}"


def rented(swarm: str, world: World) -> tuple[str, ...]:
    """Numbers of the machines that a swarm has by what this computer wrote down: its place, and the ledger."""
    from swarmctl.core.leasing.renting import Stage  # noqa: PLC0415 - a swarm of this machine needs none of it
    from swarmctl.effects.providers.here import lease_book  # noqa: PLC0415 - as above

    placed, found = world.placed(swarm), dict[str, None]()
    if placed is not None and placed.lease and placed.swarm == swarm:
        found[placed.lease] = None
    with suppress(HostError):
        for written in lease_book(world.state, world.clock).attempts(swarm):
            if written.attempt.stage is Stage.HELD:
                found |= dict.fromkeys(written.attempt.contracts)
    return tuple(found)


def give_back(lease: str, swarm: str, world: World, market: "Provider | None" = None) -> None:
    """The machine is gone, and nothing of the way to it is left. Raises LeakError with the command to type."""
    from swarmctl.effects.hosts.hostkeys import forget  # noqa: PLC0415 - only where a machine was rented
    from swarmctl.effects.hosts.watchkeeper import unwatch  # noqa: PLC0415 - as above
    from swarmctl.effects.providers.here import lease_book, vast  # noqa: PLC0415 - as above

    left: SwarmctlError | None = None
    try:
        unwatch(swarm, world)
        world.leave(swarm)
    except SwarmctlError as e:
        left = e  # said once the bill has ended
    (market or vast(world.state, world.clock)).release(lease)
    with suppress(HostError):
        lease_book(world.state, world.clock).released(lease)
    forget(world.state, known_as(lease))
    world.places(swarm).host.unlink(missing_ok=True)
    if left is not None:
        raise left
