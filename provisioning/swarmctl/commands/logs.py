"""`logs`: what a service wrote."""

from collections.abc import Iterator
from pathlib import Path

from swarmctl.effects.world import World
from swarmctl.errors import SpecError


def log_of(subject: str, swarm: str, world: World) -> Path:
    """The log of a role's agent, of a service by its full name, or of the supervisor. Raises SpecError."""
    record = world.require(swarm)
    names = [s.name for s in record.services]
    logs = world.places(swarm).logs
    for name in (f"agent-{subject}", subject, f"engine-{subject}"):
        if name in [*names, "supervisor"]:
            return logs / f"{name}.log"
    known = ", ".join([*record.roles, *(n for n in names if n.startswith("engine-")), "supervisor"])
    raise SpecError(f"swarm '{swarm}' has no '{subject}'; it has: {known}")


def last(file: Path, lines: int) -> list[str]:
    """The last lines of a log; none when nothing was written yet."""
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
