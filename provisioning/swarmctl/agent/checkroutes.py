"""The endpoint at which whoever follows a run takes its tests and brings their results."""

from typing import Protocol, TypeVar

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from swarmctl.agent.elsewhere import Elsewhere, RunOver
from swarmctl.core.messages import CheckDone, CheckHold, CheckTake, Message

LONGEST = 64 * 1024
"""Bytes of one request."""

M = TypeVar("M", bound=Message)


class _Answer(Protocol):
    __name__: str

    async def __call__(self, request: Request, /) -> Response: ...


class _Refused(Exception):  # noqa: N818
    """What was sent cannot be read; a status and a sentence."""


def check_routes(tests: Elsewhere) -> list[Route]:
    """POST /checks/take, /checks/renew and /checks/done.

    200 with a CheckOrder, or 204: nothing to say. 410: the run is over. 409: the test is not this holder's.
    """

    async def take(request: Request) -> Response:
        asked = await _read(request, CheckTake)
        try:
            order = await tests.take(asked.run, asked.holder, asked.wait)
        except RunOver:
            return _said(410, "this run has ended")
        return Response(status_code=204) if order is None else JSONResponse(order.model_dump(mode="json"))

    async def renew(request: Request) -> Response:
        asked = await _read(request, CheckHold)
        return _taken(tests.renew(asked.id, asked.holder))

    async def done(request: Request) -> Response:
        asked = await _read(request, CheckDone)
        return _taken(tests.done(asked.id, asked.holder, asked.result))

    return [_route(take), _route(renew), _route(done)]


def _route(answer: _Answer) -> Route:
    async def answered(request: Request) -> Response:
        try:
            return await answer(request)
        except _Refused as bad:
            return _said(*bad.args)

    return Route(f"/checks/{answer.__name__}", answered, methods=["POST"])


async def _read(request: Request, model: type[M]) -> M:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST:
            raise _Refused(413, f"more than {LONGEST} bytes")
    try:
        return model.model_validate_json(body)
    except ValidationError as e:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in e.errors()[:5])
        raise _Refused(400, f"not understood: {wrong}") from None


def _taken(mine: bool) -> Response:
    return Response(status_code=204) if mine else _said(409, "this test is not yours, or no longer")


def _said(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status_code=status)
