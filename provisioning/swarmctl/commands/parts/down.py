"""`down` of a swarm over several hosts: every part, whatever becomes of the others, and the way between them."""

import shutil
from collections.abc import Callable
from contextlib import suppress

from swarmctl.core.parts.names import part_name
from swarmctl.core.plan import Plan, Step, Verb
from swarmctl.effects.parts.members import apart, labelled, slots
from swarmctl.effects.parts.switching import unswitch
from swarmctl.effects.transcripts import collect
from swarmctl.effects.world import World
from swarmctl.errors import SwarmctlError, with_code

Tell = Callable[[str], None]


def members(swarm: str, world: World) -> tuple[str, ...]:
    """Slots that there is anything of: as is remembered, or, where nothing is, by the labels of containers here.

    Raises HostError.
    """
    return slots(swarm, world) or (() if world.places(swarm).root.exists() else labelled(swarm))


def down(swarm: str, found: tuple[str, ...], world: World, *, purge: bool = False, tell: Tell) -> Plan:
    """End them all. Raises the worst of what went wrong, when all that can be ended was; what is left stays known."""
    from swarmctl.commands.down import down as end  # noqa: PLC0415 - it stands on this one

    steps: list[Step] = []
    wrong: dict[str, SwarmctlError] = {}
    with world.ledger.lock(swarm, "down"), world.ledger.recorded(swarm, "down", {"slots": list(found)}):
        with suppress(SwarmctlError):
            collect(swarm, world)
        unswitch(swarm, world)
        for slot in found:
            try:
                done = end(part_name(swarm, slot), apart(world), purge=purge, tell=_under(slot, tell))
                steps += [Step(s.verb, _at(slot, s.where), s.subject, s.cause) for s in done.steps]
            except SwarmctlError as e:
                wrong[slot] = e
        if wrong:
            raise _left(swarm, found, wrong)
        if world.places(swarm).root.exists():
            steps.append(Step(Verb.RELEASE, "all slots", "switchboard", "the way between them"))
            shutil.rmtree(world.places(swarm).root, ignore_errors=True)
    return Plan(swarm, steps=tuple(steps))


def _under(slot: str, tell: Tell) -> Tell:
    return lambda text: tell(f"{slot}: {text}")


def _at(slot: str, where: str) -> str:
    """`cards/cpu` for `slot-0/cpu`."""
    return "/".join((slot, *where.split("/")[1:]))


def _left(swarm: str, found: tuple[str, ...], wrong: dict[str, SwarmctlError]) -> SwarmctlError:
    worst = max(wrong.values(), key=lambda e: e.exit_code)
    gone = [slot for slot in found if slot not in wrong]
    lines = [f"{slot}: {line}" for slot, e in wrong.items() for line in (e.message, *e.detail.splitlines())]
    lines.append(f"{', '.join(gone)}: nothing is left" if gone else "of the others nothing is known either")
    message = f"swarm '{swarm}' is not all gone: " + "; ".join(f"{slot}: {e.message}" for slot, e in wrong.items())
    return with_code(worst.exit_code, message, detail="\n".join(lines), hint=f"swarmctl down --swarm {swarm}")
