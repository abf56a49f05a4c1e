"""`status` and `agents`: what runs, as it is and as it should be."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from swarmctl.commands.check import last_look
from swarmctl.commands.parts.looking import status as status_of_parts
from swarmctl.core.lostcards import lost_cards
from swarmctl.core.observed import Observed
from swarmctl.core.record import SwarmRecord
from swarmctl.core.room import full_disk
from swarmctl.core.verdict import Verdict
from swarmctl.effects import files, machine
from swarmctl.effects.clearing import broken_off
from swarmctl.effects.observe import remains
from swarmctl.effects.parts.members import slots
from swarmctl.effects.world import World
from swarmctl.errors import HostError

if TYPE_CHECKING:
    from swarmctl.effects.providers.standing import Standing


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """One service. state: as its supervisor says, `stray`, `gone`, or `unknown` where nobody sees it.

    memory: MiB resident; restarts counted.
    """

    name: str
    state: str
    pid: int | None
    port: int | None
    restarts: int
    memory: float
    note: str


@dataclass(frozen=True, slots=True)
class Status:
    """One swarm. faults: sentences, empty when everything is as it should be.

    verdict: of the last proofs for which models were asked. looked: of the last look alone, where that is newer.
    machines: those that are rented for it. slots: of a swarm over several hosts, whether all is well on each.
    """

    swarm: str
    up: bool
    supervisor: int | None
    services: tuple[ServiceLine, ...]
    verdict: Verdict | None
    faults: tuple[str, ...]
    at: datetime
    looked: Verdict | None = None
    machines: "tuple[Standing, ...]" = ()
    slots: Mapping[str, bool] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The value as JSON objects and lists."""
        return {
            "schema": "swarmctl/status/v1",
            "swarm": self.swarm,
            "up": self.up,
            "supervisor": self.supervisor,
            "services": [asdict(line) for line in self.services],
            "proved": self.verdict and _brief(self.verdict),
            "looked": self.looked and _brief(self.looked),
            "faults": list(self.faults),
            "machines": [one.as_json() for one in self.machines],
            "slots": dict(self.slots),
        }


_BROKEN_OFF = "an upgrade is being tried beside it, or was broken off; `swarmctl up` takes away what is left of that"


def _brief(verdict: Verdict) -> dict[str, Any]:
    at = verdict.at.isoformat(timespec="seconds")
    return {"passed": verdict.passed, "summary": verdict.summary, "at": at}


def status(swarm: str, world: World) -> Status:
    """Look at a swarm without asking its models anything."""
    if slots(swarm, world):
        return status_of_parts(swarm, world)
    record = world.record(swarm)
    found, blind = _looked(swarm, world)
    shown = {line.name: line for line in (*found.strays, *found.services)}
    ports = record.ports if record else {}
    wanted = [s.name for s in record.services if s.kind not in {"model", "converter"}] if record else []
    lines = []
    for name in dict.fromkeys([*wanted, *shown]):
        one = shown.get(name)
        note = "" if one is None else one.last_exit
        lines.append(
            ServiceLine(
                name,
                one.state if one else "unknown" if blind else "gone",
                one.pid if one else None,
                ports.get(name),
                one.restarts if one else 0,
                round(one.resident if one else 0.0, 1),
                note,
            )
        )
    verdict, looked = known_verdict(swarm, world), last_look(swarm, world)
    return Status(
        swarm,
        up=record is not None or bool(shown),
        supervisor=found.supervisor,
        services=tuple(lines),
        verdict=verdict,
        faults=(
            *blind,
            *(_absent(swarm, world) if blind else ()),
            *lost_cards(found.services, found.machine),
            *full_disk(found.machine),
            *_faults(record, lines, found.supervisor, verdict, seen=not blind),
            *_unwell(looked),
            *([_BROKEN_OFF] if broken_off(swarm, world) else []),
        ),
        at=world.clock.now(),
        looked=looked,
        machines=_rented(swarm, world),
    )


def known_verdict(swarm: str, world: World) -> Verdict | None:
    """Of the last proofs for which models were asked; None where there was none."""
    raw = files.read_json(world.places(swarm).proved)
    return Verdict.from_json(raw) if raw else None


def _absent(swarm: str, world: World) -> tuple[str, ...]:
    """What became of a rented machine that is not reached, as its market has it."""
    placed = world.placed(swarm)
    if placed is None or not placed.lease:
        return ()
    from swarmctl.effects.providers.whereabouts import whereabouts  # noqa: PLC0415 - brings the market's client with it

    return (whereabouts(swarm, world),)


def _rented(swarm: str, world: World) -> "tuple[Standing, ...]":
    if world.placed(swarm) is None:
        return ()
    from swarmctl.effects.providers.standing import standing  # noqa: PLC0415 - only where a host is meant

    return standing(swarm, world)


def _looked(swarm: str, world: World) -> tuple[Observed, tuple[str, ...]]:
    """What is there, and what could not be seen."""
    try:
        return remains(swarm, world), ()
    except HostError as e:
        what = "in its containers" if world.hand(swarm) is None else "there"
        blind = f"{e.message}: what runs {what} is not known" + (f" ({e.detail})" if e.detail else "")
        return Observed(machine.look(world.state)), (blind,)


def _faults(
    record: SwarmRecord | None, lines: list[ServiceLine], supervisor: int | None, verdict: Verdict | None, *, seen: bool
) -> list[str]:
    """seen: it could be looked at; of what nobody saw nothing is said."""
    found = []
    if record is None and lines:
        found.append("its state folder is lost; `swarmctl down` still finds and ends it")
    if seen and record is not None and record.runtime == "process" and supervisor is None:
        found.append("its supervisor does not answer; `swarmctl up` heals it")
    found += [
        f"{line.name} is {line.state}" + (f" ({line.note})" if line.note else "")
        for line in lines
        if seen and line.state not in {"running", "starting"}
    ]
    if record is not None and verdict is None:
        found.append("it was never proved healthy; `swarmctl check` proves it")
    elif verdict is not None and not verdict.passed:
        found.append(f"its last check: {verdict.summary}")
    return found


def _unwell(looked: Verdict | None) -> list[str]:
    return [f"its last look: {looked.summary}"] if looked and not looked.passed else []


@dataclass(frozen=True, slots=True)
class AgentLine:
    """One role's agent; answers: its card came back."""

    role: str
    url: str
    model: str
    context: int
    output: int
    answers: bool


def agents(swarm: str, world: World) -> list[AgentLine]:
    """The roles of a swarm and whether their agents answer. Raises SpecError when it is not up."""
    record = world.require(swarm)
    lines = []
    for service in record.services:
        if service.kind != "agent":
            continue
        try:
            world.agent(record, service.subject).card()
            answers = True
        except HostError:
            answers = False
        settings = service.settings
        lines.append(
            AgentLine(
                service.subject,
                record.url(service.name),
                settings["model"],
                settings["context"],
                settings["output"],
                answers,
            )
        )
    return lines
