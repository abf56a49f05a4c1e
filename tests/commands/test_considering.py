"""Which machine would be rented: one for containers, a container where none will do, and never one of no use."""

from pathlib import Path
from typing import Any

import pytest

from fakes.simulated import Simulation, simulation
from swarmctl.commands import rejoining
from swarmctl.commands.considering import Considered, considered
from swarmctl.commands.formed import formed
from swarmctl.commands.renter import Renter
from swarmctl.core.hostfacts import HostFacts
from swarmctl.core.machine import Machine
from swarmctl.core.placed import Placed
from swarmctl.core.specfile import Override
from swarmctl.core.target import VastTarget
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.providers.here import lease_book
from swarmctl.effects.specs import Opened, open_spec
from swarmctl.effects.store import ModelStore
from swarmctl.effects.timeline import Timeline
from swarmctl.effects.world import World
from swarmctl.errors import CapacityError, LockedError

FILE = """\
name: mine
target: {vast: {gpu: a100}}
models: {m: {hf: Qwen/Qwen2.5-Coder-3B-Instruct, quant: Q4_K_M}}
roles: {orchestrator: {model: m}}
"""
NO_VM = Override(("target", "vast", "where"), "vms_enabled=false", "--where")


@pytest.fixture
def sim(tmp_path: Path) -> Simulation:
    return simulation("", seed=5, folder=tmp_path / "market")


@pytest.fixture
def world(tmp_path: Path, sim: Simulation) -> World:
    return World(sim.time, Ledger(tmp_path / "ledger.sqlite", sim.time), ModelStore(tmp_path / "models"), tmp_path)


def _opened(folder: Path, *flags: Override, more: str = "") -> Opened:
    (folder / "swarm.yml").write_text(FILE + more)
    return open_spec(folder / "swarm.yml", flags)


def _thought(opened: Opened, world: World, sim: Simulation) -> Considered:
    return considered(opened, world, sim.vast)


def test_a_virtual_machine_comes_first_and_nothing_is_said_of_it(tmp_path: Path, world: World, sim: Simulation) -> None:
    thought = _thought(_opened(tmp_path), world, sim)
    assert thought.choice.offer.vm
    assert (thought.opened.spec.runtime, thought.agreed.notes) == ("compose", ())


def test_without_one_a_container_is_offered_and_it_is_said_why_and_what_is_lost(
    tmp_path: Path, world: World, sim: Simulation
) -> None:
    thought = _thought(_opened(tmp_path, NO_VM), world, sim)
    assert not thought.choice.offer.vm
    assert (thought.opened.spec.runtime, thought.opened.spec.engine.kind) == ("process", "llamacpp")
    said = "\n".join(thought.agreed.notes)
    assert "a container, since no virtual machine will do" in said
    assert "without walls between agents" in said
    assert "models run on its card by the llama-server of" in said
    assert thought.agreed.as_json()["notes"] == list(thought.agreed.notes)


@pytest.mark.parametrize("more", ["runtime: compose\n", "engine: {kind: ollama}\n"])
def test_who_asks_for_containers_gets_no_other_thing(tmp_path: Path, world: World, sim: Simulation, more: str) -> None:
    with pytest.raises(CapacityError, match="no offer will do"):
        _thought(_opened(tmp_path, NO_VM, more=more), world, sim)


@pytest.mark.parametrize(
    ("device", "ram", "said"), [("gpu", range(1, 2000), "run on its card"), ("cpu", range(2000, 9000), "is not used")]
)
def test_processes_that_are_asked_for_are_had_with_any_machine_and_memory_where_their_models_are(
    tmp_path: Path, world: World, sim: Simulation, device: str, ram: range, said: str
) -> None:
    where = Override(("models", "m", "device"), device, "--set")
    thought = _thought(_opened(tmp_path, where, more="runtime: process\n"), world, sim)
    assert thought.opened.spec.runtime == "process"
    assert thought.choice.card.ram in ram, "MiB of the machine's own memory"
    assert any(said in note for note in thought.agreed.notes)


@pytest.mark.parametrize(
    ("path", "value"), [(("engine", "kind"), "ollama"), (("models", "m", "device"), "experts-on-cpu")]
)
def test_what_processes_cannot_serve_is_refused_before_a_machine_is_paid_for(
    tmp_path: Path, world: World, sim: Simulation, path: tuple[str, ...], value: str
) -> None:
    with pytest.raises(CapacityError, match=r"needs Docker|served by containers alone"):
        _thought(_opened(tmp_path, Override(path, value, "--set"), more="runtime: process\n"), world, sim)
    assert sim.billing() == []


def _placed(world: World, runtime: str) -> None:
    host = {"name": "slot-0", "address": "localhost"}
    world.put(Placed(swarm="mine", host=host, lease="7", prepared="process", runtime=runtime))  # type: ignore[arg-type]


def test_a_swarm_that_was_put_on_a_container_stays_of_processes(tmp_path: Path, world: World) -> None:
    opened = _opened(tmp_path)
    assert formed(opened, world) is opened
    _placed(world, "process")
    assert formed(opened, world).spec.runtime == "process"
    _placed(world, "compose")
    assert formed(opened, world) is opened


@pytest.mark.parametrize(("more", "placed"), [("runtime: compose\n", "process"), ("runtime: process\n", "compose")])
def test_a_file_that_now_says_the_other_kind_is_told_to_go_down_first(
    tmp_path: Path, world: World, more: str, placed: str
) -> None:
    _placed(world, placed)
    with pytest.raises(LockedError, match="runs as") as caught:
        formed(_opened(tmp_path, more=more), world)
    assert caught.value.hint.startswith("swarmctl down --swarm mine")


@pytest.mark.parametrize(("systemd", "runtime"), [(True, "compose"), (False, "process")])
def test_a_machine_that_a_colleague_rented_is_taken_for_what_it_is(
    tmp_path: Path, world: World, sim: Simulation, monkeypatch: pytest.MonkeyPatch, systemd: bool, runtime: str
) -> None:
    """By what it has, since a lease does not say whether it is a container."""
    opened = _opened(tmp_path)
    target = opened.spec.target.vast or VastTarget.model_validate({})
    book, line = lease_book(world.state, world.clock), Timeline(world.clock)
    me = Renter(opened, target, world, sim.vast, book, lambda _: None, line)
    machine = Machine("box", "Linux x86_64", 4, 8000, 7000, 90000)
    monkeypatch.setattr(rejoining, "look", lambda _: HostFacts(machine, systemd=systemd))
    reached: Any = None
    assert rejoining.as_found(me, reached).opened.spec.runtime == runtime
