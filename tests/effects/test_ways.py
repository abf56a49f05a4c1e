"""The ways to the machines that a swarm is on, made again before it is asked for something."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from swarmctl.core.hosts import Host
from swarmctl.core.placed import Placed
from swarmctl.core.record import ServiceRecord, SwarmRecord
from swarmctl.effects import files
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import HostError, SpecError


class Way:
    """To one machine, which may be away."""

    def __init__(self, *, away: bool = False) -> None:
        self.away, self.ports = away, list[int]()

    def forward(self, ports: Sequence[int]) -> None:
        if self.away:
            raise HostError("box does not answer")
        self.ports = list(ports)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(SystemClock(), Ledger(tmp_path / "l.sqlite", SystemClock()), ModelStore(tmp_path / "m"), tmp_path)


def brought_up(world: World, swarm: str, port: int, way: Any = None) -> None:
    service = ServiceRecord(
        name="agent-orchestrator", kind="agent", subject="orchestrator", settings={}, needs=(), port=port
    )
    record = SwarmRecord(swarm=swarm, slot="slot-0", services=(service,), floor=1.0, test=None)
    files.write_json(world.places(swarm).record, record.model_dump(mode="json"))
    if way is not None:
        world.put(Placed(swarm=swarm, host=asdict(Host("box", "localhost"))))
        world._distant[swarm] = way


def test_a_swarm_of_this_machine_needs_none(world: World) -> None:
    brought_up(world, "team", 21000)
    assert world.reached("team").ports == {"agent-orchestrator": 21000}


def test_its_ports_are_reached_again(world: World) -> None:
    way = Way()
    brought_up(world, "team", 21000, way)
    world.reached("team")
    assert way.ports == [21000]


def test_a_machine_that_is_away_is_an_error(world: World) -> None:
    brought_up(world, "team", 21000, Way(away=True))
    with pytest.raises(HostError, match="does not answer"):
        world.reached("team")


def test_of_several_machines_one_may_be_away(world: World) -> None:
    brought_up(world, "team", 21000)
    lost, there, other = Way(away=True), Way(), Way()
    brought_up(world, "team_cards", 21001, lost)
    brought_up(world, "team_desk", 21002, there)
    brought_up(world, "teams_desk", 21003, other)
    world.reached("team")
    assert (there.ports, other.ports) == ([21002], []), "and those of other swarms are left alone"


def test_what_is_not_up_is_said(world: World) -> None:
    with pytest.raises(SpecError, match="is not up"):
        world.reached("team")
