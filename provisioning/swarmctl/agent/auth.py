"""Who may talk to an agent: whoever has its token; anyone may read its card."""

import hmac

from a2a.utils.constants import AGENT_CARD_WELL_KNOWN_PATH
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class BearerOnly:
    """ASGI middleware: 401 with a JSON body for every request without the token, the card's excepted."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        """`token` is the secret that callers must send as `Authorization: Bearer …`."""
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on or refuse."""
        if scope["type"] != "http" or self._open(scope) or self._known(scope):
            await self._app(scope, receive, send)
            return
        refusal = JSONResponse(
            {"error": "this agent wants its bearer token in the Authorization header"},
            status_code=401,
            headers={"WWW-Authenticate": "Bearer"},
        )
        await refusal(scope, receive, send)

    def _open(self, scope: Scope) -> bool:
        return scope["path"] == AGENT_CARD_WELL_KNOWN_PATH and scope["method"] in ("GET", "HEAD")

    def _known(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(given) == 1 and hmac.compare_digest(given[0], self._expected)
