"""Folders of published weights are planned before they are converted: their sizes, and what will become of them."""

import json
from pathlib import Path

import pytest

from fakes.specialists import Shape, peft, publish, weights
from swarmctl.commands.plan import plan
from swarmctl.core.spec import ModelSource
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.known import known
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.specs import open_spec
from swarmctl.effects.store import ModelStore
from swarmctl.effects.unconverted import is_weights, unconverted
from swarmctl.effects.world import World
from swarmctl.errors import SpecError

SHAPE = Shape(width=256, ffn=256)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return publish(tmp_path / "coder", SHAPE, weights(SHAPE))


def test_a_folder_has_the_sizes_of_the_file_that_becomes_of_it(folder: Path) -> None:
    small, large = (unconverted(ModelSource(path=str(folder), quant=quant)) for quant in ("Q4_K_M", "Q8_0"))
    assert small.facts is not None
    assert large.facts is not None
    assert 0 < small.facts.weights.total < large.facts.weights.total
    assert small.facts.weights.quant == "Q4_K_M"
    assert not small.held
    assert small.cause == f"converted to Q4_K_M from {folder}"
    assert small.identity != large.identity
    assert unconverted(ModelSource(path=str(folder))).facts == small.facts
    assert not small.facts.chat_template
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ x }}"}))
    again = unconverted(ModelSource(path=str(folder)))
    assert again.facts is not None
    assert again.facts.chat_template


def test_an_adapter_is_as_large_as_its_base(folder: Path, tmp_path: Path) -> None:
    adapter = peft(tmp_path / "adapter", {}, base_model_name_or_path=str(folder))
    merged, base = unconverted(ModelSource(path=str(adapter))), unconverted(ModelSource(path=str(folder)))
    assert merged.facts == base.facts
    assert str(adapter) in merged.cause


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"architectures": ["None"]}'])
def test_a_folder_that_is_no_model_is_said(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(SpecError):
        unconverted(ModelSource(path=str(folder)))


def test_what_is_converted_first(folder: Path, tmp_path: Path) -> None:
    assert is_weights(ModelSource(path=str(folder)))
    assert is_weights(ModelSource(hf="me/coder", quant="Q8_0"))
    assert not is_weights(ModelSource(hf="me/coder", file="coder.gguf"))
    assert not is_weights(ModelSource(path=str(tmp_path / "coder.gguf")))


def test_a_plan_says_what_is_converted_and_from_where(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "swarm.yml").write_text(
        "name: two\nmodels:\n  a: {path: coder, quant: Q8_0}\n  b: {path: coder, quant: Q4_K_M}\n"
        "roles:\n  orchestrator: {model: a}\n  backend: {model: b}\n"
    )
    clock = SystemClock()
    store = ModelStore(tmp_path / "models")
    world = World(clock, Ledger(tmp_path / "ledger.sqlite", clock), store, tmp_path / "state")
    found = plan(open_spec(tmp_path / "swarm.yml"), world)
    assert found.refusals == ()
    loads = [(step.subject, step.cause) for step in found.steps if step.verb.value == "load"]
    assert loads == [("a", f"converted to Q8_0 from {folder}"), ("b", f"converted to Q4_K_M from {folder}")]
    assert not (tmp_path / "models" / "blobs").exists()


def test_an_adapter_that_names_no_base_is_as_large_as_the_one_that_the_file_names(folder: Path, tmp_path: Path) -> None:
    peft(tmp_path / "tuned", {})
    text = (
        "name: two\nmodels:\n  a: {path: coder, quant: Q8_0}\n  b: {path: tuned, quant: Q8_0, base: a}\n"
        "roles:\n  orchestrator: {model: a}\n  backend: {model: b}\nplacement: {architecture: separate}\n"
    )
    (tmp_path / "swarm.yml").write_text(text)
    clock = SystemClock()
    world = World(clock, Ledger(tmp_path / "l.sqlite", clock), ModelStore(tmp_path / "models"), tmp_path / "state")
    opened = open_spec(tmp_path / "swarm.yml")
    found = plan(opened, world)
    assert found.refusals == ()
    rows = {row.service: row.weights for row in found.memory}
    assert rows["engine-a"] == rows["engine-b"] > 0
    sizes = known(opened.spec, world.store)
    assert sizes["a"].model == sizes["b"].model
    (tmp_path / "swarm.yml").write_text(text.replace(", base: a", ""))
    with pytest.raises(SpecError, match="nothing is known"):
        known(open_spec(tmp_path / "swarm.yml").spec, world.store)
