"""The server of the image behind the gateway: six at once as each alone, and the cache that would leak."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes.embedded import KEY as ENGINE_KEY
from fakes.gateways import Gateway, gateway, settings
from fakes.grounded import docker, stands
from fakes.sharedserver import Logs, contained
from fakes.specialists import Shape, direction, gguf_of, publish, weights, without
from ground.places import LLAMA_CPP
from swarmctl.converter.sharebase import share
from swarmctl.core.sharing.rewriting import scales

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=90)]
SHAPE = Shape()
NAMES = [f"s{n}" for n in range(6)]
PROMPT, OTHER = list(range(10, 90)), list(range(200, 260))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    stands("engine", "llama.cpp")
    folder, base = tmp_path_factory.mktemp("made"), weights(SHAPE)
    publish(folder / "base", SHAPE, base)
    for n, name in enumerate(NAMES):
        publish(folder / name, SHAPE, without(base, direction(SHAPE.width, n)))
    named = {name: str(folder / name) for name in NAMES}
    share({"base": str(folder / "base"), "out": str(folder), "specialists": named}, lambda _: None)
    gguf_of(folder / "base.gguf", SHAPE, base)
    return folder


@pytest.fixture(params=[0, 64])
def at(made: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Gateway, int]]:
    adapters = [made / f"{name}.gguf" for name in NAMES]
    models = [{"name": name, "adapter": n, "slots": [n]} for n, name in enumerate(NAMES)]
    with contained(made, made / "base.gguf", adapters, len(NAMES), cache_ram=request.param) as engine:
        told = settings(tmp_path, engine.url, ENGINE_KEY, models, [path.name for path in adapters])
        with gateway(told) as one:
            yield one, request.param


def asked(at: Gateway, model: str, prompt: list[int], words: int = 24) -> dict[str, Any]:
    body = {"prompt": prompt, "max_tokens": words, "temperature": 0, "top_k": 1, "logprobs": 1, "ignore_eos": True}
    got = at.post("/v1/completions", model=model, **body)
    assert got.ok, got.text
    found: dict[str, Any] = got.json()
    return found


def test_six_at_once_answer_as_each_alone_and_a_cache_of_prompts_leaks(at: tuple[Gateway, int]) -> None:
    gate, kept = at
    assert gate.get("/health").json() == {"status": "ok", "wrong": []}

    def text(name: str) -> str:
        return str(asked(gate, name, OTHER)["choices"][0]["text"])

    alone = {name: text(name) for name in NAMES}
    assert len(set(alone.values())) == len(NAMES)
    with ThreadPoolExecutor(len(NAMES)) as pool:
        assert dict(zip(NAMES, pool.map(text, NAMES), strict=True)) == alone
    for name, prompt in (("s0", PROMPT), ("s1", OTHER), ("s0", OTHER)):
        asked(gate, name, prompt, 1)
    # Nobody but s0 has ever read this prompt.
    leaked = asked(gate, "s1", PROMPT, 1)["timings"]["cache_n"]
    assert leaked == (79 if kept else 0)


def test_a_base_in_k_quants_is_as_near_as_specialists_in_k_quants(tmp_path: Path) -> None:
    """KL to the unquantised specialist: base with adapter at most 1.1 times the specialist quantised by itself."""
    stands("engine", "llama.cpp")
    shape, random = Shape(width=256, ffn=512), np.random.default_rng(1)
    prompts = [[int(word) for word in random.integers(2, shape.words, 12)] for _ in range(40)]
    base, names = weights(shape), NAMES[:2]
    edited = {name: without(base, direction(shape.width, n)) for n, name in enumerate(names)}
    for name, tensors in {"base": base, **edited}.items():
        publish(tmp_path / name, shape, tensors)
        gguf_of(tmp_path / f"{name}.gguf", shape, tensors)
        argv = ["--entrypoint", "llama-quantize", LLAMA_CPP, f"/w/{name}.gguf", f"/w/{name}-q.gguf", "Q4_K_M"]
        docker("run", "--rm", "--label", "swarmctl.test=share", "-v", f"{tmp_path}:/w", "-u", "0:0", *argv)
    named = {name: str(tmp_path / name) for name in names}
    share({"base": str(tmp_path / "base"), "out": str(tmp_path / "out"), "specialists": named}, lambda _: None)

    def asked(model: str, *adapters: Path, **body: Any) -> Logs:
        with contained(tmp_path, tmp_path / f"{model}.gguf", adapters, 1) as server:
            return np.stack([server.next(prompt, shape.words, **body) for prompt in prompts])

    near = own = 0.0
    for name in names:
        truth = asked(name)
        for which, found in (
            ("own", asked(f"{name}-q")),
            ("near", asked("base-q", tmp_path / f"out/{name}.gguf", lora=scales(0, 1))),
        ):
            kl = float(np.mean(np.sum(np.exp(truth) * (truth - found), axis=1)))
            own, near = (own + kl, near) if which == "own" else (own, near + kl)
    print(f"KL of Q4_K_M: own {own / 2:.4g}, base with adapter {near / 2:.4g}, ratio {near / own:.3f}")
    assert near <= 1.1 * own
