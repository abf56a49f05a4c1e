"""OpenAI's API: requests are passed on with their slot and adapter, answers as they come, under the model's name."""

import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from swarmctl.gateway.desk import Desk, Model
from swarmctl.gateway.relay import Relay, Start, worded
from swarmctl.gateway.trouble import in_openai

PASSED = ("/v1/chat/completions", "/v1/completions", "/v1/chat/completions/input_tokens")


def routes(desk: Desk) -> list[Route]:
    """What is served under /v1."""

    async def listed(_: Request) -> Response:
        return JSONResponse({"object": "list", "data": [_described(model) for model in desk.models.values()]})

    async def one(request: Request) -> Response:
        return JSONResponse(_described(desk.model(request.path_params["name"])))

    async def passed(request: Request) -> Response:
        body = await desk.body(request)
        model = desk.model(body.get("model"))
        return Relay(lambda: _answer(desk, model, request.url.path, body), in_openai)

    return [
        Route("/v1/models", worded(listed, in_openai), methods=["GET"]),
        Route("/v1/models/{name:path}", worded(one, in_openai), methods=["GET"]),
        *(Route(path, worded(passed, in_openai), methods=["POST"]) for path in PASSED),
    ]


async def _answer(desk: Desk, model: Model, path: str, body: dict[str, Any]) -> AsyncIterator[Start | bytes]:
    async with desk.ask(model, path, body | {"model": model.offered.name}) as answer:
        kind = answer.headers.get("content-type", "application/json")
        yield answer.status_code, kind
        if not kind.startswith("text/event-stream"):
            yield _named(await answer.aread(), model)
            return
        async for row in answer.aiter_lines():
            data = row.removeprefix("data: ").encode()
            yield (b"data: " + _named(data, model) if row.startswith("data: ") else data) + b"\n"


def _named(said: bytes, model: Model) -> bytes:
    """The engine answers under its own alias; clients see whom they asked."""
    try:
        found = json.loads(said)
    except ValueError:
        return said
    if not isinstance(found, dict) or "model" not in found:
        return said
    return json.dumps(found | {"model": model.offered.name}, ensure_ascii=False).encode()


def _described(model: Model) -> dict[str, Any]:
    meta = {"n_ctx": model.engine.told.context, "size": model.offered.size}
    return {"id": model.offered.name, "object": "model", "created": 0, "owned_by": "swarmctl", "meta": meta}
