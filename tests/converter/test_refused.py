"""Wrong conversions by the real tools, each refused for what is wrong with it: the proof that proofs can fail."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes import tinymodels
from fakes.converterbox import Box, box
from fakes.safetensorsfile import Array
from swarmctl.core.converting.certificate import Certificate

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=15)]

UP, GATE = ("model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.gate_proj.weight")
QUERY = "model.layers.1.self_attn.q_proj.weight"


@dataclass
class Right:
    """A folder, its conversion, and the container that made it."""

    box: Box
    source: Path
    gguf: Path

    def copy(self, name: str, change: Callable[[Path], None]) -> Path:
        """The folder with something changed."""
        other = self.box.folder / name
        shutil.copytree(self.source, other)
        change(other)
        return other

    def refused(self, source: Path, gguf: Path) -> str:
        """Every refusal, a line each."""
        return "\n".join(Certificate.from_json(self.box.certify(source, gguf)).refusals())


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Right]:
    with box(tmp_path_factory.mktemp("refused")) as made:
        source = tinymodels.make(made.folder / "right", "LlamaForCausalLM", shards=2)
        yield Right(made, source, made.convert(source))


def test_the_right_one_is_not_refused(right: Right) -> None:
    raw = right.box.certify(right.source, right.gguf)
    assert json.loads(json.dumps(raw, allow_nan=False)) == raw
    assert Certificate.from_json(raw).refusals() == ()


def _template(folder: Path) -> None:
    def change(said: dict[str, Any]) -> None:
        said["chat_template"] = said["chat_template"].replace("<|end_header_id|>\\n\\n", "<|end_header_id|>\\n")

    tinymodels.edit_json(folder / "tokenizer_config.json", change)


def _no_bos(folder: Path) -> None:
    plain = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}
    tinymodels.edit_json(folder / "tokenizer.json", lambda said: said.update(post_processor=plain))
    tinymodels.edit_json(folder / "tokenizer_config.json", lambda said: said.update(add_bos_token=False))


def _other_ids(folder: Path) -> None:
    def change(said: dict[str, Any]) -> None:
        words = said["model"]["vocab"]
        words["Ġriver"], words["Ġlazy"] = words["Ġlazy"], words["Ġriver"]

    tinymodels.edit_json(folder / "tokenizer.json", change)


def _weights(change: Callable[[dict[str, Array]], None]) -> Callable[[Path], None]:
    return lambda folder: tinymodels.edit(folder, change)


def _swapped(tensors: dict[str, Array]) -> None:
    tensors[UP], tensors[GATE] = tensors[GATE], tensors[UP]


def _turned(tensors: dict[str, Array]) -> None:
    """The same numbers in other rows: what a forgotten reordering for the rotary embedding does."""
    tensors[QUERY] = tensors[QUERY].reshape(4, 2, 8, 64).swapaxes(1, 2).reshape(64, 64).copy()


def _not_a_number(tensors: dict[str, Array]) -> None:
    tensors[UP] = tensors[UP].copy()
    tensors[UP][3, 5] = np.nan


def _fewer_layers(folder: Path) -> None:
    def change(tensors: dict[str, Array]) -> None:
        for name in [name for name in tensors if name.startswith("model.layers.1.")]:
            del tensors[name]

    tinymodels.edit(folder, change)
    tinymodels.edit_json(folder / "config.json", lambda said: said.update(num_hidden_layers=1))


WRONG: list[tuple[str, Callable[[Path], None], str]] = [
    ("template", _template, "template: 8 of 8 dialogues come out otherwise; one question: from token 4 on"),
    ("bos", _no_bos, "(BOS) as published, and llama.cpp does the opposite"),
    ("ids", _other_ids, "2 of 128256 ids stand for other words; "),
    ("swapped", _weights(_swapped), "the numbers are not the published ones: blk.0.ffn_"),
    ("turned", _weights(_turned), "log-probabilities: not the published ones"),
    ("nan", _weights(_not_a_number), "values of the result are NaN or infinite: blk.0.ffn_up.weight"),
    ("layers", _fewer_layers, "published, and not in the result: model.layers.1."),
]


@pytest.mark.parametrize(("name", "change", "why"), WRONG, ids=[row[0] for row in WRONG])
def test_a_wrong_conversion_is_refused(right: Right, name: str, change: Callable[[Path], None], why: str) -> None:
    wrong = right.box.convert(right.copy(name, change))
    said = right.refused(right.source, wrong)
    print(said)
    assert why in said


def test_published_weights_that_are_no_numbers_are_refused(right: Right) -> None:
    source = right.copy("source-nan", _weights(_not_a_number))
    assert f"published values are NaN or infinite: {UP}" in right.refused(source, right.gguf)


def test_an_end_of_answers_that_llama_cpp_does_not_know_is_refused(right: Right) -> None:
    def change(folder: Path) -> None:
        tinymodels.edit_json(folder / "generation_config.json", lambda said: said["eos_token_id"].append(374))

    assert "does not stop llama.cpp: 374  is" in right.refused(right.copy("stop", change), right.gguf)


def test_a_truncated_shard_is_refused_by_the_script_and_by_the_proof(right: Right) -> None:
    def change(folder: Path) -> None:
        shard = folder / "model-00002-of-00002.safetensors"
        shard.write_bytes(shard.read_bytes()[:-512])

    short = right.copy("short", change)
    ended, _, log = right.box.order(
        do="script", argv=["/usr/bin/convert_hf_to_gguf", str(short), "--outfile", str(short / "x.gguf")]
    )
    assert ended != 0, log
    said = right.refused(short, right.gguf)
    assert "tensors: not measured: model-00002-of-00002.safetensors" in said
    assert "beyond the end of the file" in said


def test_a_truncated_result_is_refused(right: Right) -> None:
    short = right.box.folder / "short.gguf"
    short.write_bytes(right.gguf.read_bytes()[:-512])
    said = right.refused(right.source, short)
    assert "lies beyond the end of the file" in said
    assert "logits: not measured" in said


def test_a_quantisation_of_another_model_is_refused(right: Right) -> None:
    other = tinymodels.make(right.box.folder / "other", "LlamaForCausalLM", seed=1)
    quants = {"Q4_K_M": right.box.quantise(right.box.convert(other), "Q4_K_M")}
    said = "\n".join(Certificate.from_json(right.box.certify(right.source, right.gguf, quants=quants)).refusals())
    assert "Q4_K_M:" in said
    assert "nats from the unquantised model" in said
