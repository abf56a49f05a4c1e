"""Why a swarm's rented machine is not reached, by its market's own words; asked only then, and not for long."""

import threading
from contextlib import suppress

from swarmctl.core.leasing.releasing import Result
from swarmctl.core.leasing.standstill import standstill
from swarmctl.effects.providers.here import lease_book, vast
from swarmctl.effects.providers.provider import Provider
from swarmctl.effects.saving import repository, saved
from swarmctl.effects.world import World
from swarmctl.errors import HostError, SwarmctlError

SECONDS = 8.0
"""In which the market must have answered, or it is said that it did not."""


def whereabouts(swarm: str, world: World, market: Provider | None = None) -> str:
    """What the market says of the machine, what it bills, what lies there and what to type; "" where none is rented.

    What was seen is written down for the bill. Raises nothing of ours.
    """
    placed = world.placed(swarm)
    if placed is None or not placed.lease:
        return ""
    id_ = placed.lease
    said: list[str] = []
    asking = threading.Thread(target=lambda: said.append(_asked(id_, swarm, world, market)), daemon=True)
    asking.start()
    asking.join(SECONDS)
    return said[0] if said else _unknown(id_, f"it did not answer in {SECONDS:.0f} s")


def _asked(id_: str, swarm: str, world: World, market: Provider | None) -> str:
    try:
        found = market or vast(world.state, world.clock)
        lease = found.lease(id_)
        if lease is None and found.look(id_, thorough=True) is not Result.GONE:
            return _unknown(id_, "its listing and its number disagree")
    except SwarmctlError as e:
        return _unknown(id_, e.message)
    with suppress(HostError):
        if lease is not None:
            lease_book(world.state, world.clock).saw(lease)
    text = standstill(id_, lease, swarm, world.clock.now().timestamp())
    return text if lease is not None else f"{text}{_safe(swarm, world)}"


def _unknown(id_: str, why: str) -> str:
    return f"whether machine {id_} runs is not known: its market: {why}; `swarmctl orphans` asks again"


def _safe(swarm: str, world: World) -> str:
    """What was fetched in time."""
    count, where = 0, repository(world, swarm)
    with suppress(HostError):
        count, where = saved(swarm, world)
    return f"; branches of {count} runs are safe in {where}" if count else ""
