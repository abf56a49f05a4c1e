"""PEFT's adapters are rewritten with their scale, and what is more than a low-rank product is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes.specialists import Array, Shape, peft, publish, weights
from swarmctl.converter import lora
from swarmctl.converter.names import Names
from swarmctl.converter.sharebase import share
from swarmctl.converter.tensors import Refused

SHAPE = Shape()
NAMES = Names.of(SHAPE.config())
DOWN = "model.layers.1.mlp.down_proj"


def half(rows: int, columns: int, seed: int) -> Array:
    return np.random.default_rng(seed).standard_normal((rows, columns), np.float32)


def halves(rank: int = 4) -> tuple[Array, Array]:
    return half(rank, SHAPE.ffn, 1), half(SHAPE.width, rank, 2)


@pytest.mark.parametrize(
    ("config", "scale"),
    [
        ({}, 2.0),
        ({"lora_alpha": 4}, 1.0),
        ({"use_rslora": True}, 4.0),
        ({"alpha_pattern": {"down_proj": 2}}, 0.5),
        ({"alpha_pattern": {r"layers\.1\.mlp\.down_proj": 2}}, 0.5),
        ({"alpha_pattern": {"up_proj": 2}}, 2.0),
    ],
)
def test_the_scale_is_that_of_its_settings(config: dict[str, Any], scale: float, tmp_path: Path) -> None:
    a, b = halves()
    (pair,) = lora.pairs(peft(tmp_path, {DOWN: (a, b)}, **config), NAMES)
    assert pair.target == "blk.1.ffn_down.weight"
    np.testing.assert_allclose(pair.b @ pair.a, scale * b @ a, rtol=1e-6)


def test_an_embedding_is_looked_up_by_columns_of_a(tmp_path: Path) -> None:
    a, b = half(2, SHAPE.words, 1), half(SHAPE.width, 2, 2)
    (pair,) = lora.pairs(peft(tmp_path, {"model.embed_tokens": (a, b)}), NAMES)
    assert pair.target == "token_embd.weight"
    np.testing.assert_allclose(pair.b @ pair.a, 2 * (b @ a).T, rtol=1e-5)


@pytest.mark.parametrize(
    "config",
    [
        {"use_dora": True},
        {"modules_to_save": ["lm_head"]},
        {"bias": "all"},
        {"fan_in_fan_out": True},
        {"peft_type": "IA3"},
        {"r": 0},
        {"r": "4"},
        {"lora_alpha": float("nan")},
        {"lora_alpha": 10**18},
        {"alpha_pattern": {"down_proj": -1}},
        {"alpha_pattern": 3},
    ],
)
def test_what_is_more_than_low_rank_is_refused(config: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"adapter_config\.json"):
        lora.pairs(peft(tmp_path, {DOWN: halves()}, **config), NAMES)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"model.layers.1.mlp.nothing": halves()}, "no single GGUF matrix"),
        ({DOWN: (half(4, SHAPE.ffn, 1), half(SHAPE.width, 3, 2))}, "do not fit"),
        ({DOWN: (half(4, SHAPE.ffn, 1), half(SHAPE.width, 4, 2) * np.float32("nan"))}, "no number"),
    ],
)
def test_halves_that_fit_nowhere_are_refused(given: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=words):
        lora.pairs(peft(tmp_path, given), NAMES)


def test_an_adapter_of_another_base_is_refused_in_the_report(tmp_path: Path) -> None:
    publish(tmp_path / "base", SHAPE, weights(SHAPE))
    peft(tmp_path / "good", {DOWN: halves()})
    peft(tmp_path / "bad", {DOWN: (half(4, 64, 1), half(SHAPE.width, 4, 2))})
    request = {"base": str(tmp_path / "base"), "out": str(tmp_path / "out")}
    request["specialists"] = {name: str(tmp_path / name) for name in ("good", "bad")}  # type: ignore[assignment]
    good, bad = share(request, lambda _: None)["specialists"]
    assert (good["accepted"], good["rank"], good["residual"]) == (True, 4, 0.0)
    assert (bad["accepted"], bad["why"]) == (False, ["blk.1.ffn_down.weight: the adapter's shape is not this base's"])
