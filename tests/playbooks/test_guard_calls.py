"""What the guard asks of a market over real HTTP, what it believes of the answer; and its key goes nowhere else."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from fakes.guarding import GUARD, Host

KEY = "s3cr3t-k3y"
SMALL: dict[str, Any] = {"success": True}
YES = json.dumps(SMALL).encode()


class Answers(BaseHTTPRequestHandler):
    """Says what it is told to, and remembers what it was asked."""

    protocol_version = "HTTP/1.0"
    answer: tuple[int, bytes, dict[str, str]] = (200, b"", {})
    asked: list[tuple[str, str, str, Any]]

    def _said(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        words = " ".join(self.headers[name] or "" for name in ("Authorization", "Content-Type", "Accept"))
        self.asked.append((self.command, self.path, words, json.loads(body) if body else "nothing"))
        status, text, headers = self.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PUT = do_DELETE = _said  # noqa: N815 - names of the standard library

    def log_message(self, *_: object) -> None:
        """A test says nothing."""


class Service:
    """A market on loopback."""

    def __init__(self) -> None:
        self.kind = type("Here", (Answers,), {"asked": []})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.kind)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.market = GUARD.Market({"url": f"{self.url}/", "instance": "7"}, KEY)
        self.asked: list[tuple[str, str, str, Any]] = self.kind.asked  # type: ignore[attr-defined] # made above

    def says(self, status: int, body: Any = b"", **headers: str) -> Any:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.kind.answer = (status, text, headers)  # type: ignore[attr-defined] # as above
        return self.market


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    service = Service()
    thread = threading.Thread(target=service.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield service
    service.server.shutdown()
    thread.join()
    service.server.server_close()


@pytest.fixture
def service(running: Service) -> Service:
    running.asked.clear()
    return running


WORDS = f"Bearer {KEY} application/json application/json"


@pytest.mark.parametrize(
    ("how", "method", "body"), [("destroy", "DELETE", {}), ("stop", "PUT", {"state": "stopped"}), ("x", "DELETE", {})]
)
def test_an_end_is_asked_for_by_one_call(service: Service, how: str, method: str, body: dict[str, str]) -> None:
    assert service.says(200, SMALL).end(how) == ""
    assert service.asked == [(method, "/api/v0/instances/7/", WORDS, body)]


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, {"success": False, "error": "no", "msg": "why"}, "200 no why"),
        (200, {"success": 1}, "200 "),
        (200, {}, "200 "),
        (200, [True], "200 "),
        (200, b"<html>", "200 "),
        (200, b"[" * 60_000, "200 "),
        (200, YES + b" " * (65536 - len(YES)), ""),
        (200, b" " * (65537 - len(YES)) + YES, "200 "),
        (201, SMALL, "201 "),
        (404, {"error": "auth_error"}, "404 auth_error"),
        (503, b"", "503 "),
        (400, {"msg": f"key {KEY} is odd"}, "400 key … is odd"),
        (400, {"msg": "x" * 400}, f"400 {'x' * 296}"),
    ],
)
def test_only_a_plain_yes_is_one_and_the_key_is_never_said(service: Service, status: int, body: Any, said: str) -> None:
    assert service.says(status, body).end("destroy") == said


def test_a_redirection_is_not_followed(service: Service) -> None:
    assert service.says(307, b"", Location=f"{service.url}/elsewhere").end("destroy").startswith("307 ")
    assert service.says(302, b"", Location=f"{service.url}/elsewhere").too_mighty() is False
    assert [path for _, path, _, _ in service.asked] == ["/api/v0/instances/7/", "/api/v0/users/current/"]


@pytest.mark.parametrize(
    ("status", "body", "mighty"),
    [
        (200, {"credit": 1}, True), (200, {"balance": 1}, True), (200, {"id": 1}, True), (200, {"x": 1}, False),
        (403, {"id": 1}, False), (404, {}, False), (499, {}, False), (429, {}, None), (500, {}, None), (503, {}, None),
    ],
)  # fmt: skip
def test_a_key_that_reads_the_account_is_too_mighty(
    service: Service, status: int, body: Any, mighty: bool | None
) -> None:
    assert service.says(status, body).too_mighty() is mighty
    assert service.asked == [("GET", "/api/v0/users/current/", WORDS, "nothing")]


def test_where_nobody_answers_that_is_said(service: Service) -> None:
    nobody = GUARD.Market({"url": "http://127.0.0.1:1", "instance": "7"}, KEY)
    status, body = nobody.call("GET", "users/current/")
    assert status == 0
    assert body["msg"] == "[Errno 111] Connection refused"
    assert nobody.too_mighty() is None
    assert nobody.end("destroy").startswith("0 ")
    odd = GUARD.Market({"url": "http://[", "instance": "7"}, KEY)
    assert odd.call("GET", "x")[0] == 0


def test_an_address_is_taken_as_it_is_but_for_its_end() -> None:
    assert GUARD.Market({"url": "http://x//", "instance": "7"}, KEY).base == "http://x"


def test_what_nobody_says_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    market = GUARD.Market({"url": "http://x", "instance": "7"}, KEY)
    waits = []

    def breaks(_request: Any, timeout: float) -> None:
        waits.append(timeout)
        raise OSError("y" * 400)

    monkeypatch.setattr(market.opener, "open", breaks)
    assert market.call("GET", "x") == (0, {"msg": "y" * 200})
    assert waits == [10]


def test_a_round_asks_the_market_of_its_settings(service: Service, tmp_path: Any) -> None:
    service.says(200, SMALL)
    host = Host(tmp_path, url=service.url, idle=60)
    assert GUARD.main([], host.machine, host.hands) == 0
    host.hands.go(60)
    assert service.asked == []
    assert GUARD.main([], host.machine, host.hands) == 0
    assert [(method, words) for method, _, words, _ in service.asked] == [
        ("DELETE", "Bearer scoped-key application/json application/json")
    ]
