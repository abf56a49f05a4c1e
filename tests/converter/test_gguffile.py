"""The GGUF reader of the converter says what the package's own reader says, and refuses what is damaged."""

import os
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest

from swarmctl.converter import cutting
from swarmctl.converter.gguffile import GGUF
from swarmctl.converter.tensors import Refused

RANDOM = np.random.default_rng(2)
HALF = RANDOM.standard_normal((5, 64)).astype(np.float16)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "a.gguf"
    writer = gguf.GGUFWriter(made, "llama")
    writer.add_block_count(3)
    writer.add_rope_scaling_factor(0.5)
    writer.add_add_bos_token(True)
    writer.add_token_list([f"token {n}" for n in range(100)])
    writer.add_token_types(list(range(100)))
    writer.add_array("llama.few", [3, 1, 2])
    writer.add_tensor("token_embd.weight", HALF)
    for n in range(3):
        writer.add_tensor(f"blk.{n}.attn_norm.weight", np.full(64, n + 1, np.float32))
    bits = (HALF.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    writer.add_tensor("b", bits, raw_dtype=gguf.GGMLQuantizationType.BF16)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return made


def test_it_reads_what_the_package_wrote(path: Path) -> None:
    file = GGUF(path)
    assert (file.architecture, file.layers) == ("llama", 3)
    assert file.values["llama.rope.scaling.factor"] == 0.5
    assert file.values["tokenizer.ggml.add_bos_token"] is True
    assert file.values["llama.few"] == [3, 1, 2]
    assert file.values["tokenizer.ggml.tokens"][:2] == ["token 0", "token 1"]
    embedding = file.tensors["token_embd.weight"]
    assert (embedding.shape, embedding.kind, embedding.count) == ((64, 5), "F16", 320)
    assert np.array_equal(file.read(embedding), HALF.astype(np.float32).ravel())
    assert np.array_equal(file.read(embedding, 64, 128), HALF[1].astype(np.float32))
    assert np.allclose(file.read(file.tensors["b"]), HALF.astype(np.float32).ravel(), rtol=2**-7)


def test_long_arrays_count_where_two_files_are_compared(path: Path) -> None:
    one = GGUF(path)
    changed = path.with_name("b.gguf")
    changed.write_bytes(path.read_bytes().replace(b"token 99", b"tokem 99"))
    other = GGUF(changed)
    name = "tokenizer.ggml.tokens"
    assert one.values[name] == other.values[name]
    assert one.raw(name) != other.raw(name)
    assert one.raw("tokenizer.ggml.token_type") == other.raw("tokenizer.ggml.token_type")
    assert one.raw("unknown") is None
    assert one.strings(name) == [f"token {n}" for n in range(100)]
    assert one.strings("tokenizer.ggml.token_type") == one.strings("unknown") == []


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: b"",
        lambda raw: raw[:31],
        lambda raw: raw[:200],
        lambda raw: raw[:-100],
        lambda raw: b"GGML" + raw[4:],
        lambda raw: raw[:4] + b"\x01\0\0\0" + raw[8:],
        lambda raw: raw[:8] + b"\xff" * 8 + raw[16:],
        lambda raw: raw[:16] + b"\xff" * 8 + raw[24:],
        lambda raw: raw[:24] + b"\xff" * 8 + raw[32:],
        lambda raw: os.urandom(4096),
    ],
)
def test_what_is_damaged_is_refused(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(Refused):
        GGUF(path)


def test_a_cut_file_has_the_first_layers_and_all_else(path: Path, tmp_path: Path) -> None:
    whole, cut = GGUF(path), GGUF(cutting.stored(GGUF(path), 2, tmp_path / "cut.gguf"))
    assert cut.layers == 2
    assert set(cut.tensors) == set(whole.tensors) - {"blk.2.attn_norm.weight"}
    for name, tensor in cut.tensors.items():
        assert np.array_equal(cut.read(tensor), whole.read(whole.tensors[name])), name
    assert {k: v for k, v in cut.values.items() if k != "llama.block_count"} == {
        k: v for k, v in whole.values.items() if k != "llama.block_count"
    }
    assert len(gguf.GGUFReader(tmp_path / "cut.gguf").tensors) == 4
