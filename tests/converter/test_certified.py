"""Real conversions of seven architectures, proved: tied and untied, sharded, in three types."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes import tinymodels
from fakes.converterbox import Box, box
from fakes.safetensorsfile import Array
from swarmctl.core.converting.certificate import Certificate
from swarmctl.core.converting.measured import Failed, Logits, Template, Tensors

pytestmark = [pytest.mark.ground, pytest.mark.slow]


@pytest.fixture(scope="module")
def converter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with box(tmp_path_factory.mktemp("certified")) as made:
        yield made


CASES: list[tuple[str, dict[str, Any], str]] = [
    ("Qwen2ForCausalLM", {}, "f16"),
    ("Qwen2ForCausalLM", {"tied": False, "shards": 3, "dtype": "f16"}, "f16"),
    ("Qwen3ForCausalLM", {"shards": 2}, "bf16"),
    ("LlamaForCausalLM", {}, "f16"),
    ("LlamaForCausalLM", {"tied": False, "dtype": "f32"}, "f32"),
    ("Gemma2ForCausalLM", {"dtype": "f16"}, "f16"),
    ("Gemma3ForCausalLM", {"shards": 2}, "f16"),
    ("DeepseekV2ForCausalLM", {"tied": True}, "f16"),
    ("DeepseekV3ForCausalLM", {"dtype": "f32", "shards": 4}, "bf16"),
]


@pytest.mark.parametrize(("arch", "made", "kind"), CASES, ids=str)
def test_a_conversion_is_proved(converter: Box, arch: str, made: dict[str, Any], kind: str, tmp_path: Path) -> None:
    source = tinymodels.make(converter.folder / f"{arch}-{len(list(converter.folder.iterdir()))}", arch, **made)
    gguf = converter.convert(source, kind)
    found = Certificate.from_json(converter.certify(source, gguf))
    assert found.refusals() == ()
    assert isinstance(found.logits, Logits)
    assert found.logits.whole
    assert len(found.logits.prompts) == 8
    assert found.logits.same_first >= 7, "rounding to bf16 may turn one that is nearly even"
    assert isinstance(found.tensors, Tensors)
    assert found.tensors.mapped == found.tensors.published - len(found.tensors.dropped)
    assert found.tensors.furthest == pytest.approx(0, abs=0.02)
    assert isinstance(found.template, Template)
    assert sum(one.verdict == "same" for one in found.template.dialogues) >= 4
    print("\n".join(found.lines()))
    _remove(source, gguf)


def test_quantisations_are_measured(converter: Box) -> None:
    source = tinymodels.make(converter.folder / "wide", "LlamaForCausalLM", hidden=256)
    gguf = converter.convert(source)
    quants = {kind: converter.quantise(gguf, kind) for kind in ("Q8_0", "Q4_K_M", "Q3_K_S")}
    found = Certificate.from_json(converter.certify(source, gguf, quants=quants))
    assert found.refusals() == ()
    assert not isinstance(found.quants, Failed)
    rows = [found.quants[kind] for kind in quants]
    assert rows[0].bits == pytest.approx(8.5, abs=0.05)
    assert 4.5 < rows[1].bits < 7, "the embedding, most of it, has 6 bits"
    divergences = [row.kl or 0 for row in rows]
    assert 0 < divergences[0] < divergences[1] < divergences[2]
    print("\n".join(found.lines()))


ROOM = 218
"""MiB for the embedding of a model 256 wide, and two of its layers in f32."""


def test_a_model_that_does_not_fit_is_run_with_its_first_layers(converter: Box) -> None:
    source = tinymodels.make(converter.folder / "deep", "LlamaForCausalLM", hidden=256, layers=4, shards=3)
    gguf = converter.convert(source)
    found = Certificate.from_json(converter.certify(source, gguf, memory=ROOM))
    assert isinstance(found.logits, Logits)
    assert (found.logits.layers, found.logits.of) == (2, 4)
    assert found.refusals() == ()
    beyond = "model.layers.3.mlp.{}_proj.weight"

    def swap(tensors: dict[str, Array]) -> None:
        tensors[beyond.format("up")], tensors[beyond.format("gate")] = (
            tensors[beyond.format("gate")], tensors[beyond.format("up")]
        )  # fmt: skip

    other = converter.folder / "deep-swapped"
    shutil.copytree(source, other)
    tinymodels.edit(other, swap)
    said = Certificate.from_json(converter.certify(source, converter.convert(other), memory=ROOM)).refusals()
    assert said == ("tensors: the numbers are not the published ones: blk.3.ffn_gate.weight, blk.3.ffn_up.weight",)


def _remove(source: Path, gguf: Path) -> None:
    for path in source.iterdir():
        path.unlink()
    gguf.unlink()
