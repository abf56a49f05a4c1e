"""Which parts a swarm over several hosts has: as it was brought up, and as is found of it."""

from dataclasses import replace

from swarmctl.core.labels import SWARM
from swarmctl.core.parts.names import part_name, whole
from swarmctl.core.parts.together import record_of
from swarmctl.core.record import SwarmRecord
from swarmctl.core.trialname import tried
from swarmctl.effects import files
from swarmctl.effects.dockerapi import asking, engine_is_near
from swarmctl.effects.errands import Errands
from swarmctl.effects.world import World
from swarmctl.errors import HostError

FILE = "slots.json"


def slots(swarm: str, world: World) -> tuple[str, ...]:
    """Its slots, in the order in which it was brought up; none for a swarm on one host."""
    if whole(swarm) is not None:
        return ()
    raw = files.read_json(world.places(swarm).root / FILE)
    written = [slot for slot in raw if isinstance(slot, str)] if isinstance(raw, list) else []
    found = (whole(name) for name in world.known() if tried(name) == name)
    return tuple(dict.fromkeys((*written, *(one[1] for one in found if one and one[0] == swarm))))


def labelled(swarm: str) -> tuple[str, ...]:
    """Slots of which containers are on this machine, whatever is remembered. Raises HostError."""
    if not engine_is_near():
        return ()
    rows = asking()("/containers/json", all=1, filters={"label": [SWARM]})
    found = (whole(str((row.get("Labels") or {}).get(SWARM, ""))) for row in rows)
    return tuple(sorted({one[1] for one in found if one and one[0] == swarm}))


def write(swarm: str, names: tuple[str, ...], world: World) -> None:
    """Remember the slots that a swarm is brought up on, after those that it had."""
    files.write_json(world.places(swarm).root / FILE, list(dict.fromkeys((*names, *slots(swarm, world)))))


def records(swarm: str, world: World) -> dict[str, SwarmRecord]:
    """What each part was last brought up as, by slot; those that were are in it."""
    found = {slot: world.record(part_name(swarm, slot)) for slot in slots(swarm, world)}
    return {slot: one for slot, one in found.items() if one is not None}


def remember(swarm: str, world: World) -> dict[str, SwarmRecord]:
    """Write down the whole swarm from its parts as they are, for commands that read of it; the parts."""
    parts = records(swarm, world)
    if (made := record_of(swarm, parts)) is not None:
        files.write_json(world.places(swarm).record, made.model_dump(mode="json"))
        files.write_json(world.places(swarm).ports, made.ports)
    return parts


def apart(world: World) -> World:
    """The same world for one part alone: what goes on beside it, and its ways, are its own."""
    return replace(world, errands=Errands(world.clock), _distant={})


def seen(swarm: str, world: World) -> tuple[str, ...]:
    """Slots that are remembered or found by label, as far as that can be seen."""
    try:
        return tuple(dict.fromkeys((*slots(swarm, world), *labelled(swarm))))
    except HostError:
        return slots(swarm, world)
