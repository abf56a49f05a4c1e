"""Six specialists of one base behind the gateway, on llama.cpp's own server: each is itself, and nobody else."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ollama
import openai
import pytest

from fakes.embedded import KEY as ENGINE_KEY
from fakes.gateways import KEY, Gateway, gateway, settings
from fakes.sharedserver import Shared, serving
from fakes.specialists import WORDS, Shape, direction, gguf_of, publish, weights, without
from swarmctl.converter.sharebase import share

pytestmark = pytest.mark.slow
NAMES = ("backend", "frontend", "security", "database", "devops", "reviewer")


@dataclass
class Standing:
    """Both, and the adapters' files in the order of their ids."""

    engine: Shared
    at: Gateway
    adapters: list[Path]
    model: Path


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    folder, shape = tmp_path_factory.mktemp("shared"), Shape("llama", layers=2, width=64, ffn=128, words=WORDS)
    base = weights(shape)
    publish(folder / "base", shape, base)
    for n, name in enumerate(NAMES):
        publish(folder / name, shape, without(base, direction(shape.width, n)))
    named = {name: str(folder / name) for name in NAMES}
    told = {"base": str(folder / "base"), "out": str(folder / "out"), "specialists": named}
    found = share(told, lambda _: None)["specialists"]
    adapters = [folder / "out" / one["adapter"] for one in found]
    model = gguf_of(folder / "base.gguf", shape, base)
    models = [{"name": name, "adapter": n, "slots": [n]} for n, name in enumerate(NAMES)]
    models.append({"name": "base", "slots": [6]})
    with serving(folder / "engine", model, adapters, parallel=7) as engine:
        file = settings(folder, engine.url, ENGINE_KEY, models, [path.name for path in adapters])
        with gateway(file) as at:
            yield Standing(engine, at, adapters, model)


@pytest.fixture
def at(standing: Standing) -> Gateway:
    return standing.at


def asked(at: Gateway, model: str, text: str = "Write a sort.", **more: Any) -> dict[str, Any]:
    told = {"max_tokens": 24, "temperature": 0, "top_k": 1, "logprobs": True, "top_logprobs": 5, "seed": 1}
    got = at.post("/v1/chat/completions", model=model, messages=[{"role": "user", "content": text}], **(told | more))
    assert got.ok, got.text
    found: dict[str, Any] = got.json()
    return found


def words(answer: dict[str, Any]) -> str:
    return str(answer["choices"][0]["message"]["content"])


def first(answer: dict[str, Any]) -> dict[int, float]:
    return {one["id"]: one["logprob"] for one in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]}


def test_it_is_well(at: Gateway) -> None:
    got = at.get("/health")
    assert (got.status_code, got.json()) == (200, {"status": "ok", "wrong": []})


def test_each_name_is_another_model(at: Gateway) -> None:
    assert len({words(asked(at, name)) for name in (*NAMES, "base")}) == 7
    assert asked(at, "security")["model"] == "security"


def test_a_name_answers_as_its_adapter_alone(standing: Standing, tmp_path: Path) -> None:
    """A server that has no other adapter, asked without a gateway."""
    with serving(tmp_path / "alone", standing.model, standing.adapters[2:3], parallel=1) as engine:
        body = {"messages": [{"role": "user", "content": "Write a sort."}], "lora": [{"id": 0, "scale": 1.0}]}
        told = {"max_tokens": 24, "temperature": 0, "top_k": 1, "logprobs": True, "top_logprobs": 5, "seed": 1}
        alone = engine.post("/v1/chat/completions", **body, **told).json()
    here = asked(standing.at, "security")
    assert words(here) == words(alone)
    assert first(here) == pytest.approx(first(alone), abs=1e-3)


def test_six_at_once_answer_as_each_alone(at: Gateway) -> None:
    alone = {name: words(asked(at, name)) for name in NAMES}
    for _ in range(3):
        with ThreadPoolExecutor(len(NAMES)) as pool:
            together = dict(zip(NAMES, pool.map(lambda name: words(asked(at, name)), NAMES), strict=True))
        assert together == alone


def test_a_slot_remembers_its_own_and_nobody_elses(standing: Standing) -> None:
    text = "A question that only one of them has seen: " + "word " * 60
    once, again = asked(standing.at, "backend", text), asked(standing.at, "backend", text)
    other = asked(standing.at, "frontend", text)
    assert once["timings"]["cache_n"] < 30 < again["timings"]["cache_n"]
    assert other["timings"]["cache_n"] < 30
    held = {slot["id"]: slot.get("params", {}).get("lora") for slot in standing.engine.get("/slots")}
    mine = {n: [one["id"] for one in lora if one["scale"]] for n, lora in held.items() if lora}
    assert mine[0] == [0]
    assert mine[1] == [1]


def test_openais_client_streams_and_lists(at: Gateway) -> None:
    with openai.OpenAI(base_url=f"{at.url}/v1", api_key=KEY, max_retries=0) as client:
        assert [model.id for model in client.models.list()] == [*NAMES, "base"]
        parts = client.chat.completions.create(
            model="backend", messages=[{"role": "user", "content": "Write a sort."}], stream=True, max_tokens=24,
            temperature=0, seed=1, extra_body={"top_k": 1},
        )  # fmt: skip
        text = "".join(part.choices[0].delta.content or "" for part in parts if part.choices)
        assert text == words(asked(at, "backend"))
        with pytest.raises(openai.NotFoundError, match="no model 'nobody' here"):
            client.chat.completions.create(model="nobody", messages=[{"role": "user", "content": "hi"}])


def test_ollamas_client_gets_the_same_answer_whole_and_streamed(at: Gateway) -> None:
    client = ollama.Client(at.url, headers={"Authorization": f"Bearer {KEY}"})
    options = {"num_predict": 24, "temperature": 0, "top_k": 1, "seed": 1}
    asking: dict[str, Any] = {"messages": [{"role": "user", "content": "Write a sort."}], "options": options}
    try:
        whole = client.chat("devops", **asking)
        parts = list(client.chat("devops", stream=True, **asking))
        shown = client.show("devops")
    finally:
        client._client.close()
    wanted = words(asked(at, "devops"))
    assert whole.message.content == "".join(part.message.content or "" for part in parts) == wanted
    assert (whole.eval_count, whole.done_reason) == (24, "length")
    assert (parts[-1].eval_count, parts[-1].done_reason) == (24, "length")
    assert (whole.prompt_eval_count or 0) > 10
    assert "<|im_start|>" in (shown.template or "")
    assert "completion" in (shown.capabilities or [])


def test_a_prompt_that_is_too_long_is_refused_and_not_cut(at: Gateway) -> None:
    got = at.post("/v1/chat/completions", model="backend", messages=[{"role": "user", "content": "word " * 3000}])
    assert (got.status_code, got.json()["error"]["type"]) == (400, "exceed_context_size_error")
    told = at.post("/api/chat", model="backend", messages=[{"role": "user", "content": "word " * 3000}])
    assert told.status_code == 400
    assert "exceeds" in told.json()["error"]


def test_health_sees_adapters_in_another_order_and_at_another_scale(standing: Standing, tmp_path: Path) -> None:
    names = [path.name for path in standing.adapters]
    models = [{"name": "x", "adapter": 0, "slots": [0]}]
    told = settings(tmp_path, standing.engine.url, ENGINE_KEY, models, [names[1], names[0], *names[2:]])
    with gateway(told) as at:
        got = at.get("/health")
        assert got.status_code == 503
        order, slots = got.json()["wrong"]
        assert order.startswith("engine 0: its adapters are backend.gguf")
        assert slots == "engine 0: it has 7 slots, not 1"
    with (
        serving(tmp_path / "loud", standing.model, standing.adapters[:1], scale=1.0) as engine,
        gateway(settings(tmp_path / "two", engine.url, ENGINE_KEY, models, names[:1])) as at,
    ):
        assert "scaled without being asked" in at.get("/health").json()["wrong"][0]
