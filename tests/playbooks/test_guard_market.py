"""What the guard says to a market over real HTTP: by the one key, to the one place, whatever comes back."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from fakes.guarding import GUARD

KEY = "canary-key-of-one-machine"
Answer = tuple[int, bytes, dict[str, str]]


@contextmanager
def market(*answers: Answer) -> Iterator[tuple[Any, list[tuple[str, str, str, bytes]]]]:
    """A guard's market whose server gives these answers in turn, the last for ever; and what it was asked."""
    asked: list[tuple[str, str, str, bytes]] = []
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append((self.command, self.path, self.headers.get("Authorization", ""), body))
            status, text, headers = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_PUT = do_DELETE = answer  # noqa: N815 - names of the standard library

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        config = {"url": f"http://127.0.0.1:{server.server_port}/", "instance": "42"}
        yield GUARD.Market(config, KEY), asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def said(status: int, body: Any = None, **headers: str) -> Answer:
    return status, body if isinstance(body, bytes) else json.dumps(body or {}).encode(), headers


def test_it_destroys_by_its_own_key() -> None:
    with market(said(200, {"success": True})) as (guard, asked):
        assert guard.end("destroy") == ""
    assert asked == [("DELETE", "/api/v0/instances/42/", f"Bearer {KEY}", b"{}")]


def test_it_stops_where_that_is_wanted() -> None:
    with market(said(200, {"success": True})) as (guard, asked):
        assert guard.end("stop") == ""
    assert asked == [("PUT", "/api/v0/instances/42/", f"Bearer {KEY}", b'{"state": "stopped"}')]


@pytest.mark.parametrize(
    "answer",
    [
        said(404, {"success": False, "error": "auth_error", "msg": "Invalid user key"}),
        said(404, {"error": "no_such_instance"}),
        said(200, {"success": False, "error": "busy"}),
        said(200, {"success": "true"}),
        said(200, [1]),
        said(200, b"<html>"),
        said(200, b"[" * 60_000),
        said(200, b'{"success": true'),
        said(429, b"API requests too frequent: endpoint threshold=3.0"),
        said(503, b"\xff\xfe"),
        said(401, {"msg": f"no right for {KEY}"}),
    ],
)
def test_what_is_no_success_is_said_and_never_with_the_key(answer: Answer) -> None:
    with market(answer) as (guard, _):
        text = guard.end("destroy")
    assert text.startswith(str(answer[0]))
    assert KEY not in text


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_key_follows_no_redirect(status: int) -> None:
    with market(said(200, {"success": True, "id": 1})) as (elsewhere, there):
        with market(said(status, Location=f"{elsewhere.base}/api/v0/instances/42/")) as (guard, _):
            assert guard.end("destroy").startswith(str(status))
            assert guard.too_mighty() is False
        assert there == []


def test_nobody_there_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    guard = GUARD.Market({"url": f"http://127.0.0.1:{port}", "instance": "1"}, KEY)
    assert "refused" in guard.end("destroy")
    assert guard.too_mighty() is None


def test_a_connection_cut_off_is_said() -> None:
    def cut(server: socket.socket) -> None:
        connection, _ = server.accept()
        connection.recv(100)
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=cut, args=(server,))
        thread.start()
        guard = GUARD.Market({"url": f"http://127.0.0.1:{server.getsockname()[1]}", "instance": "1"}, KEY)
        assert guard.end("destroy").startswith("0 ")
        thread.join()


@pytest.mark.parametrize(
    ("answer", "mighty"),
    [
        (said(200, {"id": 1, "email": "a@b", "credit": 12.5}), True),
        (said(200, {"id": 1}), True),
        (said(401, {"error": "not_authorized"}), False),
        (said(403), False),
        (said(404, {"error": "auth_error"}), False),
        (said(429, b"too frequent"), None),
        (said(500), None),
    ],
)
def test_a_key_that_reads_the_account_is_told_apart(answer: Answer, mighty: bool | None) -> None:
    with market(answer) as (guard, asked):
        assert guard.too_mighty() is mighty
    assert asked[0][:2] == ("GET", "/api/v0/users/current/")
