"""Published weights in a swarm file become files in the store before the swarm is brought up."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from effects.converting.test_looking import make
from fakes.ggufs import Shape, write_model
from swarmctl.commands.convert import Wish, convert, decide
from swarmctl.commands.converted import converted, ready
from swarmctl.commands.convertible import of_swarm
from swarmctl.core.plan import Verb
from swarmctl.core.reconcile import reconcile
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.specfile import Loaded
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.converting import bench
from swarmctl.effects.converting.results import Result, Results
from swarmctl.effects.converting.tools import OnThisMachine
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.observe import observe, source_seen
from swarmctl.effects.sources.localfile import sha256
from swarmctl.effects.specs import Opened
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import HostError


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(bench, "tools", lambda: OnThisMachine("convert", "t", "python3"))
    clock = SystemClock()
    return World(clock, Ledger(tmp_path / "l.sqlite", clock), ModelStore(tmp_path / "models"), tmp_path / "state")


def _spec(**models: dict[str, Any]) -> SwarmSpec:
    roles = {"orchestrator": {"model": next(iter(models))}} | {f"role-{n}": {"model": n} for n in models}
    return SwarmSpec.model_validate({"name": "s", "models": models, "roles": roles})


def _held(world: World, spec: SwarmSpec, tmp_path: Path, *, certify: bool = False) -> None:
    """Results as an earlier conversion left them."""
    decided = decide(of_swarm(spec, ("Q4_K_M",)), Wish(certify=certify), world)
    file = write_model(tmp_path / "m.gguf", Shape())
    results = Results(world.store)
    results.work()
    for group in decided.graph.groups:
        for quant, key in group.wanted.items():
            copy = shutil.copy(file, tmp_path / "copy.gguf")
            held = world.store.take(f"made:{key}", Path(copy), sha256(file, lambda _d, _t: None))
            results.put(Result(key, "m", quant, held.sha256, held.bytes, held.key, "t", 100, certified=certify))


def test_a_folder_becomes_the_file_that_was_made_of_it(world: World, tmp_path: Path) -> None:
    folder = str(make(tmp_path / "coder"))
    spec = _spec(a={"path": folder, "quant": "Q8_0", "device": "cpu"}, b={"path": folder})
    _held(world, spec, tmp_path)
    served = converted(spec, world, lambda _e: None, lambda _l: None, Wish(certify=False))
    one = served.models["a"]
    assert one.path is not None
    assert Path(one.path).name == f"sha256-{one.sha256}"
    assert Path(one.path).is_file()
    assert one.device == "cpu"
    assert served.models["b"].sha256 is not None
    assert world.store.held(f"path:{folder}#Q8_0") is not None


def test_a_plan_after_a_conversion_loads_nothing(world: World, tmp_path: Path) -> None:
    """Weights of one content under two names, one of which was converted in another folder before."""
    spec = _spec(a={"path": str(make(tmp_path / "coder")), "quant": "Q8_0"})
    _held(world, spec, tmp_path, certify=True)
    shutil.copytree(tmp_path / "coder", tmp_path / "same")
    both = _spec(
        a={"path": str(tmp_path / "coder"), "quant": "Q8_0"}, b={"path": str(tmp_path / "same"), "quant": "Q8_0"}
    )
    served = converted(both, world, lambda _e: None, lambda _l: None)
    assert all(source_seen(source, world).held for source in served.models.values())
    opened = Opened(Loaded(served, "", {}), served, dict.fromkeys(served.roles, ""))
    steps = reconcile(served, observe(opened, world)).steps
    assert [step for step in steps if step.verb == Verb.LOAD] == []


def test_a_swarm_of_ready_files_is_left_as_it_is(world: World, tmp_path: Path) -> None:
    spec = _spec(a={"path": str(write_model(tmp_path / "m.gguf", Shape()))})
    assert converted(spec, world, lambda _e: None, lambda _l: None) is spec


class Building:
    """A machine whose converter is built when it is first wanted, of the same tools as an earlier one."""

    far = False

    def __init__(self, version: str) -> None:
        self._version = version

    def __getattr__(self, name: str) -> Any:
        return getattr(bench.HERE, name)

    def tools(self) -> OnThisMachine:
        return OnThisMachine("convert", "", "python3")

    def provided(self, _found: object, _tell: object = None) -> OnThisMachine:
        return OnThisMachine("convert", self._version, str(Path("/nowhere/python")))


def test_a_converter_that_was_built_anew_of_equal_tools_converts_nothing(world: World, tmp_path: Path) -> None:
    spec = _spec(a={"path": str(make(tmp_path / "coder")), "quant": "Q8_0"})
    _held(world, spec, tmp_path, certify=True)
    decided = decide(of_swarm(spec, ("Q8_0",)), Wish(), world, Building("t"))
    assert not decided.is_empty, "nobody knows yet which tools it will be"
    report = convert(decided, world, lambda _e: None)
    assert report.peak == 0
    assert [one.quant for one in report.results] == ["Q8_0"]
    other = decide(of_swarm(spec, ("Q8_0",)), Wish(), world, Building("another"))
    with pytest.raises(HostError, match="nowhere"):
        convert(other, world, lambda _e: None)


def test_what_is_there_already_is_found_and_what_is_not_is_left(world: World, tmp_path: Path) -> None:
    """As `plan` and `render` see a swarm: they make nothing."""
    spec = _spec(a={"path": str(make(tmp_path / "coder")), "quant": "Q8_0"})
    assert ready(spec, world) is spec
    _held(world, spec, tmp_path, certify=True)
    found = ready(spec, world)
    assert found.models["a"].sha256 is not None
    assert found == converted(spec, world, lambda _e: None, lambda _l: None)
    gone = _spec(a={"path": str(tmp_path / "nowhere"), "quant": "Q8_0"})
    assert ready(gone, world) == gone
