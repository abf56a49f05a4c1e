"""`up` that rents is killed before and after every effect: afterwards there is one machine, or none, never two."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fakes.simulated import Simulation, simulation
from swarmctl import assets
from swarmctl.commands import hiring, rejoining
from swarmctl.core.placed import Placed
from swarmctl.core.specfile import Override
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.providers.giving import give_back, rented
from swarmctl.effects.providers.here import vast_over
from swarmctl.effects.providers.transport import Answer, Transport
from swarmctl.effects.specs import open_spec
from swarmctl.effects.store import ModelStore
from swarmctl.effects.timeline import Timeline
from swarmctl.effects.world import World

FLAGS = [Override(("target", "vast", "gpu"), "a100", "--gpu"), Override(("target", "vast", "budget"), 25, "--budget")]
OPENED = open_spec(assets.root() / "inventory" / "swarms" / "seven.yml", FLAGS)


class Killed(BaseException):
    """The process is no more."""


@dataclass
class Deaths:
    """Counts effects, and ends the process at one of them; what is dead does nothing more. at: 0 for never."""

    at: int
    after: bool
    count: int = 0
    dead: bool = False

    def effect(self, do: Callable[[], Any]) -> Any:
        if self.dead:
            raise Killed
        self.count += 1
        if self.count != self.at:
            return do()
        self.dead = True
        if self.after:
            do()
        raise Killed


@dataclass
class Mortal:
    """A transport whose calls are effects."""

    inner: Transport
    deaths: Deaths

    def send(self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None) -> Answer:
        answer: Answer = self.deaths.effect(lambda: self.inner.send(method, path, query, body))
        return answer


def _rents(sim: Simulation, folder: Path, deaths: Deaths, patch: pytest.MonkeyPatch) -> None:
    """One process from its first word to a machine that is prepared."""
    world = World(sim.time, Ledger(folder / "ledger.sqlite", sim.time), ModelStore(folder / "models"), folder)
    market = vast_over(Mortal(sim.transport, deaths), folder, sim.time)

    def prepare(me: object, lease: Any, *_: object) -> None:
        there = lease.addresses[0]
        host = {"name": "slot-0", "address": there.host, "port": there.port}
        deaths.effect(lambda: world.put(Placed(swarm="seven", host=host, lease=lease.id)))
        deaths.effect(lambda: world.put(Placed(swarm="seven", host=host, lease=lease.id, prepared="1")))

    patch.setattr(hiring, "_prepare", prepare)
    patch.setattr(rejoining, "docker_answers", lambda _: True)
    patch.setattr(hiring, "watch", lambda *_: None)
    line = Timeline(sim.time)
    assert hiring.hired(OPENED, world, approve=lambda *_: True, say=lambda _: None, line=line, market=market)


def _world(sim: Simulation, folder: Path) -> World:
    return World(sim.time, Ledger(folder / "ledger.sqlite", sim.time), ModelStore(folder / "models"), folder)


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_whatever_kills_it_the_next_up_has_one_machine_and_down_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    whole = Deaths(0, after)
    _rents(simulation(seed=5, folder=tmp_path / "0"), tmp_path / "0", whole, monkeypatch)
    assert whole.count > 10
    for at in range(1, whole.count + 1):
        folder = tmp_path / str(at)
        sim = simulation(seed=5, folder=folder)
        with pytest.raises(Killed):
            _rents(sim, folder, Deaths(at, after), monkeypatch)
        assert len(sim.billing()) <= 1, at
        _rents(sim, folder, Deaths(0, after), monkeypatch)
        assert len(sim.billing()) == 1, at
        for lease in rented("seven", _world(sim, folder)):
            give_back(lease, "seven", _world(sim, folder), sim.vast)
        assert sim.billing() == [], at
