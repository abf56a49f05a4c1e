"""Ollama's own client talks to the gateway as to an Ollama."""

import json
from collections.abc import Iterator
from typing import Any

import ollama
import pytest

from fakes.gateways import KEY, Gateway, gateway, settings
from fakes.openai_server import KEY as ENGINE_KEY
from fakes.openai_server import ScriptedEngine, Turn

MODELS = [
    {"name": "backend", "adapter": 0, "slots": [0], "size": 7, "digest": "ab", "family": "qwen2", "quant": "Q4_K_M"},
    {"name": "frontend", "adapter": 1, "slots": [1]},
]
TOOL = {
    "type": "function",
    "function": {
        "name": "read",
        "description": "Read a file.",
        "parameters": {"type": "object", "properties": {"path": {"type": "string"}}},
    },
}


@pytest.fixture(scope="module")
def standing() -> Iterator[ScriptedEngine]:
    with ScriptedEngine(Turn()) as one:
        yield one


@pytest.fixture(scope="module")
def at(standing: ScriptedEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder, adapters = tmp_path_factory.mktemp("gateway"), ["a.gguf", "b.gguf"]
    with gateway(settings(folder, standing.url[:-3], ENGINE_KEY, MODELS, adapters)) as one:
        yield one


@pytest.fixture
def engine(standing: ScriptedEngine) -> ScriptedEngine:
    standing.script, standing.requests, standing.left = [Turn("hello to you")], [], 0
    return standing


@pytest.fixture
def client(at: Gateway) -> Iterator[ollama.Client]:
    one = ollama.Client(at.url, headers={"Authorization": f"Bearer {KEY}"})
    yield one
    one._client.close()  # it has no way of its own


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def test_a_stream_comes_in_pieces_and_ends_with_its_figures(client: ollama.Client, engine: ScriptedEngine) -> None:
    parts = list(client.chat("frontend:latest", [user("hi")], stream=True, options={"num_predict": 9, "top_k": 3}))
    assert len(parts) > 2
    assert "".join(part.message.content or "" for part in parts) == "hello to you"
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
    assert (parts[-1].done_reason, parts[-1].model) == ("stop", "frontend:latest")
    sent = engine.requests[0]
    assert (sent["max_tokens"], sent["top_k"], sent["id_slot"]) == (9, 3, 1)
    assert [one["scale"] for one in sent["lora"]] == [0.0, 1.0]


def test_a_stream_that_was_cut_says_length(client: ollama.Client, engine: ScriptedEngine) -> None:
    engine.script = [Turn("word", finish="length")]
    assert list(client.chat("backend", [user("hi")], stream=True))[-1].done_reason == "length"


def test_a_tool_call_leaves_whole_and_its_answer_finds_it(client: ollama.Client, engine: ScriptedEngine) -> None:
    engine.script = [Turn(calls=[("read", '{"path": "a.py"}'), ("read", "{}")])]
    parts = list(client.chat("backend", [user("hi")], tools=[TOOL], stream=True))
    calls = [call for part in parts for call in part.message.tool_calls or ()]
    assert [(call.function.name, dict(call.function.arguments)) for call in calls] == [
        ("read", {"path": "a.py"}),
        ("read", {}),
    ]
    assert engine.requests[0]["tools"] == [TOOL] or engine.requests[0]["tools"][0]["function"]["name"] == "read"
    engine.script = [Turn("done")]
    asked = {"role": "assistant", "content": "", "tool_calls": [call.model_dump() for call in calls]}
    answers = [{"role": "tool", "content": text, "tool_name": "read"} for text in ("one", "two")]
    list(client.chat("backend", [user("hi"), asked, *answers], stream=True))
    messages = engine.requests[-1]["messages"]
    ids = [call["id"] for call in messages[1]["tool_calls"]]
    assert len(set(ids)) == 2
    assert [message["tool_call_id"] for message in messages[2:]] == ids
    assert json.loads(messages[1]["tool_calls"][0]["function"]["arguments"]) == {"path": "a.py"}


def test_a_question_without_messages_is_asked_in_the_template(client: ollama.Client, engine: ScriptedEngine) -> None:
    parts = list(client.generate("backend", "hi", system="be short", stream=True))
    assert "".join(part.response for part in parts) == "hello to you"
    assert engine.requests[0]["messages"] == [{"role": "system", "content": "be short"}, user("hi")]


def test_a_model_is_there_before_it_is_asked_anything(client: ollama.Client, engine: ScriptedEngine) -> None:
    assert client.generate("backend").done_reason == "load"
    assert client.chat("backend", []).done_reason == "load"
    assert engine.requests == []


def test_models_are_listed_as_those_that_run(client: ollama.Client) -> None:
    listed, running = client.list().models, client.ps().models
    assert (
        [model.model for model in listed] == [model.model for model in running] == ["backend:latest", "frontend:latest"]
    )
    assert (listed[0].size, listed[0].details.quantization_level) == (7, "Q4_K_M")  # type: ignore[union-attr]
    assert running[0].context_length == 1024


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"messages": "hi"}, "list of messages"),
        ({"messages": [3]}, "list of messages"),
        ({"messages": [user("hi")], "options": {"num_ctx": 10**18}}, "1024 tokens"),
        ({"messages": [user("hi")], "options": {"num_ctx": "many"}}, "1024 tokens"),
        ({"messages": [user("hi")], "options": [1]}, "options"),
        ({"messages": [user("hi")], "format": 3}, "format"),
        ({"messages": [{"role": "user", "content": 3}]}, "content"),
        ({"messages": [{"role": "user", "content": "a", "images": [3]}]}, "images"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "answers no call"),
        ({"messages": [{"role": "assistant", "tool_calls": [{}]}]}, "names no function"),
        ({"messages": [{"role": "assistant", "tool_calls": 3}]}, "tool calls"),
    ],
)
def test_nonsense_is_a_sentence(body: dict[str, Any], words: str, at: Gateway, engine: ScriptedEngine) -> None:
    got = at.post("/api/chat", model="backend", **body)
    assert (got.status_code, engine.requests) == (400, [])
    assert words in got.json()["error"]


def test_an_unknown_model_and_a_closed_door(client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError, match="no model 'nobody' here"):
        client.chat("nobody", [user("hi")])
    with pytest.raises(ollama.ResponseError, match="those of the swarm file"):
        client.pull("qwen2.5")
    with pytest.raises(ollama.ResponseError, match="those of the swarm file"):
        client.delete("backend")


def test_the_engines_own_trouble_is_told(client: ollama.Client, engine: ScriptedEngine) -> None:
    engine.script = [Turn(status=400, error={"message": "the request exceeds the context"})]
    with pytest.raises(ollama.ResponseError, match="exceeds the context"):
        list(client.chat("backend", [user("hi")], stream=True))
    engine.script = [Turn("some words", drop=True)]
    with pytest.raises(ollama.ResponseError, match="does not answer"):
        list(client.chat("backend", [user("hi")], stream=True))


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        ("json", {"type": "json_object"}),
        ({"type": "object"}, {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}),
    ],
)
def test_a_format_is_asked_for(wanted: Any, sent: Any, client: ollama.Client, engine: ScriptedEngine) -> None:
    list(client.chat("backend", [user("hi")], format=wanted, think=False, stream=True))
    assert engine.requests[0]["response_format"] == sent
    assert engine.requests[0]["chat_template_kwargs"] == {"enable_thinking": False}
