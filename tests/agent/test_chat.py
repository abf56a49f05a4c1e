"""A chat with tools, against the ways in which small models get tool calls wrong."""

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fakes.agents import Served, settings
from fakes.openai_server import ScriptedEngine, Turn
from swarmctl.agent.allowance import Allowance
from swarmctl.agent.chat import chat
from swarmctl.agent.engine import Engine
from swarmctl.agent.gitserver import make_repository
from swarmctl.agent.ports import ModelFailed, TooLarge
from swarmctl.core.agentfile import Peer
from swarmctl.core.messages import ChatDone, ChatOrder

pytestmark = pytest.mark.slow

DONE = Turn("The file holds one.")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The data folder of an orchestrator with one finished run in its repository."""
    folder = tmp_path / "orchestrator"
    bare = folder / "git" / "work.git"
    asyncio.run(make_repository(bare))
    work = tmp_path / "work"
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "init", "-q", "-b", "main", work], check=True)
    (work / "src").mkdir()
    (work / "src" / "a.py").write_text("one = 1\n")
    (work / "big.txt").write_text("x" * 70_000)
    (work / "blob.bin").write_bytes(b"\0\1\2")
    (work / "link").symlink_to("/etc/passwd")
    subprocess.run(["git", "-C", work, "add", "."], check=True)
    subprocess.run(["git", "-C", work, *identity, "commit", "-qm", "First"], check=True)
    subprocess.run(["git", "-C", work, "push", "-q", bare, "HEAD:refs/heads/swarm/r1"], check=True)
    return folder


def talk(data: Path, engine: ScriptedEngine, text: str = "What is in src/a.py?", **changes: Any) -> ChatDone:
    async def one() -> ChatDone:
        file = settings(data.parent, engine.url, "orchestrator", tools=("list_files", "read_file"), **changes)
        connection = Engine(file)
        try:
            return await chat(
                ChatOrder(text=text),
                engine=connection,
                settings=file,
                allowance=Allowance(file.requests, 30),
            )
        finally:
            await connection.aclose()

    return asyncio.run(one())


def tool_results(engine: ScriptedEngine) -> list[str]:
    return [m["content"] for m in engine.requests[-1]["messages"] if m["role"] == "tool"]


CALL = '{"name": "read_file", "arguments": {"path": "src/a.py"}}'
FORMS = {
    "a proper call": Turn(calls=[("read_file", '{"path": "src/a.py"}')]),
    "arguments as a JSON array": Turn(calls=[("read_file", '[{"path": "src/a.py"}]')]),
    "bare JSON text": Turn(CALL),
    "tagged text": Turn(f"<tool_call>\n{CALL}\n</tool_call>"),
    "fenced text": Turn(f"I will look.\n```json\n{CALL}\n```"),
    "an array of calls as text": Turn(f"[{CALL}]"),
    "arguments as a string": Turn('{"name": "read_file", "arguments": "{\\"path\\": \\"src/a.py\\"}"}'),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_call_reads_the_file(data: Path, form: str) -> None:
    with ScriptedEngine(FORMS[form], DONE) as engine:
        done = talk(data, engine)
    assert done.text == "The file holds one."
    assert tool_results(engine) == ["one = 1\n"]
    assert done.usage.requests == 2


@pytest.mark.parametrize(
    "turn",
    [
        Turn(calls=[("read_file", '{"path": "src/a')]),
        Turn(calls=[("read_file", "{}")]),
        Turn(calls=[("read_file", '{"path": ["src/a.py"]}')]),
        Turn(calls=[("open_file", '{"path": "src/a.py"}')]),
        Turn(calls=[("read_file", '["src/a.py", "b"]')]),
    ],
    ids=["truncated", "missing argument", "wrong type", "unknown tool", "array of strings"],
)
def test_a_broken_call_is_explained_to_the_model_which_may_mend_it(data: Path, turn: Turn) -> None:
    with ScriptedEngine(turn, FORMS["a proper call"], DONE) as engine:
        assert talk(data, engine).text == "The file holds one."
    assert tool_results(engine)[-1] == "one = 1\n"
    assert len(engine.requests) == 3


def test_the_same_call_for_ever_is_stopped_at_the_fifth(data: Path) -> None:
    with ScriptedEngine(FORMS["bare JSON text"]) as engine:
        done = talk(data, engine)
    assert done.cut == ("the same call to read_file came 5 times: stopped",)
    assert done.text == "I stopped: the same call to read_file came 5 times."
    assert len(engine.requests) == 5


def test_different_calls_for_ever_are_stopped_by_the_requests(data: Path) -> None:
    turns = [Turn(calls=[("read_file", f'{{"path": "{n}.py"}}')]) for n in range(20)]
    with ScriptedEngine(*turns) as engine, pytest.raises(ModelFailed, match=r"request_limit|requests"):
        talk(data, engine, requests=4)
    assert len(engine.requests) == 4


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("../../etc/passwd", "'..'"),
        ("/etc/passwd", "not relative"),
        (".git/config", ".git"),
        ("link", "There is no file"),
        ("nowhere.py", "There is no file"),
        ("blob.bin", "is no text"),
    ],
)
def test_what_may_not_be_read_is_answered_with_a_sentence(data: Path, path: str, said: str) -> None:
    with ScriptedEngine(Turn(calls=[("read_file", f'{{"path": "{path}"}}')]), DONE) as engine:
        talk(data, engine)
    (result,) = tool_results(engine)
    assert said in result
    assert "root:" not in result


def test_a_large_file_is_cut_and_says_so(data: Path) -> None:
    with ScriptedEngine(Turn(calls=[("read_file", '{"path": "big.txt"}')]), DONE) as engine:
        talk(data, engine, context=100_000)
    (result,) = tool_results(engine)
    assert result.endswith("… 4464 more bytes")
    assert len(result) < 66_000


def test_a_file_that_does_not_fit_the_context_is_refused_by_size(data: Path) -> None:
    with ScriptedEngine(Turn(calls=[("read_file", '{"path": "big.txt"}')]), DONE) as engine:
        with pytest.raises(TooLarge):
            talk(data, engine)
        assert len(engine.requests) == 1


def test_files_are_listed(data: Path) -> None:
    with ScriptedEngine(Turn(calls=[("list_files", "{}"), ("list_files", '{"folder": "src/"}')]), DONE) as engine:
        talk(data, engine)
    assert tool_results(engine) == ["big.txt\nblob.bin\nlink\nsrc/a.py", "src/a.py"]


def test_the_conversation_so_far_goes_along_and_its_oldest_turns_make_room(tmp_path: Path) -> None:
    history = (("user", "x" * 7000), ("assistant", "early"), ("user", "late"), ("assistant", "yes"))
    (tmp_path / "orchestrator").mkdir()
    with ScriptedEngine(Turn("hello")) as engine:
        file = settings(tmp_path, engine.url)

        async def one() -> ChatDone:
            connection = Engine(file)
            order = ChatOrder(text="and now?", history=history)
            done = await chat(order, engine=connection, settings=file, allowance=Allowance(5, 30))
            await connection.aclose()
            return done

        done = asyncio.run(one())
    sent = [(m["role"], m["content"]) for m in engine.requests[0]["messages"]]
    assert sent[0] == ("system", "You write code.")
    assert sent[-1] == ("user", "and now?")
    assert ("assistant", "yes") in sent
    assert all(len(content) < 7000 for _, content in sent)
    assert "oldest turns" in done.cut[0]


@pytest.mark.slow
def test_a_specialist_reads_from_the_orchestrators_repository(data: Path, tmp_path: Path) -> None:
    with ScriptedEngine(FORMS["a proper call"], DONE) as engine:
        lead = settings(tmp_path, engine.url, "orchestrator")
        with Served(lead) as served:
            peer = Peer(role="orchestrator", url=served.url)
            file = settings(tmp_path, engine.url, orchestrator=peer, tools=("read_file",))
            Path(file.data).mkdir(exist_ok=True)

            async def one() -> ChatDone:
                connection = Engine(file)
                order = ChatOrder(text="What is in src/a.py?")
                done = await chat(order, engine=connection, settings=file, allowance=Allowance(5, 30))
                await connection.aclose()
                return done

            assert asyncio.run(one()).text == "The file holds one."
    assert tool_results(engine) == ["one = 1\n"]
    assert not list(Path(file.data).glob("git-*.config"))
