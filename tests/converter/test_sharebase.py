"""The program from request to report: who is accepted, who is refused and why, and what is written."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from fakes.specialists import Shape, as_bf16, direction, publish, save, weights, without
from swarmctl.converter import sharebase
from swarmctl.converter.tensors import Refused, tensors

SHAPE = Shape(width=64, ffn=128, words=320)
BASE = weights(SHAPE)


NAN = np.float32("nan")


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def index(folder: Path, name: str) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))


def share(folder: Path, *names: str, **more: Any) -> dict[str, Any]:
    request = {"base": str(folder / "base"), "out": str(folder / "out"), "specialists": {}}
    request["specialists"] = {name: str(folder / name) for name in names}
    return sharebase.share(request | more, lambda _: None)


def one(folder: Path, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = share(folder, "backend", **more)["specialists"][0]
    return found


@pytest.fixture
def base(tmp_path: Path) -> Path:
    publish(tmp_path / "base", SHAPE, BASE)
    return tmp_path


def test_an_edit_of_outputs_becomes_an_adapter_of_them_alone(base: Path) -> None:
    publish(base / "backend", SHAPE, without(BASE, direction(SHAPE.width, 1)))
    found = one(base)
    assert (found["accepted"], found["why"], found["rank"]) == (True, [], 1)
    assert found["residual"] < 1e-5
    assert found["bytes"] == (base / "out/backend.gguf").stat().st_size < found["own_bytes"] / 100
    reader = gguf.GGUFReader(base / "out/backend.gguf")
    wanted = {
        f"blk.{n}.{part}.weight.lora_{half}" for n in range(3) for part in ("attn_output", "ffn_down") for half in "ab"
    }
    assert {tensor.name for tensor in reader.tensors} == wanted
    assert reader.fields["adapter.type"].contents() == "lora"
    assert reader.fields["general.architecture"].contents() == "qwen2"


def test_what_is_written_is_the_edit(base: Path) -> None:
    ranks = without(BASE, direction(SHAPE.width, 1), parts=("o_proj",))
    ranks = without(ranks, direction(SHAPE.width, 1), direction(SHAPE.width, 2), parts=("down_proj",))
    publish(base / "backend", SHAPE, ranks)
    assert one(base)["rank"] == 2
    reader = gguf.GGUFReader(base / "out/backend.gguf")
    held = {tensor.name: tensor.data for tensor in reader.tensors}
    alpha = reader.fields["adapter.lora.alpha"].contents()
    for part, published in (("attn_output", "self_attn.o_proj"), ("ffn_down", "mlp.down_proj")):
        a, b = (held[f"blk.1.{part}.weight.lora_{half}"] for half in "ab")
        name = f"model.layers.1.{published}.weight"
        # The loader multiplies by alpha over the rank of the pair.
        np.testing.assert_allclose(alpha / b.shape[1] * b @ a, ranks[name] - BASE[name], atol=2e-6)


def test_a_tied_embedding_goes_to_both_places_and_asks_for_a_head(base: Path) -> None:
    publish(base / "backend", SHAPE, without(BASE, direction(SHAPE.width, 1), parts=("embed_tokens",)))
    report = share(base, "backend", untied=str(base / "untied"))
    assert report["tied"]
    assert report["untie"]
    held = {t.name: t.data.shape for t in gguf.GGUFReader(base / "out/backend.gguf").tensors}
    assert held == {
        "token_embd.weight.lora_a": (SHAPE.words, 1),
        "token_embd.weight.lora_b": (SHAPE.width, 1),
        "output.weight.lora_a": (1, SHAPE.width),
        "output.weight.lora_b": (SHAPE.words, 1),
    }
    head = Path(report["untied"])
    assert json.loads((head / "config.json").read_text())["tie_word_embeddings"] is False
    given = tensors(head)
    assert given.keys() == BASE.keys() | {"lm_head.weight"}
    np.testing.assert_array_equal(given["lm_head.weight"].read(), BASE["model.embed_tokens.weight"])


def test_an_embedding_that_cannot_be_untied_is_refused(base: Path) -> None:
    """Gemma's loader knows no other head: such an adapter would end the server at its first question."""
    publish(base / "base", SHAPE, BASE, model_type="gemma2")
    publish(
        base / "backend", SHAPE, without(BASE, direction(SHAPE.width, 1), parts=("embed_tokens",)), model_type="gemma2"
    )
    publish(base / "frontend", SHAPE, without(BASE, direction(SHAPE.width, 1)), model_type="gemma2")
    bad, good = share(base, "backend", "frontend")["specialists"]
    assert "no adapter of this architecture reaches: model.embed_tokens.weight" in bad["why"][0]
    assert (good["accepted"], good["rank"]) == (True, 1)


def test_a_specialist_with_a_head_of_its_own_is_held_against_the_tied_one(base: Path) -> None:
    head = without(BASE, direction(SHAPE.width, 1), parts=("embed_tokens",))["model.embed_tokens.weight"]
    publish(base / "backend", SHAPE, BASE | {"lm_head.weight": head}, tie_word_embeddings=False)
    assert share(base, "backend")["untie"]
    held = {t.name for t in gguf.GGUFReader(base / "out/backend.gguf").tensors}
    assert held == {"output.weight.lora_a", "output.weight.lora_b"}


def test_rounding_to_bf16_is_no_reason_to_refuse(base: Path) -> None:
    rounded = as_bf16(BASE)
    publish(base / "base", SHAPE, rounded, "BF16")
    publish(base / "backend", SHAPE, without(rounded, direction(SHAPE.width, 1)), "BF16")
    found = one(base)
    assert (found["accepted"], found["rank"]) == (True, 1)
    assert found["residual"] < 0.01 < found["noise"]


def test_training_of_every_weight_is_refused_without_a_rank(base: Path) -> None:
    random = np.random.default_rng(9)
    trained = {n: t + np.float32(0.01) * random.standard_normal(t.shape, np.float32) for n, t in BASE.items()}
    publish(base / "backend", SHAPE, trained)
    found = one(base)
    assert not found["accepted"]
    assert found["wanted_rank"] is None
    assert "of its edit out" in found["why"][0]
    assert not (base / "out/backend.gguf").exists()


def test_a_rank_above_the_limit_is_refused_with_the_rank_and_its_size_that_would_do(base: Path) -> None:
    several = [direction(SHAPE.width, n) for n in range(5)]
    publish(base / "backend", SHAPE, without(BASE, *several))
    found = one(base, max_rank=3)
    assert not found["accepted"]
    assert found["wanted_rank"] == 5
    higher = one(base, max_rank=5)
    assert higher["accepted"]
    assert higher["bytes"] == pytest.approx(found["wanted_bytes"], rel=0.1)


def test_a_norm_that_changed_is_not_lost_among_large_matrices(base: Path) -> None:
    edited = without(BASE, direction(SHAPE.width, 1))
    edited["model.norm.weight"] = edited["model.norm.weight"] * np.float32(1.05)
    publish(base / "backend", SHAPE, edited)
    found = one(base)
    assert not found["accepted"]
    assert "model.norm.weight" in found["why"][0]


def test_a_file_from_before_is_gone_when_its_specialist_is_refused(base: Path) -> None:
    publish(base / "backend", SHAPE, without(BASE, direction(SHAPE.width, 1)))
    assert one(base)["accepted"]
    publish(base / "backend", SHAPE, {n: t * np.float32(1.1) for n, t in BASE.items()})
    assert not one(base)["accepted"]
    assert list((base / "out").iterdir()) == []


def test_the_base_itself_is_no_specialist(base: Path) -> None:
    publish(base / "backend", SHAPE, BASE)
    assert "it is the base" in one(base)["why"][0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: (f / "tokenizer.json").write_text(json.dumps({"model": {"vocab": {"b": 0}}})), "another vocabulary"),
        (lambda f: (f / "chat_template.jinja").write_text("{{ x }}"), "chat template"),
        (lambda f: publish(f, SHAPE, BASE, rope_theta=5.0), "rope_theta"),
        (lambda f: (f / "config.json").write_text("{"), "config.json"),
        (lambda f: (f / "model.safetensors").write_bytes(b""), "only the beginning"),
        (lambda f: cut(f / "model.safetensors"), "beyond the end"),
        (lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"), "never opened"),
        (lambda f: publish(f, SHAPE, dict(list(BASE.items())[:-1])), "only one of both"),
        (lambda f: publish(f, SHAPE, BASE | {"model.norm.weight": np.ones(3, np.float32)}), "has shape"),
        (lambda f: publish(f, SHAPE, BASE | {"model.norm.weight": BASE["model.norm.weight"] * NAN}), "no number"),
        (lambda f: index(f, "../x.safetensors"), "plain names"),
        (lambda f: index(f, "b.safetensors"), "missing"),
    ],
)  # fmt: skip
def test_a_folder_that_cannot_be_shared_says_why_and_the_others_go_on(change: Any, words: str, base: Path) -> None:
    edited = without(BASE, direction(SHAPE.width, 1))
    publish(base / "backend", SHAPE, edited)
    publish(base / "frontend", SHAPE, edited)
    change(base / "backend")
    bad, good = share(base, "backend", "frontend")["specialists"]
    assert not bad["accepted"]
    assert words in bad["why"][0]
    assert good["accepted"]


@pytest.mark.parametrize(
    "change",
    [
        {"base": ""},
        {"base": 3},
        {"specialists": {}},
        {"specialists": {"../x": "."}},
        {"specialists": {"x": "/nowhere/at/all"}},
        {"max_rank": 0},
        {"max_rank": 10**18},
        {"max_rank": True},
        {"residual": float("nan")},
        {"residual": -1},
        {"out": None},
    ],
)
def test_a_request_that_makes_no_sense_is_refused(change: dict[str, Any], base: Path) -> None:
    publish(base / "backend", SHAPE, BASE)
    with pytest.raises(Refused):
        share(base, "backend", **change)


def test_an_architecture_without_adapters_is_named(base: Path) -> None:
    publish(base / "base", SHAPE, BASE, model_type="mamba")
    publish(base / "backend", SHAPE, BASE, model_type="mamba")
    with pytest.raises(Refused, match="'mamba' has no adapters here"):
        share(base, "backend")


def test_the_program_speaks_lines_and_ends_with_the_report(
    base: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(base / "backend", SHAPE, without(BASE, direction(SHAPE.width, 1)))
    request = {"base": str(base / "base"), "out": str(base / "out"), "specialists": {"backend": str(base / "backend")}}

    class Given:
        buffer = io.BytesIO(json.dumps(request).encode())

    monkeypatch.setattr(sys, "stdin", Given)
    assert sharebase.main() == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[0]["event"] == "tensor"
    assert rows[-1]["event"] == "report"
    assert [row["done"] for row in rows if row["event"] == "tensor"] == list(range(1, len(BASE) + 1))
    Given.buffer = io.BytesIO(b"[]")
    assert sharebase.main() == 2
    assert json.loads(capsys.readouterr().out)["event"] == "refused"


def test_a_shard_that_lies_about_its_size_is_refused(base: Path) -> None:
    publish(base / "backend", SHAPE, BASE)
    save(base / "backend/extra.safetensors", {"model.norm.weight": BASE["model.norm.weight"]})
    assert "is also in" in one(base)["why"][0]
