"""Every trap of several adapters on one llama.cpp server, first sprung without the gateway, then not with it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from fakes.embedded import KEY as ENGINE_KEY
from fakes.gateways import Gateway, gateway, settings
from fakes.sharedserver import Shared, serving
from fakes.specialists import Array, Shape, direction, gguf_of, publish, weights, without
from swarmctl.converter.adapter import Pair, write
from swarmctl.converter.sharebase import share
from swarmctl.core.sharing.rewriting import scales

pytestmark = pytest.mark.slow
SHAPE = Shape()
BASE = weights(SHAPE)
PROMPT = list(range(10, 90))
OTHER = list(range(200, 260))
COUNT = 3


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`base.gguf` and three adapters."""
    folder = tmp_path_factory.mktemp("made")
    publish(folder / "base", SHAPE, BASE)
    for n in range(COUNT):
        publish(folder / f"s{n}", SHAPE, without(BASE, direction(SHAPE.width, n)))
    named = {f"s{n}": str(folder / f"s{n}") for n in range(COUNT)}
    share({"base": str(folder / "base"), "out": str(folder), "specialists": named}, lambda _: None)
    gguf_of(folder / "base.gguf", SHAPE, BASE)
    return folder


@pytest.fixture(scope="module")
def standing(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shared, Gateway]]:
    with behind(made, tmp_path_factory.mktemp("standing")) as found:
        yield found


@pytest.fixture
def engine(standing: tuple[Shared, Gateway]) -> Shared:
    return standing[0]


@pytest.fixture
def at(standing: tuple[Shared, Gateway]) -> Gateway:
    return standing[1]


class behind:  # noqa: N801 - reads as a word
    """An engine with the three adapters, and a gateway before it."""

    def __init__(self, made: Path, folder: Path, **changes: Any) -> None:
        adapters = [made / f"s{n}.gguf" for n in range(COUNT)]
        self._engine = serving(folder, made / "base.gguf", adapters, **changes)
        self._folder, self._names = folder, [path.name for path in adapters]

    def __enter__(self) -> tuple[Shared, Gateway]:
        engine = self._engine.__enter__()
        models = [{"name": f"s{n}", "adapter": n, "slots": [n]} for n in range(COUNT)]
        self._gateway = gateway(settings(self._folder, engine.url, ENGINE_KEY, models, self._names))
        return engine, self._gateway.__enter__()

    def __exit__(self, *_: object) -> None:
        self._gateway.__exit__(None, None, None)
        self._engine.__exit__(None, None, None)


def apart(one: Array, other: Array) -> float:
    return float(np.max(np.abs(one - other)))


def through(at: Gateway, model: str, prompt: list[int], **more: Any) -> dict[str, Any]:
    got = at.post("/v1/completions", model=model, prompt=prompt, max_tokens=1, temperature=0, **more)
    assert got.ok, got.text
    found: dict[str, Any] = got.json()
    return found


def test_1_adapters_loaded_without_being_applied_are_applied_all_the_same(made: Path, tmp_path: Path) -> None:
    with serving(tmp_path / "bare", made / "base.gguf") as bare:
        wanted = bare.next(PROMPT, SHAPE.words)
    adapters = [made / f"s{n}.gguf" for n in range(COUNT)]
    with serving(tmp_path / "unapplied", made / "base.gguf", adapters, scale=1.0, unapplied=True) as engine:
        assert apart(engine.next(PROMPT, SHAPE.words, id_slot=0), wanted) > 0.3
    with serving(tmp_path / "scaled", made / "base.gguf", adapters) as engine:
        assert apart(engine.next(PROMPT, SHAPE.words, id_slot=0), wanted) < 1e-3


def test_2_an_empty_list_and_an_unknown_id_are_taken_without_a_word(engine: Shared, at: Gateway) -> None:
    plain = engine.next(PROMPT, SHAPE.words, id_slot=0)
    mine = engine.next(PROMPT, SHAPE.words, id_slot=0, lora=scales(0, COUNT))
    assert apart(plain, mine) > 0.1
    assert apart(engine.next(PROMPT, SHAPE.words, id_slot=1, lora=[]), plain) < 1e-3
    assert apart(engine.next(PROMPT, SHAPE.words, id_slot=0, lora=[{"id": 99, "scale": 1.0}]), plain) < 1e-3
    for said in ([], [{"id": 99, "scale": 1.0}], "nonsense"):
        through(at, "s0", PROMPT, lora=said)
        held = engine.get("/slots")[0]["params"]["lora"]
        assert [one["scale"] for one in held] == [1.0, 0.0, 0.0]


def test_3_adapters_that_are_not_listed_are_off(engine: Shared) -> None:
    listed = engine.next(PROMPT, SHAPE.words, id_slot=0, lora=scales(0, COUNT))
    partly = engine.next(PROMPT, SHAPE.words, id_slot=0, lora=[{"id": 0, "scale": 1.0}])
    assert apart(listed, partly) < 1e-3


def test_4_another_adapter_on_a_slot_drops_what_it_remembers(engine: Shared, at: Gateway) -> None:
    def remembered(adapter: int) -> int:
        body = {"prompt": PROMPT, "n_predict": 1, "lora": scales(adapter, COUNT), "id_slot": 0}
        return int(engine.post("/completion", **body).json()["timings"]["cache_n"])

    assert [remembered(n) for n in (0, 0, 1, 0)][1:] == [79, 0, 0]
    for name in ("s0", "s1"):
        through(at, name, PROMPT)
    assert [through(at, name, PROMPT)["timings"]["cache_n"] for name in ("s0", "s1", "s0")] == [79, 79, 79]


def test_5_a_second_answer_takes_anothers_slot(engine: Shared, at: Gateway) -> None:
    for n in range(COUNT):
        through(at, f"s{n}", [*PROMPT, n])
    engine.post("/completion", prompt=PROMPT, n_predict=1, n=2, id_slot=1, lora=scales(1, COUNT))
    held = {slot["id"]: [one["id"] for one in slot["params"]["lora"] if one["scale"]] for slot in engine.get("/slots")}
    assert held != {n: [n] for n in range(COUNT)}
    assert at.post("/v1/completions", model="s1", prompt=PROMPT, max_tokens=1, n=2).status_code == 400


def test_8_a_request_without_adapters_goes_on_with_what_another_adapter_read(engine: Shared, at: Gateway) -> None:
    """The cache is dropped for a list that differs, and not for none at all."""
    fresh = engine.next(PROMPT, SHAPE.words, id_slot=2, cache_prompt=False)
    engine.next(PROMPT, SHAPE.words, id_slot=2, lora=scales(2, COUNT))
    assert apart(engine.next(PROMPT, SHAPE.words, id_slot=2), fresh) > 0.05
    engine.next(PROMPT, SHAPE.words, id_slot=2, lora=scales(2, COUNT))
    assert apart(engine.next(PROMPT, SHAPE.words, id_slot=2, lora=scales(9, COUNT)), fresh) < 1e-3


def test_6_an_adapter_of_a_tied_embedding_ends_the_server(made: Path, tmp_path: Path) -> None:
    column = direction(SHAPE.width, 1)[None, :]
    pair = Pair("token_embd.weight", -(BASE["model.embed_tokens.weight"] @ column.T), column)
    write(tmp_path / "tied.gguf", "qwen2", "tied", [pair])
    with serving(tmp_path / "tied", made / "base.gguf", [tmp_path / "tied.gguf"]) as engine:
        with pytest.raises(requests.ConnectionError):
            engine.post("/completion", prompt=PROMPT, n_predict=1, lora=scales(0, 1))
        assert "GGML_ASSERT" in engine.log.read_text()


@pytest.mark.parametrize("kept", [0, 64])
def test_7_a_cache_of_prompts_hands_one_specialists_memory_to_another(kept: int, made: Path, tmp_path: Path) -> None:
    """The server keeps prompts without the adapter that read them: a shared base has to run without that cache."""
    with behind(made, tmp_path, cache_ram=kept) as (engine, at):
        for name, prompt in (("s0", PROMPT), ("s1", OTHER), ("s0", OTHER)):
            through(at, name, prompt)
        leaked = through(at, "s1", PROMPT)["timings"]["cache_n"]
        found = engine.next(PROMPT, SHAPE.words, id_slot=1, lora=scales(1, COUNT))
    with behind(made, tmp_path / "fresh") as (engine, _):
        wanted = engine.next(PROMPT, SHAPE.words, id_slot=1, lora=scales(1, COUNT))
    assert leaked == (79 if kept else 0)
    assert (apart(found, wanted) > 0.1) == bool(kept)
