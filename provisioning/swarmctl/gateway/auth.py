"""Who may ask: whoever has the gateway's key; anyone may ask whether it is there, and well."""

import hmac

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

OPEN = frozenset({"/health", "/live"})


class KeyOnly:
    """ASGI middleware: 401 with a JSON body for every request without `Authorization: Bearer <key>`."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        """`key` is the secret itself."""
        self._app = app
        self._expected = f"Bearer {key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on or refuse."""
        if scope["type"] != "http" or scope["path"] in OPEN or self._known(scope):
            await self._app(scope, receive, send)
            return
        said = {"message": "the gateway wants its key as a bearer token", "type": "authentication_error"}
        headers = {"WWW-Authenticate": "Bearer"}
        await JSONResponse({"error": said}, status_code=401, headers=headers)(scope, receive, send)

    def _known(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(given) == 1 and hmac.compare_digest(given[0], self._expected)
