"""Streams of any cut become Ollama's lines."""

from typing import Any

import pytest

from swarmctl.core.sharing.ollamaanswer import Lines, whole

NOW = "2026-01-01T00:00:00Z"


def piece(**delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta}]}


def said(*chunks: dict[str, Any], kind: str = "message") -> list[dict[str, Any]]:
    lines = Lines("m", kind)
    return [*(line for chunk in chunks for line in lines.told(chunk, NOW)), *lines.last(NOW)]


def test_a_call_in_many_pieces_leaves_as_one() -> None:
    parts = [
        {"index": 1, "id": "b", "function": {"name": "write", "arguments": ""}},
        {"index": 0, "id": "a", "function": {"name": "re"}},
        {"index": 0, "function": {"name": "ad", "arguments": '{"pa'}},
        {"index": 0, "function": {"arguments": 'th": "x"}'}},
        {"index": 1, "function": {"arguments": "not json"}},
    ]
    calls, last = said(*(piece(tool_calls=[part]) for part in parts))
    assert calls["message"]["tool_calls"] == [
        {"id": "a", "function": {"name": "read", "arguments": {"path": "x"}}},
        {"id": "b", "function": {"name": "write", "arguments": "not json"}},
    ]
    assert last["done"]


def test_thoughts_are_apart_from_words() -> None:
    thought, word, _ = said(piece(reasoning_content="hm"), piece(content="yes"))
    assert (thought["message"]["thinking"], thought["message"]["content"]) == ("hm", "")
    assert "thinking" not in word["message"]
    assert said(piece(reasoning_content="hm"), kind="response")[0]["thinking"] == "hm"


def test_figures_are_nanoseconds_and_count_what_was_remembered() -> None:
    timings = {"prompt_n": 3, "cache_n": 40, "prompt_ms": 1.5, "predicted_n": 7, "predicted_ms": 2}
    last = said({"choices": [], "timings": timings})[-1]
    assert (last["prompt_eval_count"], last["eval_count"]) == (43, 7)
    assert (last["prompt_eval_duration"], last["total_duration"]) == (1_500_000, 3_500_000)


@pytest.mark.parametrize(
    "chunk",
    [
        {},
        {"choices": None},
        {"choices": [{}]},
        {"choices": [{"delta": None}]},
        {"choices": [], "timings": {"prompt_n": "many", "prompt_ms": None}},
        piece(tool_calls=[{}]),
        piece(content=None),
    ],
)
def test_a_chunk_that_lacks_something_is_no_trouble(chunk: dict[str, Any]) -> None:
    assert said(chunk)[-1]["done"]
    assert whole(chunk, "m", "message", NOW)["done"]
