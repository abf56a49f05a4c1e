"""A base and its specialists from a model hub: fetched, folded, given back, and known without the hub afterwards."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes.modelhub import COMMIT, ModelHub
from fakes.specialists import Shape, direction, peft, publish, weights, without
from swarmctl.commands.convert import Wish
from swarmctl.commands.converted import needs
from swarmctl.commands.folding import Hands, MissingError
from swarmctl.commands.sharing import Folded, folded
from swarmctl.commands.upcoming import upcoming
from swarmctl.core.spec import SwarmSpec
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.converting import bench
from swarmctl.effects.converting.tools import OnThisMachine, Tools
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import HostError, SpecError

pytest.importorskip("huggingface_hub", reason="needs huggingface_hub: pip install 'swarmctl[convert]'")

SHAPE = Shape(width=64, ffn=128, words=320)


def served(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelHub]:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own-cache"))
    monkeypatch.setattr(bench, "tools", lambda: OnThisMachine("convert", "t", "python3"))
    base = weights(SHAPE)
    half = (np.ones((2, 128), np.float32), np.full((64, 2), 0.01, np.float32))
    with ModelHub() as found:
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        found.repositories["me/coder"] = served(publish(tmp_path / "1", SHAPE, base))
        found.repositories["me/docs"] = served(publish(tmp_path / "2", SHAPE, without(base, direction(64, 1))))
        found.repositories["me/tuned"] = served(peft(tmp_path / "3", {"model.layers.0.mlp.down_proj": half}))
        yield found


@pytest.fixture
def world(tmp_path: Path) -> World:
    clock = SystemClock()
    return World(clock, Ledger(tmp_path / "l.sqlite", clock), ModelStore(tmp_path / "models"), tmp_path / "state")


def swarm(*specialists: str, revision: str = "main") -> SwarmSpec:
    models: dict[str, Any] = {"coder": {"hf": "me/coder", "quant": "Q8_0", "revision": revision}}
    edit = {"quant": "Q8_0", "base": "coder", "revision": revision}
    models |= {name: {"hf": f"me/{name}", **edit} for name in specialists}
    roles = {"orchestrator": {"model": "coder"}, **{name: {"model": name} for name in specialists}}
    value = {
        "name": "s", "runtime": "compose", "models": models, "roles": roles, "limits": {"output": 64},
        "engine": {"kind": "llamacpp", "context": 512}, "placement": {"architecture": "shared-base"},
    }  # fmt: skip
    return SwarmSpec.model_validate(value)


def here() -> Tools:
    return OnThisMachine("unused", "v", sys.executable)


def nobody() -> Tools:
    raise MissingError


def fold(spec: SwarmSpec, world: World, *, make: bool = True, said: list[str] | None = None) -> Folded:
    talk = [] if said is None else said
    return folded(spec, "Q8_0", Hands(world, Wish(memory=1000), here if make else nobody, talk.append, fetches=make))


def weighed(hub: ModelHub) -> list[str]:
    """Files of weights that were asked for."""
    return [seen for seen in hub.seen if seen.startswith("GET") and "safetensors" in seen]


@pytest.mark.slow
def test_specialists_of_a_hub_are_folded_and_their_files_given_back(hub: ModelHub, world: World) -> None:
    spec, said = swarm("docs", "tuned"), list[str]()
    made = fold(spec, world, said=said)
    assert {"docs: shares coder", "tuned: shares coder"} <= set(said)
    for name in ("docs", "tuned"):
        held = world.store.held(made.spec.models[name])
        assert held is not None
        assert held.facts.adapter
    assert Path(made.bases["coder"].where).is_dir()
    left = [path.parent.name for path in (world.store.root / "incoming").rglob("*.safetensors")]
    assert left == ["coder"], "the base is converted next; of specialists nothing is read again"
    hub.seen.clear()
    assert fold(spec, world, make=False) == made
    assert weighed(hub) == []


@pytest.mark.slow
def test_what_a_branch_meant_last_serves_where_the_hub_is_away(
    hub: ModelHub, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = swarm("docs")
    made = fold(spec, world)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert fold(spec, world, make=False) == made
    with pytest.raises(HostError, match="me/tuned cannot be had now"):
        fold(swarm("docs", "tuned"), world, make=False)


@pytest.mark.slow
def test_a_commit_asks_nobody(hub: ModelHub, world: World) -> None:
    spec = swarm("docs", revision=COMMIT)
    made = fold(spec, world)
    hub.seen.clear()
    assert fold(spec, world, make=False) == made
    assert hub.seen == []


@pytest.mark.slow
def test_a_download_that_breaks_off_is_gone_on_with_and_one_that_is_damaged_refused(
    hub: ModelHub, world: World
) -> None:
    hub.cuts = [20_000]
    assert fold(swarm("docs"), world).spec.models["docs"].sha256
    hub.wrong.add("adapter_model.safetensors")
    with pytest.raises(HostError, match="came damaged"):
        fold(swarm("docs", "tuned"), world)
    hub.wrong.clear()
    assert fold(swarm("docs", "tuned"), world).spec.models["tuned"].sha256


def test_a_plan_fetches_no_weights_and_says_what_it_would_take(hub: ModelHub, world: World) -> None:
    spec = swarm("docs", "tuned")
    with pytest.raises(MissingError):
        fold(spec, world, make=False)
    found = needs(spec, world, ("Q8_0",))
    assert found.folds == {"coder": ("docs", "tuned")}
    assert [(one.where, quants) for one, quants in found.wanted] == [("me/coder", ("Q8_0",))]
    told = upcoming(spec, world)
    assert told is not None
    assert told.problem == ""
    sizes = {name: len(files.get("model.safetensors", b"")) for name, files in hub.repositories.items()}
    (one,) = told.folds
    assert one.fetches == sizes["me/docs"] + len(hub.repositories["me/tuned"]["adapter_model.safetensors"])
    assert one.reads == one.fetches + sizes["me/coder"]
    assert told.models == ("coder Q8_0",)
    assert told.fetched > one.reads
    assert "fold docs, tuned into coder: reads" in told.lines[0]
    assert weighed(hub) == []
    assert not (world.store.root / "incoming").exists()


def test_a_plan_says_why_it_cannot_tell(hub: ModelHub, world: World) -> None:
    hub.repositories["me/docs"] = {"pytorch_model.bin": b"\x80", "config.json": b"{}"}
    with pytest.raises(SpecError):
        fold(swarm("docs"), world)
    hub.repositories.pop("me/coder")
    told = upcoming(swarm("docs"), world)
    assert told is not None
    assert "me/coder" in told.problem
