"""Settings and servers of real agents for tests, on loopback."""

import asyncio
import json
import os
import socket
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn

from swarmctl.core.agentfile import AgentFile, Peer

TOKEN = "the-token-of-this-swarm"


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def secret(path: Path, text: str) -> Path:
    path.write_text(text + "\n")
    path.chmod(0o600)
    return path


def settings(folder: Path, engine_url: str, role: str = "backend", **changes: Any) -> AgentFile:
    """An agent's settings with its secrets beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    values: dict[str, Any] = {
        "swarm": "test",
        "role": role,
        "port": free_port(),
        "token_file": str(secret(folder / "token", TOKEN)),
        "data": str(folder / role),
        "prompt": "You write code.",
        "engine_url": engine_url,
        "engine_key_file": str(secret(folder / "key", "engine-key")),
        "model": "m",
        "context": 4096,
        "output": 512,
        "requests": 10,
        "time": 60,
        "temperature": 0.2,
        "slots": 2,
        "orchestrator": Peer(role="orchestrator", url="http://127.0.0.1:1"),
    }
    return AgentFile(**{**values, **changes})


class Served:
    """An agent's application under a real uvicorn, in a thread of this process."""

    def __init__(self, file: AgentFile) -> None:
        self.file = file
        self.url = f"http://{file.host}:{file.port}"
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        from swarmctl.agent.app import build

        config = uvicorn.Config(
            build(self.file), host=self.file.host, port=self.file.port, log_config=None, ws="none", lifespan="on",
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._server.run()

    def __enter__(self) -> "Served":
        self._thread.start()
        until(lambda: self._server is not None and self._server.started, 20)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.should_exit = True
        self._thread.join(15)
        assert not self._thread.is_alive()


def until(true: Callable[[], bool], deadline: float = 10) -> None:
    """Wait for a condition; AssertionError when it does not come true within `deadline` seconds."""
    end = time.monotonic() + deadline
    while not true():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.02)


async def soon(true: Callable[[], bool], deadline: float = 10) -> None:
    """The same inside an event loop."""
    end = time.monotonic() + deadline
    while not true():
        assert time.monotonic() < end, "what was waited for did not happen"
        await asyncio.sleep(0.02)


def rpc(url: str, method: str, params: dict[str, Any], *, version: str = "1.0", token: str = TOKEN) -> dict[str, Any]:
    """One JSON-RPC call, as any HTTP client would make it."""
    body = json.dumps({"jsonrpc": "2.0", "id": "1", "method": method, "params": params}).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    if version:
        headers["A2A-Version"] = version
    request = urllib.request.Request(url + "/", body, headers)
    with _OPENER.open(request, timeout=30) as reply:
        answer: dict[str, Any] = json.load(reply)
    return answer


def send(url: str, part: dict[str, Any], **message: Any) -> dict[str, Any]:
    """SendMessage that waits for the end of the task; the task."""
    body = {"messageId": os.urandom(8).hex(), "role": "ROLE_USER", "parts": [part], **message}
    answer = rpc(url, "SendMessage", {"message": body})
    assert "result" in answer, answer
    task: dict[str, Any] = answer["result"]["task"]
    return task


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
