"""Conversions by the real tools in the real image: kept once, continued after a kill, and served."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fakes import tinymodels, walking
from fakes.grounded import docker, ollama, stands
from fakes.smollm import smollm
from swarmctl.commands.carry import proofs
from swarmctl.commands.convert import Decided, Report, Wish, convert, decide
from swarmctl.commands.convertible import named
from swarmctl.commands.register import register
from swarmctl.core.lock import Lock
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.converting.tools import IMAGE, LABEL
from swarmctl.effects.gguf import read_gguf
from swarmctl.effects.imaging import provide
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import HealthError, HostError, SpecError

pytestmark = [pytest.mark.ground, pytest.mark.slow]

PLAIN = Wish(certify=False)
"""What certificates prove has tests of its own; here it is what becomes of files."""


@pytest.fixture(scope="module", autouse=True)
def _image() -> None:
    stands("engine", "forky")
    provide(IMAGE, lock=Lock())


@pytest.fixture
def world(tmp_path: Path) -> World:
    clock = SystemClock()
    return World(clock, Ledger(tmp_path / "ledger.sqlite", clock), ModelStore(tmp_path / "models"), tmp_path / "state")


def _quiet(_event: object) -> None:
    pass


def _convert(world: World, wish: Wish, quants: tuple[str, ...], *sources: Path) -> tuple[Decided, Report]:
    decided = decide(named([str(source) for source in sources], quants), wish, world)
    return decided, convert(decided, world, _quiet)


def _left(world: World) -> list[str]:
    return sorted(path.name for path in (world.store.root / "incoming" / "convert").iterdir())


def test_two_models_one_in_shards_become_what_was_planned_and_a_second_time_nothing_is_done(
    world: World, tmp_path: Path
) -> None:
    whole = tinymodels.make(tmp_path / "whole", "Qwen2ForCausalLM")
    shards = tinymodels.make(tmp_path / "shards", "Qwen2ForCausalLM", seed=2, shards=3, tied=False, dtype="f16")
    decided, report = _convert(world, PLAIN, ("Q4_K_M", "Q8_0"), whole, shards)
    report.check()
    assert {(one.name, one.quant) for one in report.results} == {
        (name, quant) for name in ("whole", "shards") for quant in ("Q4_K_M", "Q8_0")
    }
    for one in report.results:
        held = world.store.held(one.held)
        assert held is not None
        assert held.sha256 == one.sha256
        assert held.facts.weights.quant == one.quant
    planned = {(g.source.asked.name, n.label): n.bytes for g in decided.graph.groups for n in g.nodes if n.label}
    for one in report.results:
        assert 0.5 * planned[one.name, one.quant] <= one.bytes <= planned[one.name, one.quant]
    assert report.peak <= decided.schedule.peak
    assert _left(world) == []

    again, second = _convert(world, PLAIN, ("Q4_K_M", "Q8_0"), whole, shards)
    assert again.is_empty
    assert {one.sha256 for one in second.results} == {one.sha256 for one in report.results}


def test_a_conversion_is_proved_and_a_wrong_one_is_not_registered(world: World, tmp_path: Path) -> None:
    good = tinymodels.make(tmp_path / "good", "Qwen2ForCausalLM")
    bad = tinymodels.make(tmp_path / "bad", "Qwen2ForCausalLM", seed=3)

    def break_(tensors: dict[str, Any]) -> None:
        tensors["model.norm.weight"][3] = float("nan")

    tinymodels.edit(bad, break_)
    wanted = [*named([str(good)], ("Q8_0",)), *named([str(bad)], ("BF16",))]
    report = convert(decide(wanted, Wish(), world), world, _quiet)
    (kept,) = report.results
    assert (kept.name, kept.certified) == ("good", True)
    assert kept.divergence is not None
    assert kept.divergence < 0.1
    (shown,) = proofs(world, ["good"])
    assert shown.certificate is not None
    assert shown.certificate.refusals() == ()
    with pytest.raises(HealthError) as caught:
        report.check()
    assert "bad" in caught.value.message
    assert [one.key for one in world.store.all()] == [kept.held]
    assert _left(world) == []
    _, again = _convert(world, PLAIN, ("Q8_0",), bad)
    with pytest.raises(SpecError, match="no numbers"):
        again.check()


def test_killed_in_the_middle_it_leaves_nothing_under_a_final_name_and_the_next_goes_on(
    world: World, tmp_path: Path
) -> None:
    source = tinymodels.make(tmp_path / "model", "Qwen2ForCausalLM", hidden=256)
    program = walking.__file__
    child = subprocess.Popen([sys.executable, program, str(tmp_path), str(source)], start_new_session=True)
    work = tmp_path / "models" / "incoming" / "convert"
    try:
        _until(lambda: any(_parts(work, "gguf", part=False)), child)
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    _until(lambda: not docker("ps", "-q", "--filter", f"label={LABEL}").split(), None)
    blobs = tmp_path / "models" / "blobs"
    assert not blobs.exists() or not list(blobs.iterdir())
    made = _parts(work, "gguf", part=False)
    before = {path.name: path.stat().st_mtime_ns for path in made}
    steps: list[str] = []
    decided = decide(named([str(source)], ("Q4_K_M", "Q8_0")), PLAIN, world)
    report = convert(decided, world, lambda event: steps.append(event.node.step))
    report.check()
    assert before
    assert "convert" not in steps
    assert {one.quant for one in report.results} == {"Q4_K_M", "Q8_0"}
    for one in report.results:
        assert read_gguf(world.store.root / "blobs" / f"sha256-{one.sha256}").weights.quant == one.quant


def _parts(work: Path, suffix: str, *, part: bool) -> list[Path]:
    found = list(work.glob(f"*.{suffix}")) if work.is_dir() else []
    return [path for path in found if (".part." in path.name) == part]


def _until(done: object, child: "subprocess.Popen[bytes] | None") -> None:
    assert callable(done)
    until = time.monotonic() + 120
    while not done():
        assert child is None or child.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < until
        time.sleep(0.05)


def test_too_little_memory_is_said_and_all_space_is_given_back(world: World, tmp_path: Path) -> None:
    source = tinymodels.make(tmp_path / "model", "Qwen2ForCausalLM", hidden=256)
    decided = decide(named([str(source)], ("Q8_0",)), PLAIN, world)
    tight = Decided(
        decided.graph, decided.schedule, decided.budget.__class__(None, 4000, 2), decided.seen, {},
        _Cramped(decided.tools), PLAIN, decided.options,
    )  # fmt: skip
    report = convert(tight, world, _quiet)
    with pytest.raises(HostError, match="memory"):
        report.check()
    assert _left(world) == []
    assert not (world.store.root / "blobs").exists()


class _Cramped:
    """The same tools in a container that is too small for them, whatever the plan says."""

    def __init__(self, tools: object) -> None:
        self._tools = tools

    def __getattr__(self, name: str) -> object:
        return getattr(self._tools, name)

    def argv(self, work: Path, memory: int) -> list[str]:
        found: list[str] = self._tools.argv(work, 420)  # type: ignore[attr-defined]
        return found


def test_a_ready_file_passes_through_and_another_quantisation_is_made_of_it_and_served(world: World) -> None:
    stands("ollama")
    source = smollm()
    _, report = _convert(world, Wish(), ("Q4_1", "Q8_0"), source)
    report.check()
    by = {one.quant: one for one in report.results}
    assert all(one.certified for one in report.results)
    assert by["Q4_1"].divergence is None
    assert by["Q8_0"].divergence is not None
    assert by["Q8_0"].divergence < 0.05
    for shown in proofs(world, []):
        assert shown.certificate is not None
        assert shown.certificate.against == "file"
        assert shown.certificate.refusals() == ()
        assert {one.verdict for one in shown.certificate.template.dialogues} <= {"same", "not in this template"}  # type: ignore[union-attr]
    assert by["Q4_1"].bytes == source.stat().st_size
    assert by["Q8_0"].bytes > by["Q4_1"].bytes
    with ollama("ollama/ollama:0.32.15", OLLAMA_MODELS="/tmp/models") as server:
        said = list(register([by["Q8_0"]], world, server.url, {by["Q8_0"].held: 512}))
        assert said[0].endswith("new; a context of 512 tokens")
        name = f"{by['Q8_0'].name}:q8_0"
        answer = server.ask(
            "chat", model=name, stream=False, options={"temperature": 0, "num_predict": 16},
            messages=[{"role": "user", "content": "What is the capital of France? Answer in one word."}],
        )  # fmt: skip
        assert "Paris" in answer["message"]["content"]
        (again,) = register([by["Q8_0"]], world, server.url)
        assert again == f"{name}: num_ctx 512 → 8192; a context of 8,192 tokens"
