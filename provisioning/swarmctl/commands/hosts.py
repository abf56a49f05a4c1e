"""`hosts`: one's own machines and the rented ones that swarms here are on, each looked at now."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swarmctl.core.hostfacts import HostFacts
from swarmctl.effects.hosts.facts import look
from swarmctl.effects.hosts.inventory import find, written
from swarmctl.effects.hosts.ssh import Line
from swarmctl.effects.paths import private
from swarmctl.effects.world import World
from swarmctl.errors import SwarmctlError

_PATIENCE = 5.0
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class HostLine:
    """One machine. where: user and address. lease: its number at its market. swarms: that are on it.

    facts: None where it could not be looked at, with the reason in `problem`.
    """

    name: str
    where: str
    lease: str = ""
    swarms: tuple[str, ...] = ()
    facts: HostFacts | None = None
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """The value as JSON."""
        here = self.facts.machine if self.facts else None
        return {
            "name": self.name,
            "where": self.where,
            "lease": self.lease,
            "swarms": list(self.swarms),
            "problem": self.problem,
            "distribution": self.facts.distribution if self.facts else "",
            "docker": self.facts.docker if self.facts else "",
            "cores": here.cores if here else None,
            "ram_free_mib": here.ram_free if here else None,
            "disk_free_mib": here.disk_free if here else None,
            "cards": [{"name": gpu.name, "memory_mib": gpu.memory} for gpu in here.gpus] if here else [],
        }


def hosts(world: World, folders: Sequence[Path]) -> tuple[HostLine, ...]:
    """Every machine, its own ones in the inventory's order first. Raises SpecError for an inventory that is none."""
    placed = {swarm: found for swarm in world.known() if (found := world.placed(swarm)) is not None}
    _, entries = written(folders)
    rented = {one.lease: one for one in placed.values() if one.lease}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        own = pool.map(lambda name: _own(name, folders, world, placed.keys()), entries)
        others = pool.map(lambda lease: _rented(lease, world), rented)
        return (*own, *others)


def _own(name: str, folders: Sequence[Path], world: World, swarms: Iterable[str]) -> HostLine:
    mine = tuple(
        one for one in swarms if (there := world.placed(one)) and not there.lease and there.reached.name == name
    )
    try:
        host = find(name, folders, world.state)
    except SwarmctlError as e:
        return HostLine(name, "", swarms=mine, problem=e.message)
    where = f"{host.user}@{host.address}" + ("" if host.port == 22 else f":{host.port}")
    facts, problem = _look(Line(host, private(world.state / "lines"), patience=_PATIENCE))
    return HostLine(name, where, swarms=mine, facts=facts, problem=problem)


def _rented(lease: str, world: World) -> HostLine:
    swarms = tuple(one for one in world.known() if (there := world.placed(one)) and there.lease == lease)
    there = world.placed(swarms[0])
    assert there is not None  # noqa: S101 - it was found by it
    host = there.reached
    facts, problem = _look(Line(host, private(world.state / "lines"), patience=_PATIENCE))
    return HostLine(host.name, f"{host.user}@{host.address}:{host.port}", lease, swarms, facts, problem)


def _look(line: Line) -> tuple[HostFacts | None, str]:
    try:
        with line:
            return look(line, seconds=_PATIENCE * 4), ""
    except SwarmctlError as e:
        return None, e.message
