"""Base and adapter answer as the specialist does, each on its own slot, by log-probabilities of llama.cpp's server."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from fakes.sharedserver import Logs, serving
from fakes.specialists import Array, Shape, direction, gguf_of, peft, publish, weights, without
from swarmctl.converter.sharebase import share

pytestmark = pytest.mark.slow
PROMPT = [5, 9, 100, 33, 77, 12, 480, 3]
STEPS = 4
Tensors = dict[str, Array]


def scales(mine: int, count: int) -> list[dict[str, float]]:
    return [{"id": n, "scale": float(n == mine)} for n in range(count)]


def apart(one: Logs, other: Logs) -> float:
    assert not np.isnan(one).any()
    assert not np.isnan(other).any()
    return float(np.max(np.abs(one - other)))


def divergence(truth: Logs, guess: Logs) -> float:
    """Mean KL of the steps."""
    return float(np.mean(np.sum(np.exp(truth) * (truth - guess), axis=1)))


def shared(folder: Path, shape: Shape, base: Tensors, edited: dict[str, Tensors]) -> list[Path]:
    publish(folder / "base", shape, base)
    for name, tensors in edited.items():
        publish(folder / name, shape, tensors)
    request = {"base": str(folder / "base"), "out": str(folder / "out")}
    named = {name: str(folder / name) for name in edited}
    found = share(request | {"specialists": named}, lambda _: None)["specialists"]
    assert [one["why"] for one in found] == [[]] * len(edited)
    return [folder / "out" / one["adapter"] for one in found]


def answer(folder: Path, model: Path, words: int, steps: int = STEPS) -> Logs:
    with serving(folder / f"of-{model.stem}", model) as server:
        return server.steps(PROMPT, words, steps)


def untied(tensors: Tensors) -> Tensors:
    return tensors | {"lm_head.weight": tensors["model.embed_tokens.weight"]}


@pytest.mark.parametrize("kind", ["qwen2", "llama"])
@pytest.mark.parametrize("parts", [("o_proj", "down_proj"), ("o_proj", "down_proj", "embed_tokens")])
def test_it_answers_as_the_specialist_does(kind: str, parts: tuple[str, ...], tmp_path: Path) -> None:
    shape = Shape(kind)
    base = weights(shape)
    edited = without(base, direction(shape.width, 1), parts=parts)
    adapters = shared(tmp_path, shape, base, {"backend": edited})
    alone = answer(tmp_path, gguf_of(tmp_path / "alone.gguf", shape, edited), shape.words)
    given = gguf_of(tmp_path / "given.gguf", shape, untied(base) if "embed_tokens" in parts else base)
    with serving(tmp_path / "shared", given, adapters) as server:
        here = server.steps(PROMPT, shape.words, STEPS, lora=scales(0, 1), id_slot=0)
        without_it = server.steps(PROMPT, shape.words, STEPS, lora=scales(9, 1), id_slot=0)
    assert apart(here, alone) <= 1e-3
    assert apart(without_it, alone) > 0.3


@pytest.mark.parametrize("kind", ["qwen2", "llama"])
def test_a_peft_adapter_answers_as_the_merged_model_does(kind: str, tmp_path: Path) -> None:
    shape = Shape(kind)
    base, random = weights(shape), np.random.default_rng(4)
    halves = {}
    merged = {name: tensor.copy() for name, tensor in base.items()}
    for module in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.up_proj"):
        name = f"model.layers.1.{module}"
        rows, columns = base[f"{name}.weight"].shape
        a, b = random.standard_normal((3, columns), np.float32), random.standard_normal((rows, 3), np.float32)
        halves[name] = (a, b / np.float32(20))
        merged[f"{name}.weight"] += 2 * halves[name][1] @ a
    publish(tmp_path / "base", shape, base)
    peft(tmp_path / "backend", halves)
    request = {"base": str(tmp_path / "base"), "out": str(tmp_path / "out")}
    share(request | {"specialists": {"backend": str(tmp_path / "backend")}}, lambda _: None)
    alone = answer(tmp_path, gguf_of(tmp_path / "alone.gguf", shape, merged), shape.words)
    with serving(
        tmp_path / "s", gguf_of(tmp_path / "given.gguf", shape, base), [tmp_path / "out/backend.gguf"]
    ) as server:
        here = server.steps(PROMPT, shape.words, STEPS, lora=scales(0, 1))
        bare = server.steps(PROMPT, shape.words, STEPS, lora=scales(9, 1))
    assert apart(here, alone) <= 1e-3
    assert apart(bare, alone) > 0.3


@pytest.mark.parametrize("kind", [gguf.GGMLQuantizationType.Q8_0, gguf.GGMLQuantizationType.Q4_0])
def test_a_quantised_base_with_an_adapter_is_as_near_as_a_quantised_specialist(
    kind: gguf.GGMLQuantizationType, tmp_path: Path
) -> None:
    shape, random = Shape(), np.random.default_rng(1)
    base = weights(shape)
    prompts = [[int(word) for word in random.integers(2, shape.words, 12)] for _ in range(40)]
    edited = {f"s{n}": without(base, direction(shape.width, n)) for n in range(3)}
    adapters = shared(tmp_path, shape, base, edited)
    given, near, own = gguf_of(tmp_path / "given.gguf", shape, base, kind), [], []

    def asked(model: Path, *loaded: Path, **body: Any) -> Logs:
        with serving(tmp_path / f"of-{model.stem}-{body.get('id_slot')}", model, loaded) as server:
            return np.stack([server.next(prompt, shape.words, **body) for prompt in prompts])

    for n, (name, tensors) in enumerate(edited.items()):
        truth = asked(gguf_of(tmp_path / f"{name}.gguf", shape, tensors))
        own.append(divergence(truth, asked(gguf_of(tmp_path / f"{name}-q.gguf", shape, tensors, kind))))
        near.append(divergence(truth, asked(given, *adapters, lora=scales(n, 3), id_slot=n)))
    assert sum(near) <= 1.1 * sum(own)


def test_six_at_once_answer_as_each_alone(tmp_path: Path) -> None:
    shape, count = Shape(), 6
    base = weights(shape)
    edited = {f"s{n}": without(base, direction(shape.width, n)) for n in range(count)}
    adapters = shared(tmp_path, shape, base, edited)
    bodies = [{"prompt": [*PROMPT, n], "lora": scales(n, count), "id_slot": n} for n in range(count)]
    with serving(tmp_path / "s", gguf_of(tmp_path / "given.gguf", shape, base), adapters) as server:
        alone = [server.steps(words=shape.words, steps=24, **body) for body in bodies]
        for _ in range(3):
            for mine, together in zip(alone, server.together(bodies, shape.words, 24), strict=True):
                assert apart(mine, together) <= 1e-3
        slots = server.get("/slots")
    held = {slot["id"]: [one["id"] for one in slot["params"]["lora"] if one["scale"]] for slot in slots}
    assert held == {n: [n] for n in range(count)}
