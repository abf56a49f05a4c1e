"""One engine behind the gateway: its address, its key, and requests that end when their client goes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from swarmctl.core.sharing.gatewayfile import Upstream
from swarmctl.gateway.trouble import Trouble

_CONNECT = 5.0
"""Seconds; an answer may take as long as its client waits."""
_LOOK = 5.0
"""Seconds that a question about the engine itself may take."""
_LINKS = 256
_UNKNOWN = frozenset({401, 403})
"""A client whose own key is right must not be told that it is wrong."""


class Engine:
    """Connections to one llama-server; close it at the end."""

    def __init__(self, told: Upstream, key: str) -> None:
        """`key` is the secret itself; nothing is connected yet."""
        self.told = told
        self._http = httpx2.AsyncClient(
            base_url=told.url,
            headers={"Authorization": f"Bearer {key}"},
            trust_env=False,
            timeout=httpx2.Timeout(None, connect=_CONNECT),
            limits=httpx2.Limits(max_connections=_LINKS, max_keepalive_connections=8, keepalive_expiry=5),
        )

    @asynccontextmanager
    async def ask(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[httpx2.Response]:
        """An answer whose body has not been read; leaving the block ends it at the engine too. Raises Trouble 502."""
        request = self._http.build_request("POST", path, json=body)
        try:
            answer = await self._http.send(request, stream=True)
        except httpx2.HTTPError as e:
            raise self._down(e) from None
        try:
            if answer.status_code in _UNKNOWN:
                raise Trouble(502, f"the engine at {self.told.url} does not take the gateway's key", "engine_key")
            yield answer
        except httpx2.HTTPError as e:
            raise self._down(e) from None
        finally:
            await answer.aclose()

    async def look(self, path: str) -> Any:
        """What the engine says of itself. Raises Trouble 502."""
        try:
            answer = await self._http.get(path, timeout=_LOOK)
            return answer.raise_for_status().json()
        except (httpx2.HTTPError, ValueError) as e:
            raise self._down(e) from None

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    def _down(self, e: Exception) -> Trouble:
        said = f": {e}" if str(e) else ""
        return Trouble(502, f"the engine at {self.told.url} does not answer ({type(e).__name__}{said})", "engine_down")
