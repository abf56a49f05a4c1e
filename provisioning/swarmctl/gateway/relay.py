"""An answer on its way to a client that may go: the engine stops computing as soon as nobody listens."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from swarmctl.gateway.trouble import Trouble

Start = tuple[int, str]
"""Status and content type."""
Work = Callable[[], AsyncIterator[Start | bytes]]
"""First the start, then the body's pieces. It is cancelled when the client goes."""
_LAST = {"text/event-stream": (b"data: ", b"\n\n"), "application/x-ndjson": (b"", b"\n")}
"""What stands around an error that comes too late for a status."""
Said = Callable[[Trouble], Response]


class Relay(Response):
    """Runs the work while it listens for the client's end.

    Trouble before the start is an error of its own status; in a stream it is the stream's last line; in the middle of
    one piece of JSON the connection breaks off, as the engine's did.
    """

    def __init__(self, work: Work, said: Said) -> None:
        """said: how this API words an error."""
        self._work, self._said = work, said
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Until the work is done or the client has gone."""
        work = asyncio.ensure_future(self._pump(scope, receive, send))
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (work, gone):
                task.cancel()
            done = await asyncio.gather(work, gone, return_exceptions=True)
        if isinstance(done[0], Exception):
            raise done[0]

    async def _pump(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind, last = "", b""
        try:
            async for piece in self._work():
                if isinstance(piece, tuple):
                    kind = piece[1]
                    await send(_start(*piece))
                else:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        except Trouble as trouble:
            said = self._said(trouble)
            if not kind:
                await said(scope, receive, send)
                return
            before, after = _LAST.get(kind.split(";")[0], (b"", b""))
            if not after:
                return
            last = before + bytes(said.body) + after
        await send({"type": "http.response.body", "body": last, "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _start(status: int, kind: str) -> Message:
    headers = [(b"content-type", kind.encode("latin-1", "replace")), (b"cache-control", b"no-cache")]
    return {"type": "http.response.start", "status": status, "headers": headers}


Handler = Callable[[Request], Any]


def worded(handler: Handler, said: Said) -> Handler:
    """A handler whose trouble is answered in the words of its API."""

    async def handle(request: Request) -> Response:
        try:
            found: Response = await handler(request)
        except Trouble as trouble:
            return said(trouble)
        return found

    return handle
