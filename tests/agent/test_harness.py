"""The harness keeps every limit against an engine that misbehaves in every way we know."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from fakes.agents import free_port, settings, soon
from fakes.openai_server import ScriptedEngine, Turn
from swarmctl.agent.allowance import Allowance
from swarmctl.agent.engine import Engine
from swarmctl.agent.harness import EngineHarness
from swarmctl.agent.ports import Answer, ModelFailed, TooLarge
from swarmctl.core.team import patience

pytestmark = pytest.mark.slow

ASK = [("system", "You write code."), ("user", "Write add(a, b).")]
LOOP = "def add(a, b):\n    return a + b\n"


def ask(
    folder: Path, engine: ScriptedEngine | str, messages: Any = ASK, *, wanted: int = 200, seconds: float = 30,
    requests: int = 10, schema: dict[str, Any] | None = None, **changes: Any,
) -> Answer:  # fmt: skip
    async def one() -> Answer:
        url = engine if isinstance(engine, str) else engine.url
        file = settings(folder, url, **changes)
        connection = Engine(file)
        try:
            harness = EngineHarness(connection, file, Allowance(requests, seconds))
            return await harness.ask(messages, max_tokens=wanted, schema=schema)
        finally:
            await connection.aclose()

    return asyncio.run(one())


def test_a_good_answer_with_its_usage_and_transcript(tmp_path: Path) -> None:
    with ScriptedEngine(Turn("def add(a, b): return a + b")) as engine:
        answer = ask(tmp_path, engine)
    assert answer.text == "def add(a, b): return a + b"
    assert (answer.usage.requests, answer.usage.tokens_in, answer.usage.tokens_out) == (1, 11, 7)
    assert answer.cut == ()
    (entry,) = answer.transcript
    assert entry["answer"] == answer.text
    assert entry["messages"][0] == {"role": "system", "content": "You write code."}
    sent = engine.requests[0]
    assert sent["messages"] == [{"role": role, "content": content} for role, content in ASK]
    assert (sent["max_tokens"], sent["temperature"], sent["stream"]) == (200, 0.2, True)
    assert "max_completion_tokens" not in sent


def test_a_schema_reaches_the_engine_as_it_is(tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    with ScriptedEngine(Turn('{"ok": true}')) as engine:
        assert ask(tmp_path, engine, schema=schema).text == '{"ok": true}'
    assert engine.requests[0]["response_format"]["json_schema"]["schema"] == schema
    assert engine.requests[0]["response_format"]["type"] == "json_schema"


def test_an_endless_loop_is_stopped_asked_again_and_cut_before_it_began(tmp_path: Path) -> None:
    with ScriptedEngine(Turn("Here it is:\n" + LOOP, endless=True)) as engine:
        answer = ask(tmp_path, engine)
        asyncio.run(soon(lambda: engine.left == 2))
    assert answer.text.startswith("Here it is:\ndef add(a, b):\n    return a + b")
    assert len(answer.text) < 200
    assert answer.usage.requests == 2
    assert "stopped and asked again" in answer.cut[0]
    assert "only what came before it was kept" in answer.cut[1]
    assert engine.requests[1]["temperature"] == pytest.approx(0.4)
    assert engine.requests[1]["frequency_penalty"] == 0.5


def test_a_loop_after_a_whole_block_is_not_worth_asking_again(tmp_path: Path) -> None:
    block = "greet.py\n```python\ndef greet():\n    return 1\n```\n"
    with ScriptedEngine(Turn(block + LOOP * 20, endless=True)) as engine:
        answer = ask(tmp_path, engine)
        assert len(engine.requests) == 1
    assert answer.text.startswith(block.rstrip())
    assert "the blocks before it were kept" in answer.cut[0]


def test_a_loop_that_does_not_come_back_leaves_the_second_answer(tmp_path: Path) -> None:
    with ScriptedEngine(Turn(LOOP, endless=True), Turn("fine")) as engine:
        answer = ask(tmp_path, engine)
    assert answer.text == "fine"
    assert len(answer.cut) == 1


def test_an_empty_answer_is_asked_for_once_more(tmp_path: Path) -> None:
    with ScriptedEngine(Turn(""), Turn("there")) as engine:
        assert ask(tmp_path, engine).text == "there"
    with ScriptedEngine(Turn(" \n")) as engine:
        answer = ask(tmp_path, engine)
    assert not answer.text.strip()
    assert answer.cut == ("an empty answer: asked again", "the answer was empty twice")
    assert len(engine.requests) == 2


def test_an_answer_cut_at_its_length_says_so(tmp_path: Path) -> None:
    with ScriptedEngine(Turn("def add(", finish="length")) as engine:
        answer = ask(tmp_path, engine)
    assert answer.cut == ("the answer was cut at its limit of 200 tokens",)


@pytest.mark.parametrize(
    "turn", [Turn(status=500), Turn("half an ans", drop=True), Turn(garbage=True), Turn(status=429)]
)
def test_what_fails_once_is_tried_again(tmp_path: Path, turn: Turn) -> None:
    with ScriptedEngine(turn, Turn("fine")) as engine:
        answer = ask(tmp_path, engine)
    assert answer.text == "fine"
    assert len(answer.cut) == 1
    assert len(engine.requests) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("turn", "said"),
    [
        (Turn(status=500), "HTTP 500"),
        (Turn("half", drop=True), "cannot be reached"),
        (Turn(status=429, headers={"retry-after": "1"}), "HTTP 429"),
    ],
)
def test_what_always_fails_ends_in_a_sentence(tmp_path: Path, turn: Turn, said: str) -> None:
    with ScriptedEngine(turn) as engine, pytest.raises(ModelFailed, match=said) as failed:
        ask(tmp_path, engine)
    assert len(engine.requests) == 1 + patience.TRIES
    assert f"tried {1 + patience.TRIES} times" in str(failed.value)


def test_a_refused_key_and_a_wrong_request_are_not_repeated(tmp_path: Path) -> None:
    with ScriptedEngine(Turn("x")) as engine:
        (tmp_path / "other").mkdir()
        key = tmp_path / "other" / "key"
        key.write_text("wrong")
        key.chmod(0o600)
        with pytest.raises(ModelFailed, match="refused this agent's key"):
            ask(tmp_path, engine, engine_key_file=str(key))
    with ScriptedEngine(Turn(status=400)) as engine, pytest.raises(ModelFailed, match="HTTP 400"):
        ask(tmp_path, engine)
    assert len(engine.requests) == 1


@pytest.mark.slow
def test_an_engine_that_comes_back_within_seconds_is_waited_for(tmp_path: Path) -> None:
    engine = ScriptedEngine(Turn("back"))
    port = free_port()
    engine._server.config.port = port

    async def story() -> Answer:
        file = settings(tmp_path, f"http://127.0.0.1:{port}/v1")
        connection = Engine(file)
        harness = EngineHarness(connection, file, Allowance(10, 30))
        asking = asyncio.create_task(harness.ask(ASK, max_tokens=100))
        await asyncio.sleep(1.5)
        assert not asking.done()
        await asyncio.to_thread(engine.__enter__)
        try:
            return await asking
        finally:
            await connection.aclose()
            await asyncio.to_thread(engine.__exit__)

    answer = asyncio.run(story())
    assert answer.text == "back"
    assert "times before it answered" in answer.cut[0]


@pytest.mark.slow
def test_a_dead_engine_ends_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "GONE", 0.5)
    with pytest.raises(ModelFailed, match="cannot be reached"):
        ask(tmp_path, f"http://127.0.0.1:{free_port()}/v1")


@pytest.mark.slow
def test_loading_a_model_does_not_count_as_time(tmp_path: Path) -> None:
    loading = Turn(status=503, error={"message": "Loading model", "type": "unavailable_error", "code": 503})
    with ScriptedEngine(loading, loading, loading, loading, Turn("loaded")) as engine:
        answer = ask(tmp_path, engine, seconds=1.5)
    assert answer.text == "loaded"


def test_a_prompt_that_does_not_fit_is_refused_and_one_that_nearly_does_gets_less_room(tmp_path: Path) -> None:
    with ScriptedEngine(Turn("x")) as engine:
        with pytest.raises(TooLarge, match="of the 4096 tokens of context"):
            ask(tmp_path, engine, [("user", "x" * 16000)])
        assert engine.requests == []
        answer = ask(tmp_path, engine, [("user", "x" * 14800)], wanted=500)
    assert engine.requests[0]["max_tokens"] == 4096 - 3710 - 8
    assert "limited to 378 tokens instead of 500" in answer.cut[0]


def test_without_the_servers_count_the_prompt_is_estimated(tmp_path: Path) -> None:
    with ScriptedEngine(Turn("x"), counts=False) as engine, pytest.raises(TooLarge):
        ask(tmp_path, engine, [("user", "x" * 12800)])


def test_a_server_that_refuses_the_size_itself(tmp_path: Path) -> None:
    error = {"message": "request exceeds the context", "type": "exceed_context_size_error", "code": 400}
    with ScriptedEngine(Turn(status=400, error=error)) as engine, pytest.raises(TooLarge):
        ask(tmp_path, engine)


@pytest.mark.slow
def test_no_more_requests_and_tokens_than_allowed(tmp_path: Path) -> None:
    with ScriptedEngine(Turn("")) as engine, pytest.raises(ModelFailed, match="used all of its 1 requests"):
        ask(tmp_path, engine, requests=1)
    assert len(engine.requests) == 1
    with ScriptedEngine(Turn("x")) as engine:
        ask(tmp_path, engine, wanted=100_000, output=300)
    assert engine.requests[0]["max_tokens"] == 300


@pytest.mark.slow
def test_the_clock_stops_a_slow_answer_and_keeps_what_there_is(tmp_path: Path) -> None:
    began = time.monotonic()
    with ScriptedEngine(Turn("word " * 400, pause=0.05)) as engine:
        answer = ask(tmp_path, engine, seconds=1)
        asyncio.run(soon(lambda: engine.left == 1))
    assert time.monotonic() - began < 4
    assert answer.text.startswith("word word")
    assert answer.cut == ("the time was used up before the answer was complete",)
    with ScriptedEngine(Turn("x", delay=5)) as engine, pytest.raises(ModelFailed, match="no answer in the time"):
        ask(tmp_path, engine, seconds=0.5)


def test_cancelling_a_question_closes_its_connection(tmp_path: Path) -> None:
    async def story(engine: ScriptedEngine) -> None:
        file = settings(tmp_path, engine.url)
        connection = Engine(file)
        harness = EngineHarness(connection, file, Allowance(10, 30))
        asking = asyncio.create_task(harness.ask(ASK, max_tokens=100))
        await soon(lambda: len(engine.requests) == 1)
        await asyncio.sleep(0.1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await soon(lambda: engine.left == 1)
        await connection.aclose()

    with ScriptedEngine(Turn("slow " * 1000, pause=0.02)) as engine:
        asyncio.run(story(engine))


def test_half_a_surrogate_pair_does_no_harm(tmp_path: Path) -> None:
    with ScriptedEngine(Turn("a \ud83d b")) as engine:
        assert ask(tmp_path, engine).text.encode("utf-8") == b"a ? b"
