"""Small random models are what their config.json says, and their files hold what was drawn."""

import json
from pathlib import Path

import numpy as np
import pytest

from fakes import safetensorsfile, tinymodels
from swarmctl.converter.tensors import tensors
from swarmctl.core.architectures import from_config
from swarmctl.core.safetensors import agree, header, index

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without tokenizers, which nothing here reads."""
    monkeypatch.setattr(tinymodels, "_tokenizer", lambda folder, arch: None)


@pytest.mark.parametrize("arch", tinymodels.ARCHITECTURES)
def test_the_tensors_are_those_of_the_config(arch: str, tmp_path: Path) -> None:
    folder = tinymodels.make(tmp_path / "a", arch, hidden=32)
    model = from_config(json.loads((folder / "config.json").read_text()))
    raw = (folder / "model.safetensors").read_bytes()
    agree(model, header(raw[8 : 8 + int.from_bytes(raw[:8], "little")]))


def test_shards_hold_what_one_file_holds(tmp_path: Path) -> None:
    one = tinymodels.make(tmp_path / "one", "Qwen2ForCausalLM", hidden=32, tied=False, dtype="f32")
    many = tinymodels.make(tmp_path / "many", "Qwen2ForCausalLM", hidden=32, tied=False, dtype="f32", shards=3)
    assert len(list(many.glob("*.safetensors"))) == 3
    listed = index((many / safetensorsfile.INDEX).read_bytes())
    whole, parts = tensors(one), tensors(many)
    assert set(listed) == set(whole) == set(parts)
    assert all(np.array_equal(whole[name].read(), parts[name].read()) for name in whole)


@pytest.mark.parametrize(("dtype", "error"), [("bf16", 2**-8), ("f16", 2**-11), ("f32", 0)])
def test_types_round_as_they_do(dtype: str, error: float, tmp_path: Path) -> None:
    values = np.random.default_rng(1).standard_normal((40, 32)).astype(np.float32)
    values[3, 4] = np.nan
    safetensorsfile.write(tmp_path, {"a": values}, dtype)
    back = safetensorsfile.read(tmp_path)["a"]
    assert np.isnan(back).sum() == np.isnan(back[3, 4]) == 1
    assert np.array_equal(back, tensors(tmp_path)["a"].read(), equal_nan=True)
    assert np.nanmax(np.abs(back - values) / np.abs(values)) <= error


def test_two_seeds_are_two_models(tmp_path: Path) -> None:
    made = [
        tinymodels.make(tmp_path / str(n), "LlamaForCausalLM", hidden=32, seed=seed) for n, seed in enumerate((0, 1, 0))
    ]
    first, other, again = ((folder / "model.safetensors").read_bytes() for folder in made)
    assert first == again != other
