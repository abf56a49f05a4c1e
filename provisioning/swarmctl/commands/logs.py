"""`logs`: what a service wrote."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from swarmctl.core.parts.names import part_name
from swarmctl.core.record import SwarmRecord
from swarmctl.effects.parts.members import records
from swarmctl.effects.world import World
from swarmctl.errors import SpecError


@dataclass(frozen=True, slots=True)
class Log:
    """What one service of a swarm wrote: a file, or what Docker keeps of its container."""

    service: str
    swarm: str
    world: World
    file: Path | None = None

    def last(self, lines: int) -> list[str]:
        """The last lines; none when nothing was written yet. Raises HostError for a container that is gone."""
        if (hand := self.world.hand(self.swarm)) is not None:
            return hand.log(self.service, lines)
        if self.file is not None:
            return last(self.file, lines)
        return self.world.compose(self.swarm).log(self.service, lines).splitlines()

    def follow(self) -> Iterator[str]:
        """Lines as they are written, for ever or until the container ends."""
        if (hand := self.world.hand(self.swarm)) is not None:
            return hand.follow(self.service)
        if self.file is not None:
            return new_lines(self.file, self.world)
        return self.world.compose(self.swarm).follow(self.service)


def log_of(subject: str, swarm: str, world: World) -> Log:
    """The log of a role's agent, of a service by its full name, or of the supervisor. Raises SpecError."""
    record = world.require(swarm)
    if parts := records(swarm, world):
        return _of_a_part(subject, swarm, parts, world)
    names = [s.name for s in record.services if s.kind not in {"model", "converter"}]
    own = [] if record.runtime == "compose" else ["supervisor"]
    for name in (f"agent-{subject}", subject, f"engine-{subject}", *_server_of(subject, swarm, world)):
        if name in [*names, *own]:
            logs = world.places(swarm).logs
            return Log(name, swarm, world, None if record.runtime == "compose" else logs / f"{name}.log")
    known = ", ".join(
        [*record.roles, *(s.name for s in record.services if s.kind in {"engine", "gateway", "forwarder"}), *own]
    )
    raise SpecError(f"swarm '{swarm}' has no '{subject}'; it has: {known}")


def _of_a_part(subject: str, swarm: str, parts: Mapping[str, SwarmRecord], world: World) -> Log:
    """A role's, wherever it is, or `SLOT/SERVICE`; of what several hosts have, the slot must be named."""
    slot, mark, service = subject.partition("/")
    if mark and slot in parts:
        return log_of(service, part_name(swarm, slot), world)
    names = {f"agent-{subject}", f"engine-{subject}", subject}
    having = [slot for slot, one in parts.items() if any(names & {s.name, s.subject} for s in one.services)]
    agents = [slot for slot, one in parts.items() if subject.removeprefix("agent-") in one.roles]
    found = agents or having
    if len(found) == 1:
        return log_of(subject, part_name(swarm, found[0]), world)
    if found:
        raise SpecError(f"{' and '.join(found)} have '{subject}' each", hint=f"swarmctl logs {found[0]}/{subject}")
    known = [*(r for one in parts.values() for r in one.roles)]
    known += [f"{slot}/{s.name}" for slot, one in parts.items() for s in one.services if s.kind in _SHOWN]
    raise SpecError(f"swarm '{swarm}' has no '{subject}'; it has: {', '.join(known)}")


_SHOWN = frozenset(("engine", "gateway", "forwarder", "relay"))


def _server_of(model: str, swarm: str, world: World) -> tuple[str, ...]:
    """The server that has a model, where it has several."""
    services = world.require(swarm).services
    return next((s.needs for s in services if s.kind == "model" and model in {s.subject, s.name}), ())


def last(file: Path, lines: int) -> list[str]:
    """The last lines of a file; none when it is not there."""
    if not file.exists():
        return []
    with file.open("rb") as log:
        size = log.seek(0, 2)
        log.seek(max(0, size - 64 * 1024 - lines * 400))
        return log.read().decode("utf-8", "replace").splitlines()[-lines:]


def new_lines(file: Path, world: World, every: float = 0.3) -> Iterator[str]:
    """Lines as they are written, for ever; a rotated log is followed from its start."""
    position = file.stat().st_size if file.exists() else 0
    while True:
        size = file.stat().st_size if file.exists() else 0
        position = 0 if size < position else position
        if size > position:
            with file.open("rb") as log:
                log.seek(position)
                chunk = log.read(size - position)
            whole = chunk.rfind(b"\n") + 1
            position += whole
            yield from chunk[:whole].decode("utf-8", "replace").splitlines()
        world.clock.sleep(every)
