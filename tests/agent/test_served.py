"""A served agent: card, token, A2A 1.0 and 0.3, streams, cancelling, and a memory that outlives it.

Over 300 lines: one server is asked in every way that its protocol has.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from a2a.client import ClientConfig, ClientFactory
from a2a.helpers import get_data_parts, new_data_part
from a2a.types.a2a_pb2 import Message, Role, SendMessageRequest, TaskState

from fakes.agents import TOKEN, Served, rpc, send, settings, until
from fakes.openai_server import ScriptedEngine, Turn
from swarmctl.core.agentfile import AgentFile
from swarmctl.core.messages import ChatDone

pytestmark = pytest.mark.slow

CHAT = {"data": {"kind": "chat", "text": "Hello?"}}
SLOW = Turn("slow and steady " * 2000, pause=0.02)


@pytest.fixture
def engine() -> Iterator[ScriptedEngine]:
    with ScriptedEngine(Turn("Hello!")) as scripted:
        yield scripted


@pytest.fixture
def agent(tmp_path: Path, engine: ScriptedEngine) -> Iterator[Served]:
    with Served(settings(tmp_path, engine.url)) as served:
        yield served


def start(url: str, part: dict[str, Any] = CHAT) -> dict[str, Any]:
    message = {"messageId": os.urandom(8).hex(), "role": "ROLE_USER", "parts": [part]}
    answer = rpc(url, "SendMessage", {"message": message, "configuration": {"returnImmediately": True}})
    task: dict[str, Any] = answer["result"]["task"]
    return task


def task_of(url: str, task: str) -> dict[str, Any]:
    found: dict[str, Any] = rpc(url, "GetTask", {"id": task})["result"]
    return found


def why(task: dict[str, Any]) -> str:
    return str(task["status"]["message"]["parts"][0]["text"])


def test_the_card_is_public_and_holds_no_secret(agent: Served) -> None:
    with urllib.request.urlopen(f"{agent.url}/.well-known/agent-card.json") as reply:
        text = reply.read().decode()
    card = json.loads(text)
    assert [i["protocolVersion"] for i in card["supportedInterfaces"]] == ["1.0", "0.3"]
    assert card["supportedInterfaces"][0]["url"] == agent.url + "/"
    assert card["capabilities"]["streaming"] is True
    assert card["name"] == "test/backend"
    assert card["securitySchemes"]["bearer"]["httpAuthSecurityScheme"]["scheme"] == "bearer"
    assert TOKEN not in text
    assert "engine-key" not in text


@pytest.mark.parametrize(
    "header", [None, "Bearer wrong", f"Basic {TOKEN}", f"bearer{TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"]
)
def test_everything_else_wants_the_token(agent: Served, header: str | None) -> None:
    for method, path in (("POST", "/"), ("GET", "/"), ("GET", "/git/work.git/info/refs"), ("GET", "/nowhere")):
        request = urllib.request.Request(
            agent.url + path, method=method, headers={"Authorization": header} if header else {}
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert refused.value.code == 401
        assert "token" in json.load(refused.value)["error"]
        refused.value.close()


def test_a_chat_as_data_and_as_text(agent: Served) -> None:
    for part in (CHAT, {"text": "Hello?"}):
        task = send(agent.url, part)
        assert task["status"]["state"] == "TASK_STATE_COMPLETED"
        (artifact,) = task["artifacts"]
        done = ChatDone.model_validate(artifact["parts"][0]["data"])
        assert (done.text, done.usage.tokens_out) == ("Hello!", 7)


def test_a_client_of_0_3_is_served(agent: Served) -> None:
    message = {"kind": "message", "messageId": "m1", "role": "user", "parts": [{"kind": "text", "text": "Hello?"}]}
    task = rpc(agent.url, "message/send", {"message": message}, version="")["result"]
    assert task["status"]["state"] == "completed"
    assert task["artifacts"][0]["parts"][0]["data"]["text"] == "Hello!"
    again = rpc(agent.url, "tasks/get", {"id": task["id"]}, version="")["result"]
    assert again["id"] == task["id"]


def test_the_sdks_client_of_1_0_streams(agent: Served) -> None:
    async def story() -> list[Any]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(trust_env=False, headers=headers) as http:
            client = await ClientFactory(ClientConfig(httpx_client=http)).create_from_url(agent.url)
            message = Message(message_id="m", role=Role.ROLE_USER, parts=[new_data_part(CHAT["data"])])
            return [event async for event in client.send_message(SendMessageRequest(message=message))]

    events = asyncio.run(story())
    states = [e.status_update.status.state for e in events if e.HasField("status_update")]
    assert events[0].HasField("task")
    assert states == [TaskState.TASK_STATE_WORKING, TaskState.TASK_STATE_COMPLETED]
    (update,) = [e.artifact_update for e in events if e.HasField("artifact_update")]
    assert get_data_parts(update.artifact.parts)[0]["text"] == "Hello!"


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"data": {"kind": "dance"}}, "one of run, step, chat"),
        ({"data": [1, 2]}, "one of run, step, chat"),
        ({"data": {"kind": "chat"}}, "text: Field required"),
        ({"data": {"kind": "chat", "text": "x", "extra": 1}}, "extra: Extra inputs"),
        ({"data": {"kind": "run", "id": "r", "task": "t", "base": "b"}}, "runs go to the orchestrator"),
    ],
)
def test_a_wrong_order_fails_with_a_sentence(agent: Served, part: dict[str, Any], said: str) -> None:
    task = send(agent.url, part)
    assert task["status"]["state"] == "TASK_STATE_FAILED"
    assert said in why(task)
    assert "Traceback" not in json.dumps(task)


def test_a_failed_engine_fails_the_task_with_a_sentence(agent: Served, engine: ScriptedEngine) -> None:
    engine.script[:] = [Turn(status=400)]
    task = send(agent.url, CHAT)
    assert task["status"]["state"] == "TASK_STATE_FAILED"
    assert "the engine answered HTTP 400" in why(task)


def test_cancelling_stops_the_model_at_once(agent: Served, engine: ScriptedEngine) -> None:
    engine.script[:] = [SLOW]
    task = start(agent.url)
    until(lambda: len(engine.requests) == 1)
    cancelled = rpc(agent.url, "CancelTask", {"id": task["id"]})["result"]
    assert cancelled["status"]["state"] == "TASK_STATE_CANCELED"
    until(lambda: engine.left == 1)
    assert task_of(agent.url, task["id"])["status"]["state"] == "TASK_STATE_CANCELED"
    again = rpc(agent.url, "CancelTask", {"id": task["id"]})
    assert "error" in again


def test_a_stream_can_be_left_and_taken_up_again(agent: Served, engine: ScriptedEngine) -> None:
    engine.script[:] = [Turn("steady " * 60, pause=0.01)]

    async def story() -> tuple[str, list[Any]]:
        headers = {"Authorization": f"Bearer {TOKEN}", "A2A-Version": "1.0"}
        message = {"messageId": "m", "role": "ROLE_USER", "parts": [CHAT]}
        async with httpx.AsyncClient(trust_env=False, headers=headers) as http:

            def body(method: str, params: dict[str, Any]) -> dict[str, Any]:
                return {"jsonrpc": "2.0", "id": "1", "method": method, "params": params}

            streaming = http.stream("POST", agent.url + "/", json=body("SendStreamingMessage", {"message": message}))
            async with streaming as stream:
                async for line in stream.aiter_lines():
                    if line.startswith("data:"):
                        task = json.loads(line[5:])["result"]["task"]["id"]
                        break
            seen = []
            async with http.stream("POST", agent.url + "/", json=body("SubscribeToTask", {"id": task})) as stream:
                seen = [
                    json.loads(line[5:])["result"] async for line in stream.aiter_lines() if line.startswith("data:")
                ]
        return task, seen

    task, seen = asyncio.run(story())
    assert "task" in seen[0]
    assert seen[-1]["statusUpdate"]["status"]["state"] == "TASK_STATE_COMPLETED"
    assert task_of(agent.url, task)["artifacts"]


def test_tasks_are_listed_newest_first_in_pages(agent: Served) -> None:
    sent = [send(agent.url, CHAT)["id"] for _ in range(5)]
    first = rpc(agent.url, "ListTasks", {"pageSize": 3})["result"]
    assert first["totalSize"] == 5
    rest = rpc(agent.url, "ListTasks", {"pageSize": 3, "pageToken": first["nextPageToken"]})["result"]
    assert [t["id"] for t in first["tasks"] + rest["tasks"]] == sent[::-1]
    assert rest["nextPageToken"] == ""
    assert "error" in rpc(agent.url, "ListTasks", {"pageToken": "bm9uc2Vuc2U="})
    failed = rpc(agent.url, "ListTasks", {"status": "TASK_STATE_FAILED"})["result"]
    assert failed["tasks"] == []


@pytest.mark.slow
def test_work_that_takes_too_long_is_stopped(tmp_path: Path, engine: ScriptedEngine) -> None:
    engine.script[:] = [SLOW]
    with Served(settings(tmp_path / "b", engine.url, time=1)) as agent:
        task = send(agent.url, CHAT)
    data = task["artifacts"][0]["parts"][0]["data"]
    assert data["cut"] == ["the time was used up before the answer was complete"]
    assert data["text"].startswith("slow and steady")


class Process:
    """An agent in a process of its own, as the supervisor would run it."""

    def __init__(self, file: AgentFile, folder: Path) -> None:
        self.file, self.url = file, f"http://{file.host}:{file.port}"
        self._path = folder / "agent.json"
        self._path.write_text(file.model_dump_json())
        self.log = folder / "log"

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", "swarmctl.agent.serve", self._path], stderr=log)
        until(lambda: self._answers(process), 20)
        return process

    def _answers(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(f"{self.url}/.well-known/agent-card.json"):
                return True
        except OSError:
            return False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "said"), [(signal.SIGKILL, "was restarted"), (signal.SIGTERM, "was stopped")], ids=["kill", "term"]
)
def test_an_agent_that_ends_in_the_middle_still_answers_for_its_tasks(
    tmp_path: Path, engine: ScriptedEngine, number: signal.Signals, said: str
) -> None:
    process = Process(settings(tmp_path, engine.url), tmp_path)
    running = process.start()
    try:
        done = send(process.url, CHAT)
        engine.script[:] = [SLOW]
        working = start(process.url)
        until(lambda: len(engine.requests) == 2)
        running.send_signal(number)
        code = running.wait(15)
        assert code == (-9 if number == signal.SIGKILL else 0), process.log.read_text()
        until(lambda: engine.left == 1)
        running = process.start()
        assert task_of(process.url, done["id"])["artifacts"][0]["parts"][0]["data"]["text"] == "Hello!"
        failed = task_of(process.url, working["id"])
        assert failed["status"]["state"] == "TASK_STATE_FAILED"
        assert said in why(failed)
        listed = rpc(process.url, "ListTasks", {})["result"]["tasks"]
        assert [t["id"] for t in listed] == [working["id"], done["id"]]
    finally:
        running.terminate()
        assert running.wait(15) == 0
    log = process.log.read_text()
    assert TOKEN not in log
    assert "engine-key" not in log
    assert "Traceback" not in log


@pytest.mark.slow
def test_what_cannot_start_says_why(tmp_path: Path, engine: ScriptedEngine) -> None:
    file = settings(tmp_path, engine.url)
    process = Process(file, tmp_path)
    running = process.start()
    again = subprocess.run(
        [sys.executable, "-m", "swarmctl.agent.serve", tmp_path / "agent.json"], capture_output=True, check=False
    )
    running.terminate()
    running.wait(15)
    assert again.returncode == 1
    assert b"address already in use" in again.stderr
    Path(file.token_file).chmod(0o644)
    open_to_all = subprocess.run(
        [sys.executable, "-m", "swarmctl.agent.serve", tmp_path / "agent.json"], capture_output=True, check=False
    )
    assert open_to_all.returncode == 1
    assert b"can be read by others" in open_to_all.stderr


@pytest.mark.slow
def test_an_open_stream_does_not_keep_an_agent_from_stopping(tmp_path: Path, engine: ScriptedEngine) -> None:
    engine.script[:] = [SLOW]
    process = Process(settings(tmp_path, engine.url), tmp_path)
    running = process.start()
    message = {"messageId": "m", "role": "ROLE_USER", "parts": [CHAT]}
    body = {"jsonrpc": "2.0", "id": "1", "method": "SendStreamingMessage", "params": {"message": message}}
    headers = {"Authorization": f"Bearer {TOKEN}", "A2A-Version": "1.0", "Content-Type": "application/json"}
    request = urllib.request.Request(process.url + "/", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as stream:
        assert b"task" in stream.readline()
        until(lambda: len(engine.requests) == 1)
        running.terminate()
        assert running.wait(9) == 0
    assert "Traceback" not in process.log.read_text(), process.log.read_text()
