"""A folder of weights is looked at before anything runs: sizes, identity, and everything that is wrong with it."""

import json
from pathlib import Path

import numpy as np
import pytest

from fakes import safetensorsfile
from swarmctl.core.converting.request import Asked
from swarmctl.effects.converting.identity import Hashes
from swarmctl.effects.converting.looking import Seen, folder
from swarmctl.errors import SpecError

CONFIG = {
    "architectures": ["Qwen2ForCausalLM"], "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1,
    "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 512, "max_position_embeddings": 256,
    "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "tie_word_embeddings": True,
}  # fmt: skip


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make(tmp_path / "My-Model")


def make(root: Path, dtype: str = "bf16", shards: int = 1) -> Path:
    root.mkdir()
    (root / "config.json").write_text(json.dumps(CONFIG))
    (root / "tokenizer.json").write_text("{}")
    random = np.random.default_rng(1)
    tensors = {"model.embed_tokens.weight": (512, 64), "model.norm.weight": (64,)} | {
        f"model.layers.0.{name}.weight": shape
        for name, shape in (("self_attn.q_proj", (64, 64)), ("mlp.down_proj", (64, 128)), ("input_layernorm", (64,)))
    }
    values = {name: random.standard_normal(shape).astype(np.float32) for name, shape in tensors.items()}
    safetensorsfile.write(root, values, dtype, shards)
    return root


def look(root: Path, *, trust: bool = False, quants: tuple[str, ...] = ("Q8_0",)) -> Seen:
    return folder(Asked("folder", str(root), "m"), quants, Hashes(root.parent / "store"), trust=trust)


@pytest.mark.parametrize(("dtype", "outtype"), [("bf16", "bf16"), ("f16", "f16"), ("f32", "f16")])
def test_the_conversion_loses_nothing_that_16_bits_can_hold(tmp_path: Path, dtype: str, outtype: str) -> None:
    assert look(make(tmp_path / "m", dtype)).source.outtype == outtype


def test_sizes_are_planned_and_files_are_those_that_a_conversion_reads(model: Path) -> None:
    (model / "pytorch_model.bin").write_bytes(b"\x80\x04")
    (model / "modeling.py").write_text("import os")
    found = look(model)
    assert set(found.files) == {"config.json", "tokenizer.json", "model.safetensors"}
    assert found.folder == "My-Model"
    assert found.source.largest == 512 * 64 * 2
    assert found.source.full > (model / "model.safetensors").stat().st_size


def test_identity_is_of_the_content_wherever_it_lies(model: Path, tmp_path: Path) -> None:
    before = look(model).source.identity
    other = make(tmp_path / "copy")
    assert look(other).source.identity == before
    (other / "tokenizer.json").write_text('{"a": 1}')
    assert look(other).source.identity != before


def test_a_hash_is_worked_out_once(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = look(model)
    monkeypatch.setattr("swarmctl.effects.converting.identity.sha256", None)
    assert look(model).source == first.source


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    root = make(tmp_path / "m", shards=2)
    (root / "model-00002-of-00002.safetensors").unlink()
    first = root / "model-00001-of-00002.safetensors"
    first.write_bytes(first.read_bytes()[:-7])
    (root / "config.json").write_text("{ no")
    (root / "tokenizer.json").unlink()
    with pytest.raises(SpecError) as caught:
        look(root)
    for part in ("config.json", "missing: model-00002", "its header promises", "no tokenizer"):
        assert part in caught.value.detail


def test_an_index_that_leads_out_of_the_folder_reads_nothing_there(model: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    listed = {"weight_map": {"a": "../secret", "b": "/etc/hostname"}}
    (model / "model.safetensors.index.json").write_text(json.dumps(listed))
    with pytest.raises(SpecError) as caught:
        look(model)
    assert "../secret leads out of the folder" in caught.value.detail


@pytest.mark.parametrize("header", [b"", b"\x01", b"\xff" * 8, b"\x02\0\0\0\0\0\0\0{]", b"\x02\0\0\0\0\0\0\0[]"])
def test_a_damaged_header_is_a_clear_error(model: Path, header: bytes) -> None:
    (model / "model.safetensors").write_bytes(header)
    with pytest.raises(SpecError, match="cannot be converted"):
        look(model)


def test_an_unknown_architecture_ends_at_once(model: Path) -> None:
    (model / "config.json").write_text(json.dumps(CONFIG | {"architectures": ["Nobodys"]}))
    with pytest.raises(SpecError, match="cannot convert Nobodys"):
        look(model)


def test_code_of_a_repository_is_not_shown_to_the_tools_without_trust(model: Path) -> None:
    (model / "tokenization_x.py").write_text("raise SystemExit")
    (model / "tokenizer_config.json").write_text(json.dumps({"auto_map": {"AutoTokenizer": ["x.T", None]}}))
    with pytest.raises(SpecError) as caught:
        look(model)
    assert "--trust-remote-code" in caught.value.hint
    assert "tokenization_x.py" in look(model, trust=True).files
