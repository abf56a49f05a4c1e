"""An adapter merged into its base is the base with B·A added, in the base's own types; what is not of it is refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from fakes import safetensorsfile
from fakes.specialists import Array, Shape, as_bf16, peft, publish, weights
from swarmctl.converter.merge import merge
from swarmctl.converter.tensors import Refused

SHAPE = Shape(width=64, ffn=128, words=320, tied=False)
BASE = weights(SHAPE)
DOWN, KEYS = "model.layers.1.mlp.down_proj", "model.layers.0.self_attn.k_proj"


def half(rows: int, columns: int, seed: int) -> Array:
    return np.random.default_rng(seed).standard_normal((rows, columns), np.float32) * np.float32(0.1)


HALVES = {
    DOWN: (half(4, SHAPE.ffn, 1), half(SHAPE.width, 4, 2)),
    KEYS: (half(4, SHAPE.width, 3), half(SHAPE.kv_heads * SHAPE.head, 4, 4)),
}


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16"])
def test_only_what_the_adapter_names_changes_by_its_scaled_product(kind: str, tmp_path: Path) -> None:
    base = publish(tmp_path / "base", SHAPE, BASE, kind)
    said = merge(base, peft(tmp_path / "adapter", HALVES), tmp_path / "out")
    assert said == {"merged": 2, "tensors": len(BASE)}
    before, after = safetensorsfile.read(base), safetensorsfile.read(tmp_path / "out")
    for name, tensor in before.items():
        module = name.removesuffix(".weight")
        if module not in HALVES:
            np.testing.assert_array_equal(after[name], tensor)
            continue
        a, b = HALVES[module]
        wanted = tensor + np.float32(2.0) * b @ a
        kept = {"F32": wanted, "F16": wanted.astype(np.float16).astype(np.float32), "BF16": as_bf16({"": wanted})[""]}
        step = {"F32": 1e-6, "F16": 2e-3, "BF16": 1e-2}[kind]
        np.testing.assert_allclose(after[name], kept[kind], rtol=step, atol=1e-6)
        assert np.mean(after[name] == kept[kind]) > (0.9 if kind != "F32" else 0.3)
    assert (tmp_path / "out" / "config.json").read_text() == (base / "config.json").read_text()


def test_an_untied_embedding_and_head_are_merged_as_the_trainer_uses_them(tmp_path: Path) -> None:
    a, b = half(2, SHAPE.words, 5), half(SHAPE.width, 2, 6)
    head = half(2, SHAPE.width, 7), half(SHAPE.words, 2, 8)
    base = publish(tmp_path / "base", SHAPE, BASE)
    merge(base, peft(tmp_path / "adapter", {"model.embed_tokens": (a, b), "lm_head": head}), tmp_path / "out")
    after = safetensorsfile.read(tmp_path / "out")
    np.testing.assert_allclose(
        after["model.embed_tokens.weight"], BASE["model.embed_tokens.weight"] + 2 * (b @ a).T, rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(
        after["lm_head.weight"], BASE["lm_head.weight"] + 2 * head[1] @ head[0], rtol=1e-5, atol=1e-6
    )


def test_shards_and_the_tokenizer_that_was_trained_with_are_kept(tmp_path: Path) -> None:
    base = publish(tmp_path / "base", SHAPE, BASE)
    safetensorsfile.write(base, BASE, "f32", 3)
    adapter = peft(tmp_path / "adapter", HALVES)
    (adapter / "tokenizer.json").write_text('{"own": 1}')
    (adapter / "chat_template.jinja").write_text("{{ own }}")
    merge(base, adapter, tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {path.name for path in base.iterdir()} | {"chat_template.jinja"}
    assert (tmp_path / "out" / "tokenizer.json").read_text() == '{"own": 1}'
    assert not np.array_equal(safetensorsfile.read(tmp_path / "out")[f"{DOWN}.weight"], BASE[f"{DOWN}.weight"])


@pytest.mark.parametrize(
    ("halves", "said"),
    [
        ({"model.layers.9.mlp.down_proj": HALVES[DOWN]}, "the base has no such matrix"),
        ({DOWN: (half(4, SHAPE.width, 1), half(SHAPE.width, 4, 2))}, "the adapter's shape is 64 × 64"),
        ({DOWN: (half(4, SHAPE.ffn, 1), half(SHAPE.width, 3, 2))}, "do not fit together"),
        ({DOWN: (half(4, SHAPE.ffn, 1) * np.float32("nan"), half(SHAPE.width, 4, 2))}, "no number"),
        ({}, "no products"),
    ],
)
def test_an_adapter_that_is_not_of_this_base_is_refused_and_leaves_nothing(
    halves: dict[str, tuple[Array, Array]], said: str, tmp_path: Path
) -> None:
    base = publish(tmp_path / "base", SHAPE, BASE)
    with pytest.raises(Refused, match=said):
        merge(base, peft(tmp_path / "adapter", halves), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"layer_replication": [[0, 1]]}, "layer_replication"),
        ({"from_the_future": 1}, "from_the_future"),
        ({"r": 8}, "its rank is 4, adapter_config.json says 8"),
        ({"r": 0}, "not numbers above 0"),
    ],
)
def test_an_adapter_that_is_more_than_products_is_refused(config: dict[str, object], said: str, tmp_path: Path) -> None:
    base = publish(tmp_path / "base", SHAPE, BASE)
    with pytest.raises(Refused, match=said):
        merge(base, peft(tmp_path / "adapter", HALVES, **config), tmp_path / "out")


def test_a_pickled_adapter_and_one_of_a_head_that_is_an_embedding_are_refused(tmp_path: Path) -> None:
    tied = Shape(width=64, ffn=128, words=320, tied=True)
    base = publish(tmp_path / "base", tied, weights(tied))
    head = {"lm_head": (half(2, SHAPE.width, 7), half(SHAPE.words, 2, 8))}
    with pytest.raises(Refused, match="head is its embedding"):
        merge(base, peft(tmp_path / "adapter", head), tmp_path / "out")
    pickled = peft(tmp_path / "pickled", HALVES)
    (pickled / "adapter_model.safetensors").rename(pickled / "adapter_model.bin")
    with pytest.raises(Refused, match="never opened"):
        merge(base, pickled, tmp_path / "out")


def test_a_disk_that_fills_up_leaves_no_half_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    base = publish(tmp_path / "base", SHAPE, BASE)
    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space"):
        merge(base, peft(tmp_path / "adapter", HALVES), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_quantised_weights_cannot_be_added_to(tmp_path: Path) -> None:
    base = publish(tmp_path / "base", SHAPE, BASE)
    raw = (base / "model.safetensors").read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = raw[8 : 8 + length].replace(b'"F32"', b'"I32"')
    (base / "model.safetensors").write_bytes(raw[:8] + header + raw[8 + length :])
    with pytest.raises(Refused, match="the base has it as I32"):
        merge(base, peft(tmp_path / "adapter", HALVES), tmp_path / "out")
