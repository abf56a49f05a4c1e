"""`status`, `check` and `seal` of a swarm over several hosts: those of its parts, put together."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from swarmctl.core.parts.names import part_name
from swarmctl.core.parts.together import verdict_of
from swarmctl.core.verdict import Depth, Verdict
from swarmctl.effects import files
from swarmctl.effects.parts.members import apart, records, slots
from swarmctl.effects.parts.switching import trouble
from swarmctl.effects.parts.ways import way_proofs
from swarmctl.effects.world import World

if TYPE_CHECKING:
    from swarmctl.commands.status import Status

Tell = Callable[[str], None]


def status(swarm: str, world: World) -> "Status":
    """Look at every part at the same time: one that is away costs the others nothing."""
    from swarmctl.commands.check import last_look  # noqa: PLC0415 - as above
    from swarmctl.commands.status import Status, known_verdict  # noqa: PLC0415 - it stands on this one
    from swarmctl.commands.status import status as look  # noqa: PLC0415 - as above

    names = slots(swarm, world)
    with ThreadPoolExecutor(len(names)) as pool:
        found = dict(zip(names, pool.map(lambda slot: look(part_name(swarm, slot), apart(world)), names), strict=True))
    lines = [replace(s, name=f"{slot}/{s.name}") for slot, one in found.items() for s in one.services]
    faults = [f"{slot}: {said}" for slot, one in found.items() for said in _own_faults(one)]
    if any(one.up for one in found.values()):
        faults += [f"{slot}: {said}" for slot, said in trouble(swarm, world).items()]
    verdict, looked = known_verdict(swarm, world), last_look(swarm, world)
    if verdict is not None and not verdict.passed:
        faults.append(f"its last check: {verdict.summary}")
    return Status(
        swarm,
        up=any(one.up for one in found.values()),
        supervisor=None,
        services=tuple(lines),
        verdict=verdict,
        faults=tuple(faults),
        at=world.clock.now(),
        looked=looked,
        machines=tuple(machine for one in found.values() for machine in one.machines),
        slots={slot: one.up and not one.faults for slot, one in found.items()},
    )


def _own_faults(one: "Status") -> tuple[str, ...]:
    return one.faults if one.up or one.faults else ("it is down; `swarmctl up` brings it up",)


def _under(tell: Tell, slot: str, text: str) -> None:
    tell(f"{slot}: {text}")


def check(swarm: str, world: World, *, tell: Tell, depth: Depth = "check") -> Verdict:
    """Prove every part again, one after the other, and the ways between them; keeps the verdict.

    Raises what the check of a part raises: SpecError when none is up, LockedError, HostError.
    """
    from swarmctl.commands.check import check as prove  # noqa: PLC0415 - it stands on this one

    begun, parts = world.clock.monotonic(), records(swarm, world)
    verdicts = {}
    for slot in parts:
        under = partial(_under, tell, slot)
        verdicts[slot] = prove(part_name(swarm, slot), apart(world), tell=under, depth=depth)
    tell("asking each host for the agents of the others")
    now = world.clock.now()
    ways = Verdict("", now, 0.0, tuple(way_proofs(swarm, parts, world, wait=depth != "look")))
    made = verdict_of(verdicts, ways, now, world.clock.monotonic() - begun, depth)
    places = world.places(swarm)
    files.write_json(places.seen if depth == "look" else places.proved, made.as_json())
    if depth != "look":
        places.seen.unlink(missing_ok=True)
    return made
