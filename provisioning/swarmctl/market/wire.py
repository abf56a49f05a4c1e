"""What comes in and what goes out, without a socket."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """One call. path: without the query. headers: names in any case. client: the caller's address."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    client: str = "127.0.0.1"

    def header(self, name: str) -> str:
        """A header's value; empty where it is absent."""
        return next((value for key, value in self.headers.items() if key.lower() == name), "")


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. drop_connection: nothing of it reaches the caller. delay: seconds before it is sent."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    drop_connection: bool = False
    delay: float = 0.0

    def json(self) -> Any:
        """The body read as JSON. Raises ValueError where it is none."""
        return json.loads(self.body)


class Refused(Exception):  # noqa: N818 - it is an answer, not a fault of ours
    """An answer that ends a call early. body: an object, or plain text as the market sends with some of its errors."""

    def __init__(self, status: int, body: Json | str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status, self.body, self.headers = status, body, dict(headers or {})

    def response(self) -> Response:
        """It, ready to be sent."""
        return answer(self.body, self.status, self.headers)


def error(status: int, code: str, message: str, **more: Any) -> Refused:
    """An error in the market's usual shape."""
    return Refused(status, {"success": False, "error": code, "msg": message, **more})


def answer(body: Json | list[Any] | str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; text goes out as it is."""
    if isinstance(body, str):
        return Response(status, body.encode(), {"Content-Type": PLAIN, **(headers or {})})
    return Response(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})


def parse(text: bytes | str) -> Any:
    """JSON as a caller sent it; numbers that are none (NaN, Infinity) are refused. Raises ValueError."""

    def no_number(word: str) -> None:
        raise ValueError(f"{word} is no number")

    try:
        return json.loads(text, parse_constant=no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def body_of(request: Request) -> Json:
    """The object in a request's body, empty where there is none. Raises Refused."""
    if not request.body.strip():
        return {}
    try:
        found = parse(request.body)
    except ValueError as e:
        raise error(400, "invalid_args", f"error 400/3001: invalid JSON: {str(e)[:200]}") from None
    if not isinstance(found, dict):
        raise error(400, "invalid_args", "error 400/3002: the body must be a JSON object")
    return found
