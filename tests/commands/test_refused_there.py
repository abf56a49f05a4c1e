"""A machine that was just rented and cannot carry the swarm is held for a quarter of an hour, not for its idle time."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from swarmctl.commands import up as command
from swarmctl.commands.up import Before, up
from swarmctl.core.placed import Placed
from swarmctl.core.plan import Plan
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.hosts import holding
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.specs import open_spec
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import CapacityError

FILE = """
name: mine
runtime: process
target: {vast: {gpu: a100}}
models: {a: {package: x==1, file: x.gguf}}
roles: {orchestrator: {model: a}}
"""


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Machines whose guards were told of a nearer end."""
    found: list[str] = []
    monkeypatch.setattr(holding, "hold", lambda placed, _world: not found.append(placed.lease))
    return found


def refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, lease: str, runs: bool = False, keep: bool = False
) -> CapacityError:
    """What `up` says whose plan for the machine is refused. runs: something of the swarm runs there already."""
    world = World(SystemClock(), Ledger(folder / "ledger.sqlite", SystemClock()), ModelStore(folder / "m"), folder)
    seen = SimpleNamespace(prepared=runs, services=(), strays=(), compose=None)
    monkeypatch.setattr(command, "observe", lambda *_, **__: seen)
    monkeypatch.setattr(command, "reconcile", lambda *_: Plan("mine", refusals=("models.a: no card can be used",)))
    world.put(Placed(swarm="mine", host={"name": "slot-0", "address": "localhost"}, lease=lease, runtime="process"))
    (folder / "swarm.yml").write_text(FILE)
    opened = open_spec(folder / "swarm.yml")
    with pytest.raises(CapacityError, match="no card can be used") as told:
        up(opened, world, approve=lambda _: True, tell=lambda _: None, keep=keep, before=Before(host=lambda *_: True))
    return told.value


def test_it_is_held_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: list[str]) -> None:
    said = refused(tmp_path, monkeypatch, lease="7")
    assert held == ["7"]
    assert said.detail == "machine 7 is held for 15 minutes, and ends itself then"
    assert said.hint == "swarmctl plan; or end it now: swarmctl down --swarm mine"


@pytest.mark.parametrize("how", [{"lease": ""}, {"lease": "7", "runs": True}, {"lease": "7", "keep": True}])
def test_ones_own_one_at_work_and_one_that_is_to_be_kept_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: list[str], how: dict[str, object]
) -> None:
    refused(tmp_path, monkeypatch, **how)  # type: ignore[arg-type]
    assert held == []
