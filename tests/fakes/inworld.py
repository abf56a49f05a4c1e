"""A client of `requests` and a market in one process: no socket, and waiting moves the market's clock."""

import io
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from swarmctl.market.clock import DrivenClock
from swarmctl.market.market import Market
from swarmctl.market.wire import Request

URL = "http://market.invalid"


class InWorld(BaseAdapter):
    """Mount it: `session.mount(URL, InWorld(market, clock))`. A slow answer takes its time, or times out."""

    def __init__(self, market: Market, clock: DrivenClock) -> None:
        super().__init__()
        self.market, self.clock = market, clock

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """One call. Raises what requests raises for a reset, and for an answer that takes too long."""
        parts = urlsplit(request.url or "")
        body = request.body or b""
        asked = Request(
            request.method or "GET",
            parts.path,
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            dict(request.headers),
            body.encode() if isinstance(body, str) else body,
        )
        told = self.market.handle(asked)
        limit = options.get("timeout")
        limit = limit[-1] if isinstance(limit, tuple) else limit
        if limit is not None and told.delay > limit:
            self.clock.advance(limit)
            raise requests.ReadTimeout("Read timed out.", request=request)
        self.clock.advance(told.delay)
        if told.drop_connection:
            raise requests.ConnectionError("Connection aborted: reset by peer", request=request)
        response = requests.Response()
        response.status_code, response.request, response.url = told.status, request, str(request.url)
        response.headers.update(told.headers)
        response.raw = HTTPResponse(io.BytesIO(told.body), status=told.status, preload_content=False)
        return response

    def close(self) -> None:
        """Nothing is open."""
