"""Ollama's chat protocol over the same engines; models are those of the swarm, and nothing changes them."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from swarmctl.core.sharing import ollamaanswer, ollamarequest
from swarmctl.gateway.desk import Desk, Model
from swarmctl.gateway.ollamamodels import running, shown, tagged
from swarmctl.gateway.relay import Relay, Start, worded
from swarmctl.gateway.trouble import Trouble, in_ollama

VERSION = "0.24.0-swarmctl"
"""Whose protocol is spoken, and that it is not Ollama who speaks."""
_CLOSED = ("pull", "push", "create", "copy", "delete", "embed", "embeddings", "blobs/{rest:path}")
_LINES = "application/x-ndjson"


class _Api:
    """One handler a path."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def chat(self, request: Request) -> Response:
        return await _asked(self._desk, request, "message")

    async def generate(self, request: Request) -> Response:
        return await _asked(self._desk, request, "response")

    async def tags(self, _: Request) -> Response:
        return JSONResponse({"models": [tagged(model) for model in self._desk.models.values()]})

    async def ps(self, _: Request) -> Response:
        return JSONResponse({"models": [running(model) for model in self._desk.models.values()]})

    async def show(self, request: Request) -> Response:
        body = await self._desk.body(request)
        return JSONResponse(await shown(self._desk.model(body.get("model") or body.get("name"))))

    async def version(self, _: Request) -> Response:
        return JSONResponse({"version": VERSION})

    async def root(self, _: Request) -> Response:
        return PlainTextResponse("Ollama is running")

    async def closed(self, request: Request) -> Response:
        raise Trouble(403, f"{request.url.path}: the models here are those of the swarm file")


def routes(desk: Desk) -> list[Route]:
    """What is served under /api."""
    api = _Api(desk)
    served = (
        ("/api/chat", api.chat, "POST"), ("/api/generate", api.generate, "POST"), ("/api/show", api.show, "POST"),
        ("/api/tags", api.tags, "GET"), ("/api/ps", api.ps, "GET"), ("/api/version", api.version, "GET"),
        ("/", api.root, "GET"),
    )  # fmt: skip
    found = [Route(path, worded(handler, in_ollama), methods=[method]) for path, handler, method in served]
    methods = ["GET", "HEAD", "POST", "DELETE"]
    return [*found, *(Route(f"/api/{name}", worded(api.closed, in_ollama), methods=methods) for name in _CLOSED)]


async def _asked(desk: Desk, request: Request, kind: str) -> Response:
    body = await desk.body(request)
    model = desk.model(body.get("model"))
    name = str(body["model"])
    if not body.get("messages" if kind == "message" else "prompt"):
        return JSONResponse(ollamaanswer.loaded(name, kind, _now()))
    words = ollamarequest.chat if kind == "message" else ollamarequest.generate
    try:
        asked = words(body, model.engine.told.context)
    except ollamarequest.BadRequest as e:
        raise Trouble(400, str(e)) from None
    answer = _lines if ollamarequest.streams(body) else _whole
    return Relay(lambda: answer(desk, model, asked | {"model": name}, kind), in_ollama)


async def _whole(desk: Desk, model: Model, asked: Mapping[str, Any], kind: str) -> AsyncIterator[Start | bytes]:
    async with desk.ask(model, "/v1/chat/completions", asked) as answer:
        await _refused(answer)
        try:
            said = json.loads(await answer.aread())
        except ValueError:
            raise Trouble(502, "the engine's answer is no JSON") from None
        yield 200, "application/json"
        yield json.dumps(ollamaanswer.whole(said, asked["model"], kind, _now())).encode()


async def _lines(desk: Desk, model: Model, asked: Mapping[str, Any], kind: str) -> AsyncIterator[Start | bytes]:
    lines = ollamaanswer.Lines(asked["model"], kind)
    async with desk.ask(model, "/v1/chat/completions", asked) as answer:
        await _refused(answer)
        yield 200, _LINES
        async for row in answer.aiter_lines():
            data = row.removeprefix("data: ")
            if data in {row, "[DONE]"}:
                continue
            for line in lines.told(_chunk(data), _now()):
                yield json.dumps(line).encode() + b"\n"
        for line in lines.last(_now()):
            yield json.dumps(line).encode() + b"\n"


async def _refused(answer: httpx2.Response) -> None:
    """Raises Trouble with the engine's own status and sentence where it did not answer."""
    if answer.status_code < 400:
        return
    try:
        said = json.loads(await answer.aread())["error"]["message"]
    except (ValueError, KeyError, TypeError):
        said = f"the engine answered {answer.status_code}"
    raise Trouble(answer.status_code, str(said)[:2000])


def _chunk(data: str) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        raise Trouble(502, "the engine's stream is no JSON") from None
    if "error" in found:
        raise Trouble(502, str(found["error"])[:2000])
    return dict(found)


def _now() -> str:
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
