"""An OpenAI-compatible server on loopback that answers what it is told: well, badly, or not at all."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

KEY = "engine-key"


@dataclass
class Turn:
    """One answer. `text` is streamed in pieces; `endless` repeats it until the client leaves."""

    text: str = ""
    finish: str | None = "stop"
    calls: list[tuple[str, str]] = field(default_factory=list)
    status: int = 200
    error: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    endless: bool = False
    drop: bool = False
    garbage: bool = False
    delay: float = 0.0
    pause: float = 0.0


class Dropped(Exception):  # noqa: N818
    """Ends a response in the middle of its body."""


class ScriptedEngine:
    """Answers the turns of `script` in order, the last one again and again; keeps every request body."""

    def __init__(self, *script: Turn, counts: bool = True) -> None:
        self.script = list(script)
        self.requests: list[dict[str, Any]] = []
        self.left = 0
        """Streams that the client left before their end."""
        self.finished = 0
        self._counts = counts
        routes = [
            Route("/v1/chat/completions", self._chat, methods=["POST"]),
            Route("/v1/chat/completions/input_tokens", self._count, methods=["POST"]),
        ]
        config = uvicorn.Config(Starlette(routes=routes), port=0, log_config=None, ws="none", lifespan="off")
        config.timeout_graceful_shutdown = 1
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> "ScriptedEngine":
        self._thread.start()
        wait = threading.Event()
        for _ in range(1000):
            if self._server.started:
                return self
            wait.wait(0.01)
        raise TimeoutError("the scripted engine did not start")

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    @property
    def port(self) -> int:
        return int(self._server.servers[0].sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def _count(self, request: Request) -> Response:
        if not self._counts:
            return PlainTextResponse("no such path", status_code=404)
        body = await request.json()
        return JSONResponse({"input_tokens": sum(len(m["content"]) for m in body["messages"]) // 4 + 10})

    async def _chat(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            error = {"message": "Invalid API Key", "type": "authentication_error", "code": 401}
            return JSONResponse({"error": error}, status_code=401)
        self.requests.append(await request.json())
        turn = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        await asyncio.sleep(turn.delay)
        if turn.status != 200:
            error = turn.error or {"message": "scripted", "type": "server_error"}
            return JSONResponse({"error": error}, status_code=turn.status, headers=turn.headers)
        if turn.garbage:
            return PlainTextResponse("<html>It works!</html>")
        return StreamingResponse(self._stream(turn, request), media_type="text/event-stream")

    async def _stream(self, turn: Turn, request: Request) -> AsyncIterator[str]:
        whole = False
        try:
            yield _event({"role": "assistant", "content": ""})
            while True:
                for at in range(0, len(turn.text), 8):
                    if await request.is_disconnected():
                        return
                    yield _event({"content": turn.text[at : at + 8]})
                    await asyncio.sleep(turn.pause)
                if not turn.endless:
                    break
            if turn.drop:
                whole = True
                raise Dropped
            for n, (name, arguments) in enumerate(turn.calls):
                function = {"name": name, "arguments": arguments}
                yield _event({"tool_calls": [{"index": n, "id": f"c{n}", "type": "function", "function": function}]})
            yield _event({}, "tool_calls" if turn.calls else turn.finish)
            usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
            yield f"data: {json.dumps({**_frame(), 'choices': [], 'usage': usage})}\n\ndata: [DONE]\n\n"
            whole = True
            self.finished += 1
        finally:
            self.left += not whole


def _frame() -> dict[str, Any]:
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}


def _event(delta: dict[str, Any], finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return f"data: {json.dumps({**_frame(), 'choices': [choice]})}\n\n"
