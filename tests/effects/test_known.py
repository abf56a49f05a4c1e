"""What planning knows of models: by file, folder, catalogue, store or hub, and nothing silently."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fakes.configs import CONFIGS
from fakes.ggufs import Shape, write_model
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.specfile import load
from swarmctl.effects.gguf import read_gguf
from swarmctl.effects.known import QUANTS, known
from swarmctl.effects.sources.localfile import sha256
from swarmctl.effects.store import ModelStore
from swarmctl.errors import SpecError


def spec(engine: str = "llamacpp", **models: dict[str, Any]) -> SwarmSpec:
    text = {
        "name": "s",
        "engine": {"kind": engine},
        "models": models,
        "roles": {"orchestrator": {"model": "a"}, **({"b": {"model": "b"}} if "b" in models else {})},
    }
    return load(json.dumps(text).encode(), source="s.yml").spec


CODER = {"hf": "Qwen/Qwen2.5-Coder-3B-Instruct"}


def test_a_wanted_quantisation_can_be_had_in_every_other_too() -> None:
    (found,) = known(spec(a={**CODER, "quant": "Q4_K_M"})).values()
    assert tuple(found.weights) == QUANTS
    sizes = [found.weights[quant].total for quant in QUANTS]
    assert sizes == sorted(sizes, reverse=True), "best first"


def test_a_named_file_is_that_file_alone() -> None:
    file = {"hf": "Qwen/Qwen2.5-Coder-3B-Instruct-GGUF", "file": "qwen2.5-coder-3b-instruct-q6_k.gguf"}
    (found,) = known(spec(a=file)).values()
    assert tuple(found.weights) == ("Q6_K",)


def test_vllm_takes_weights_as_published() -> None:
    (found,) = known(spec(engine="vllm", a={**CODER, "quant": "Q4_K_M"})).values()
    assert tuple(found.weights) == ("F16",)


def test_a_file_is_read_and_a_folder_is_described(tmp_path: Path) -> None:
    write_model(tmp_path / "m.gguf", Shape())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text(json.dumps(CONFIGS["qwen3-14b"]))
    found = known(spec(a={"path": str(tmp_path / "m.gguf")}, b={"path": str(tmp_path / "mine"), "quant": "Q8_0"}))
    assert len(found["a"].weights) == 1
    assert tuple(found["b"].weights) == QUANTS


def test_models_that_no_role_uses_need_not_be_known(tmp_path: Path) -> None:
    lost = {"path": str(tmp_path / "lost.gguf")}
    text = spec(a={**CODER, "quant": "Q4_K_M"}).model_dump()
    text["models"]["spare"] = lost
    assert set(known(SwarmSpec.model_validate(text))) == {"a"}


def test_every_model_of_which_nothing_is_known_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + b"\xff" * 20)
    with pytest.raises(SpecError) as caught:
        known(spec(a={"path": str(tmp_path / "bad.gguf")}, b={"hf": "nobody/nothing", "quant": "Q4_K_M"}))
    assert "models.a: " in caught.value.detail
    assert "models.b: http://127.0.0.1:9/nobody/nothing" in caught.value.detail


def test_what_the_store_holds_is_not_asked_of_the_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    facts = read_gguf(write_model(tmp_path / "m.gguf", Shape(layers=3)))
    monkeypatch.setattr(ModelStore, "held", lambda self, source: SimpleNamespace(facts=facts))
    (found,) = known(spec(a={"hf": "nobody/nothing", "file": "m.gguf"}), ModelStore(tmp_path)).values()
    assert len(found.model.layers) == 3


def test_an_adapter_is_as_large_as_its_base_by_itself_and_a_few_bytes_beside_it(tmp_path: Path) -> None:
    base, store = write_model(tmp_path / "m.gguf", Shape()), ModelStore(tmp_path / "models")
    edit = shutil.copy(base, tmp_path / "edit")
    facts = replace(read_gguf(base), adapter=True, file_bytes=4096)
    key = f"path:{tmp_path / 'blob'}"
    store.take(key, Path(edit), sha256(Path(edit), lambda _done, _total: None), facts)
    blob = store.held(key)
    assert blob is not None
    store.alias(key, f"path:{blob.blob}")
    found = known(spec(a={"path": str(base)}, b={"path": str(blob.blob), "base": "a"}), store)
    assert found["b"].adapter == 4096
    assert found["b"].weights == found["a"].weights
    assert found["a"].adapter == 0


def test_a_folder_is_planned_first_in_what_it_would_be_converted_to(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text(json.dumps(CONFIGS["qwen3-14b"]))
    assert next(iter(known(spec(a={"path": str(tmp_path / "mine")}))["a"].weights)) == "Q4_K_M"
