"""Specialists in a swarm file are folded into their base before anything is converted, where the plan wants it."""

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.specialists import Shape, direction, peft, publish, weights, without
from swarmctl.commands import sharing
from swarmctl.commands.convert import Wish
from swarmctl.commands.folding import Hands
from swarmctl.commands.sharing import Folded, folded
from swarmctl.core.hardware.box import Box
from swarmctl.core.spec import SwarmSpec
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.converting.tools import OnThisMachine, Tools
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import CapacityError, SpecError

SHAPE = Shape(width=64, ffn=128, words=320)
WEIGHTS = weights(SHAPE)
PARTS = ("o_proj", "down_proj", "embed_tokens")


@pytest.fixture
def world(tmp_path: Path) -> World:
    publish(tmp_path / "coder", SHAPE, WEIGHTS)
    publish(tmp_path / "docs", SHAPE, without(WEIGHTS, direction(64, 1)))
    publish(tmp_path / "testing", SHAPE, without(WEIGHTS, direction(64, 2), parts=PARTS))
    clock = SystemClock()
    return World(clock, Ledger(tmp_path / "l.sqlite", clock), ModelStore(tmp_path / "models"), tmp_path / "state")


def swarm(tmp_path: Path, *specialists: str, **changes: Any) -> SwarmSpec:
    models: dict[str, Any] = {"coder": {"path": str(tmp_path / "coder"), "quant": "Q8_0"}}
    models |= {name: {"path": str(tmp_path / name), "base": "coder"} for name in specialists}
    roles = {"orchestrator": {"model": "coder"}, **{name: {"model": name} for name in specialists}}
    value = {
        "name": "s", "runtime": "compose", "models": models, "roles": roles, "limits": {"output": 64},
        "engine": {"kind": "llamacpp", "context": 512}, "placement": {"architecture": "shared-base"}, **changes,
    }  # fmt: skip
    return SwarmSpec.model_validate(value)


def here() -> Tools:
    return OnThisMachine("unused", "v", sys.executable)


def nobody() -> Tools:
    raise AssertionError("everything is there")


def fold(spec: SwarmSpec, world: World, by: Callable[[], Tools] = here, said: list[str] | None = None) -> Folded:
    return folded(spec, "Q8_0", Hands(world, Wish(memory=1000), by, ([] if said is None else said).append))


@pytest.mark.slow
def test_specialists_become_adapters_in_the_store_and_are_made_once(world: World, tmp_path: Path) -> None:
    spec, said = swarm(tmp_path, "docs", "testing"), list[str]()
    made = fold(spec, world, said=said)
    assert "docs: shares coder" in said
    assert made.spec.placement.architecture == "shared-base"
    for name in ("docs", "testing"):
        source = made.spec.models[name]
        held = world.store.held(source)
        assert held is not None
        assert held.facts.adapter
        assert (source.base, source.sha256) == ("coder", held.sha256)
        assert held.blob.read_bytes()[:4] == b"GGUF"
    assert made.spec.models["coder"] == spec.models["coder"]
    names = {name for name, _ in made.bases["coder"].over}
    assert "model-head.safetensors" in names, "an adapter of a tied embedding needs a head"
    assert fold(spec, world, nobody) == made


@pytest.mark.slow
def test_a_base_without_such_an_adapter_keeps_its_tied_head(world: World, tmp_path: Path) -> None:
    assert fold(swarm(tmp_path, "docs"), world).bases["coder"].over == ()


@pytest.mark.slow
def test_an_adapter_that_somebody_changed_is_made_anew(world: World, tmp_path: Path) -> None:
    spec = swarm(tmp_path, "docs")
    first = fold(spec, world).spec.models["docs"]
    assert first.path is not None
    path = Path(first.path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-4] + b"oops")
    assert fold(spec, world).spec.models["docs"] == first
    assert path.read_bytes() == whole


@pytest.mark.slow
def test_an_adapter_as_peft_saves_it_is_rewritten(world: World, tmp_path: Path) -> None:
    a, b = direction(64, 3)[None, :], direction(64, 4)[:, None]
    peft(tmp_path / "lora", {"model.layers.0.self_attn.o_proj": (a, b)})
    source = fold(swarm(tmp_path, "lora"), world).spec.models["lora"]
    assert (held := world.store.held(source)) is not None
    assert held.facts.adapter


@pytest.mark.slow
def test_who_differs_too_much_is_refused_with_what_to_write(world: World, tmp_path: Path) -> None:
    publish(tmp_path / "stranger", SHAPE, weights(SHAPE, 9))
    with pytest.raises(SpecError, match="1 of 2 specialists differ") as e:
        fold(swarm(tmp_path, "docs", "stranger"), world)
    assert "leave `base` out of models.stranger" in e.value.hint
    assert "It needs a model of its own" in e.value.detail


@pytest.mark.slow
def test_a_rank_that_would_do_is_named_as_the_file_has_it(world: World, tmp_path: Path) -> None:
    gone = [direction(64, seed) for seed in range(20)]
    publish(tmp_path / "wide", SHAPE, without(WEIGHTS, *gone))
    with pytest.raises(SpecError, match="rank 16 can hold") as e:
        fold(swarm(tmp_path, "docs", "wide"), world)
    found = re.search(r"placement: \{max_rank: (\d+)\}", e.value.hint)
    assert found
    named = {"architecture": "shared-base", "max_rank": int(found[1])}
    shared = fold(swarm(tmp_path, "docs", "wide", placement=named), world).spec
    assert shared.models["wide"].sha256 is not None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"engine": {"kind": "ollama"}}, "needs engine.kind: llamacpp, not ollama"),
        ({"models": "gguf"}, "name its folder or repository, not path:"),
    ],
)
def test_what_cannot_be_shared_is_said_before_anything_is_read(
    world: World, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    if "models" in changes:
        (tmp_path / "m.gguf").touch()
        docs = {"path": str(tmp_path / "docs"), "base": "coder"}
        changes = {"models": {"coder": {"path": str(tmp_path / "m.gguf")}, "docs": docs}}
    with pytest.raises(SpecError, match=said):
        fold(swarm(tmp_path, "docs", **changes), world, nobody)


def test_a_swarm_without_edits_is_left_as_it_is(world: World, tmp_path: Path) -> None:
    spec = swarm(tmp_path)
    assert fold(spec, world, nobody).spec is spec


def test_separate_has_weights_for_each(world: World, tmp_path: Path) -> None:
    spec = swarm(tmp_path, "docs", placement={"architecture": "separate"})
    made = fold(spec, world, nobody).spec
    assert made.models["docs"] == spec.models["docs"].model_copy(update={"base": None})


@pytest.mark.slow
def test_auto_shares_where_nothing_else_fits(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine has room for three processes, for one, and for none."""
    spec = swarm(tmp_path, "docs", "testing", placement={"architecture": "auto"})
    room = Box("here", ram=64000, cores=2)
    monkeypatch.setattr(sharing, "_box", lambda _spec, _world: room)
    apart = fold(spec, world, nobody).spec
    assert [source.base for source in apart.models.values()] == [None, None, None]
    room = replace(room, ram=380)
    shared = fold(spec, world).spec
    assert shared.placement.architecture == "shared-base"
    assert shared.models["docs"].sha256 is not None
    room = replace(room, ram=100)
    with pytest.raises(CapacityError, match="RAM"):
        fold(spec, world, nobody)
