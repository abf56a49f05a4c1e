"""OpenAI's API: the right slot and adapter, whatever a client writes; errors in its words; nothing computed in vain."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from fakes.agents import free_port, until
from fakes.gateways import KEY, Gateway, gateway, settings
from fakes.openai_server import KEY as ENGINE_KEY
from fakes.openai_server import ScriptedEngine, Turn

MODELS = [
    {"name": "backend", "adapter": 0, "slots": [0]},
    {"name": "frontend", "adapter": 1, "slots": [1, 2]},
    {"name": "base", "slots": [3]},
]
ASK = {"messages": [{"role": "user", "content": "hello"}], "stream": True}


@pytest.fixture(scope="module")
def standing() -> Iterator[ScriptedEngine]:
    with ScriptedEngine(Turn()) as one:
        yield one


@pytest.fixture(scope="module")
def at(standing: ScriptedEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder, adapters = tmp_path_factory.mktemp("gateway"), ["a.gguf", "b.gguf"]
    with gateway(settings(folder, standing.url[:-3], ENGINE_KEY, MODELS, adapters, body=1)) as one:
        yield one


@pytest.fixture
def engine(standing: ScriptedEngine) -> ScriptedEngine:
    standing.script, standing.requests, standing.left = [Turn("hello to you")], [], 0
    return standing


def chat(at: Gateway, model: Any, **more: Any) -> requests.Response:
    return at.post("/v1/chat/completions", model=model, **(ASK | more))


@pytest.mark.parametrize(
    ("model", "scales", "slots"), [("backend", [1, 0], {0}), ("frontend", [0, 1], {1, 2}), ("base", [0, 0], {3})]
)
def test_a_name_is_its_adapter_and_its_slot(
    model: str, scales: list[int], slots: set[int], at: Gateway, engine: ScriptedEngine
) -> None:
    got = chat(at, model)
    assert got.status_code == 200
    assert got.headers["content-type"].startswith("text/event-stream")
    assert "hello to" in got.text
    assert got.text.rstrip().endswith("data: [DONE]")
    sent = engine.requests[0]
    assert sent["lora"] == [{"id": n, "scale": float(scale)} for n, scale in enumerate(scales)]
    assert (sent["id_slot"] in slots, sent["cache_prompt"], sent["model"]) == (True, True, model)
    assert sent["messages"] == ASK["messages"]


def test_what_a_client_says_of_slots_and_adapters_is_not_believed(at: Gateway, engine: ScriptedEngine) -> None:
    chat(at, "backend", lora=[{"id": 1, "scale": 1}], id_slot=2, cache_prompt=False, temperature=0.5)
    sent = engine.requests[0]
    assert (sent["lora"][0]["scale"], sent["lora"][1]["scale"], sent["id_slot"]) == (1.0, 0.0, 0)
    assert (sent["cache_prompt"], sent["temperature"]) == (True, 0.5)


@pytest.mark.parametrize("more", [{"n": 2}, {"n_cmpl": 3}, {"n": "2"}, {"n": [1]}, {"n": True}, {"n": 10**18}])
def test_a_second_answer_is_refused_since_it_would_take_anothers_slot(
    more: dict[str, Any], at: Gateway, engine: ScriptedEngine
) -> None:
    got = chat(at, "backend", **more)
    assert (got.status_code, engine.requests) == (400, [])
    assert "another model's slot" in got.json()["error"]["message"]


def test_a_conversation_comes_back_to_the_slot_that_remembers_it(at: Gateway, engine: ScriptedEngine) -> None:
    for who in ("one", "two", "one", "two", "two", "one"):
        chat(at, "frontend", messages=[{"role": "system", "content": who}]).close()
    one, two, *later = [sent["id_slot"] for sent in engine.requests]
    assert {one, two} == {1, 2}
    assert later == [one, two, two, one]


@pytest.mark.parametrize("model", ["nobody", "", None, 3, [], {"a": 1}, "backend:7b"])
def test_an_unknown_model_is_named_with_those_there_are(model: Any, at: Gateway) -> None:
    got = chat(at, model)
    assert got.status_code == 404
    assert got.json()["error"]["code"] == "model_not_found"
    assert "backend, base, frontend" in got.json()["error"]["message"]


def test_models_are_listed_and_found(at: Gateway) -> None:
    assert [row["id"] for row in at.get("/v1/models").json()["data"]] == ["backend", "frontend", "base"]
    assert at.get("/v1/models/backend").json()["meta"]["n_ctx"] == 1024
    assert at.get("/v1/models/nobody").status_code == 404


def test_tokens_are_counted_by_the_engine(at: Gateway) -> None:
    got = at.post("/v1/chat/completions/input_tokens", model="backend", messages=ASK["messages"])
    assert got.json()["input_tokens"] > 0


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": KEY}])
@pytest.mark.parametrize("path", ["/v1/models", "/api/tags", "/", "/v1/chat/completions", "/no/such/path"])
def test_without_the_key_there_is_nothing(headers: dict[str, str], path: str, at: Gateway) -> None:
    got = requests.get(at.url + path, headers=headers, timeout=10)
    assert got.status_code == 401
    assert KEY not in got.text


@pytest.mark.parametrize(
    "path", ["/lora-adapters", "/slots", "/props", "/metrics", "/completion", "/slots/0?action=erase"]
)
def test_the_engines_own_doors_are_not_here(path: str, at: Gateway) -> None:
    assert at.get(path).status_code == 404
    assert at.post(path).status_code == 404


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"3", b"\xff\xfe", b'{"a":' * 5000])
def test_a_body_that_is_no_object_is_refused(raw: bytes, at: Gateway) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    got = requests.post(f"{at.url}/v1/chat/completions", data=raw, headers=headers, timeout=10)
    assert got.status_code == 400
    assert "JSON" in got.json()["error"]["message"]


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_is_not_read(declared: bool, at: Gateway, engine: ScriptedEngine) -> None:
    pieces = [b" " * (1 << 16)] * 20
    headers = {"Authorization": f"Bearer {KEY}"}
    data: Any = b"".join(pieces) if declared else iter(pieces)
    got = requests.post(f"{at.url}/v1/chat/completions", data=data, headers=headers, timeout=10)
    assert (got.status_code, engine.requests) == (413, [])


def test_an_engine_that_is_down_is_a_502_that_says_so(tmp_path: Path) -> None:
    with gateway(settings(tmp_path, f"http://127.0.0.1:{free_port()}", ENGINE_KEY, MODELS[:1], ["a.gguf"])) as at:
        got = chat(at, "backend")
        assert got.status_code == 502
        assert got.json()["error"]["type"] == "upstream_error"
        assert "does not answer" in got.json()["error"]["message"]
        assert at.get("/health").status_code == 503
        assert requests.get(f"{at.url}/live", timeout=5).status_code == 200, "its container is not made anew for that"


def test_a_wrong_key_of_the_engine_is_not_the_clients(engine: ScriptedEngine, tmp_path: Path) -> None:
    with gateway(settings(tmp_path, engine.url[:-3], "another key", MODELS[:1], ["a.gguf"])) as at:
        got = chat(at, "backend")
        assert (got.status_code, got.json()["error"]["code"]) == (502, "engine_key")
        assert "another key" not in got.text


def test_what_the_engine_refuses_comes_as_it_is(at: Gateway, engine: ScriptedEngine) -> None:
    engine.script = [
        Turn(status=400, error={"message": "too long", "type": "exceed_context_size_error", "n_ctx": 1024})
    ]
    got = chat(at, "backend")
    assert (got.status_code, got.json()["error"]["n_ctx"]) == (400, 1024)


def test_a_stream_that_breaks_off_says_so_at_its_end(at: Gateway, engine: ScriptedEngine) -> None:
    engine.script = [Turn("some words", drop=True)]
    rows = [row for row in chat(at, "backend").text.splitlines() if row]
    assert json.loads(rows[-1].removeprefix("data: "))["error"]["type"] == "upstream_error"


@pytest.mark.parametrize("turn", [Turn("word ", endless=True, pause=0.01), Turn("word", delay=30)])
def test_a_client_that_goes_takes_its_question_with_it(turn: Turn, at: Gateway, engine: ScriptedEngine) -> None:
    # With two slots, a question that begins like the lost one goes to the same slot only if that is free again.
    engine.script = [turn]
    if turn.endless:
        with at.post("/v1/chat/completions", keep=True, model="frontend", **ASK) as got:
            next(got.iter_lines())
        until(lambda: engine.left == 1, 5)
    else:
        headers = {"Authorization": f"Bearer {KEY}"}
        body = ASK | {"model": "frontend"}
        with pytest.raises(requests.ReadTimeout):
            requests.post(f"{at.url}/v1/chat/completions", json=body, headers=headers, timeout=0.5)
    engine.script = [Turn("hello")]

    def again() -> bool:
        assert chat(at, "frontend").status_code == 200
        return bool(engine.requests[-1]["id_slot"] == engine.requests[0]["id_slot"])

    until(again, 15)
