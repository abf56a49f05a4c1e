"""Adapters and shared bases by the real tools: merged, proved, or kept beside a base that has a head of its own."""

from pathlib import Path

import numpy as np
import pytest

from fakes import safetensorsfile, tinymodels
from fakes.grounded import stands
from fakes.specialists import peft
from swarmctl.commands.convert import Wish, convert, decide
from swarmctl.commands.convertible import named
from swarmctl.commands.sharebase import Limits, share, with_base
from swarmctl.core.lock import Lock
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.converting.results import Results
from swarmctl.effects.converting.tools import IMAGE
from swarmctl.effects.gguf import read_header
from swarmctl.effects.imaging import provide
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import SpecError

pytestmark = [pytest.mark.ground, pytest.mark.slow]
DOWN = "model.layers.0.mlp.down_proj"


@pytest.fixture(scope="module", autouse=True)
def _image() -> None:
    stands("engine", "forky")
    provide(IMAGE, lock=Lock())


@pytest.fixture
def world(tmp_path: Path) -> World:
    clock = SystemClock()
    return World(clock, Ledger(tmp_path / "ledger.sqlite", clock), ModelStore(tmp_path / "models"), tmp_path / "state")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tinymodels.make(tmp_path_factory.mktemp("published") / "base", "Qwen2ForCausalLM")


def _quiet(_event: object) -> None:
    pass


def test_an_adapter_with_its_base_becomes_a_proved_model_of_its_own_once(
    world: World, base: Path, tmp_path: Path
) -> None:
    down = safetensorsfile.read(base)[f"{DOWN}.weight"]
    random = np.random.default_rng(5)
    a = random.standard_normal((2, down.shape[1]), np.float32) * np.float32(0.3)
    b = random.standard_normal((down.shape[0], 2), np.float32) * np.float32(0.3)
    adapter = peft(tmp_path / "coder", {DOWN: (a, b)}, base_model_name_or_path=str(base))
    wanted = named([str(adapter)], ("F32", "Q8_0"))
    report = convert(decide(wanted, Wish(), world), world, _quiet)
    report.check()
    assert {(one.name, one.quant, one.certified) for one in report.results} == {
        ("coder", "F32", True), ("coder", "Q8_0", True)
    }  # fmt: skip
    (whole,) = (one for one in report.results if one.quant == "F32")
    raw = Results(world.store).certificate(whole.sha256)
    assert "with the adapter" in raw["source"]["revision"]
    file = Results(world.store).blob(whole.sha256)
    header = read_header(file)
    (tensor,) = (one for one in header.tensors if one.name == "blk.0.ffn_down.weight")
    data = np.fromfile(file, "<f4", down.size, offset=header.data + tensor.offset).reshape(down.shape)
    np.testing.assert_allclose(data, down + 2 * b @ a, rtol=1e-2, atol=1e-3)
    assert decide(wanted, Wish(), world).is_empty
    plain = decide(named([str(base)], ("Q8_0",)), Wish(), world)
    assert not plain.is_empty


def test_an_adapter_of_another_model_is_refused_and_its_space_is_given_back(
    world: World, base: Path, tmp_path: Path
) -> None:
    adapter = peft(tmp_path / "other", {DOWN: (np.ones((2, 7), np.float32), np.ones((64, 2), np.float32))})
    report = convert(decide(named([str(adapter)], ("Q8_0",), str(base)), Wish(), world), world, _quiet)
    with pytest.raises(SpecError, match="the adapter's shape is 64 × 7"):
        report.check()
    assert world.store.all() == []
    assert list((world.store.root / "incoming" / "convert").iterdir()) == []


def test_a_base_with_the_head_that_an_adapter_needs_is_converted_and_proved(
    world: World, base: Path, tmp_path: Path
) -> None:
    tensors = safetensorsfile.read(base)
    words = tensors["model.embed_tokens.weight"]
    away = np.random.default_rng(3).standard_normal(words.shape[1]).astype(np.float32)
    away /= np.linalg.norm(away)
    edited = {**tensors, "model.embed_tokens.weight": words - np.outer(words @ away, away)}
    specialist = tmp_path / "backend"
    specialist.mkdir()
    for path in base.iterdir():
        if path.suffix == ".json":
            (specialist / path.name).write_bytes(path.read_bytes())
    safetensorsfile.write(specialist, edited, "f32")
    done = share(str(base), [str(specialist)], Limits(), world, _quiet, 2000)
    assert done.kept.adapters["backend"].path.read_bytes()[:4] == b"GGUF"
    assert done.kept.head.keys() >= {"config.json", "model-head.safetensors"}
    again = share(str(base), [str(specialist)], Limits(), world, _never, 2000)
    assert again.kept == done.kept
    made = with_base(done, ("Q8_0",), Wish(), world, _quiet)
    assert made.converted is not None
    assert [(error.message, error.detail) for error in made.converted.failures] == []
    (one,) = made.converted.results
    assert one.certified
    assert one.held.endswith("#Q8_0+head")
    names = {tensor.name for tensor in read_header(Results(world.store).blob(one.sha256)).tensors}
    assert {"output.weight", "token_embd.weight"} <= names


def _never(row: object) -> None:
    raise AssertionError(f"what is there is looked at again: {row}")
