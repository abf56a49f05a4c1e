"""One call over real HTTP: where the key goes, what may have arrived, and what is never printed."""

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from swarmctl.effects.providers.secret import Secret, redacted
from swarmctl.effects.providers.transport import HttpTransport, LostError, NotSentError, checked_base
from swarmctl.errors import SpecError

KEY = Secret("k3y-0123/45+67=")
Handle = Callable[[http.server.BaseHTTPRequestHandler], None]


@contextmanager
def listening(handle: Handle) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            handle(self)

        do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - the standard library's names

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def says(status: int, body: bytes, **headers: str) -> Handle:
    def handle(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return handle


def test_a_call_carries_key_query_and_body() -> None:
    seen: list[Any] = []

    def handle(request: http.server.BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        seen.append((request.command, request.path, request.headers["Authorization"], body))
        says(201, b'{"a": 1}', **{"X-Thing": "5"})(request)

    with listening(handle) as url:
        got = HttpTransport(url + "/", KEY).send("PUT", "/api/v0/x/", {"q": "{}"}, {"b": 2})
    assert (got.status, got.body, got.headers["x-thing"]) == (201, b'{"a": 1}', "5")
    assert seen == [("PUT", "/api/v0/x/?q=%7B%7D", f"Bearer {KEY.reveal()}", b'{"b": 2}')]


def test_no_netrc_takes_the_keys_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password other\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    seen: list[str] = []

    def handle(request: http.server.BaseHTTPRequestHandler) -> None:
        seen.append(request.headers["Authorization"])
        says(200, b"{}")(request)

    with listening(handle) as url:
        HttpTransport(url, KEY).send("GET", "/", {}, None)
    assert seen == [f"Bearer {KEY.reveal()}"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_key_follows_no_redirect(status: int) -> None:
    reached: list[str] = []
    with ExitStack() as both:
        other = both.enter_context(listening(lambda r: (reached.append(r.path), says(200, b"{}")(r))[1]))
        url = both.enter_context(listening(says(status, b"", Location=f"{other}/stolen")))
        got = HttpTransport(url, KEY).send("GET", "/", {}, None)
    assert got.status == status
    assert reached == []


def test_a_connection_that_never_stood_carried_nothing() -> None:
    with listening(says(200, b"")) as url:
        pass
    with pytest.raises(NotSentError):
        HttpTransport(url, KEY).send("PUT", "/", {}, {})


def hang_up(request: http.server.BaseHTTPRequestHandler) -> None:
    request.connection.shutdown(2)


def break_off(request: http.server.BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "100")
    request.end_headers()
    request.wfile.write(b"half")


@pytest.mark.parametrize("handle", [hang_up, break_off])
def test_a_connection_that_broke_may_have_carried_it(handle: Handle) -> None:
    with listening(handle) as url, pytest.raises(LostError):
        HttpTransport(url, KEY).send("PUT", "/", {}, {})


def test_silence_may_have_carried_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swarmctl.effects.providers.transport.READ", 0.1)
    gate = threading.Event()
    with listening(lambda _: (gate.wait(5), None)[1]) as url:
        try:
            with pytest.raises(LostError):
                HttpTransport(url, KEY).send("PUT", "/", {}, {})
        finally:
            gate.set()


def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swarmctl.effects.providers.transport.MOST", 1000)
    with listening(says(200, b"x" * 2000)) as url, pytest.raises(LostError, match="longer"):
        HttpTransport(url, KEY).send("GET", "/", {}, None)


@pytest.mark.parametrize(
    "base",
    [
        "http://console.vast.ai", "ftp://127.0.0.1", "https://", "", "console.vast.ai", "http://127.0.0.1.evil.org",
        "http://localhost.evil.org", "https://me:pw@host",
        "https://host/?a=b", "https://host#x", "http://[::1", "http://127.0.0.1:99999",
    ],
)  # fmt: skip
def test_a_key_is_sent_over_tls_or_to_this_machine_alone(base: str) -> None:
    with pytest.raises(SpecError, match="no address to send a key to"):
        checked_base(base)


def test_good_addresses() -> None:
    for base in (
        "https://console.vast.ai",
        "http://127.0.0.1:8080",
        "http://localhost:1",
        "http://[::1]:5",
        "https://h/x",
    ):
        assert checked_base(base + "/") == base


def test_a_secret_does_not_print_itself() -> None:
    assert KEY.reveal() not in f"{KEY} {KEY!r} {[KEY]} {KEY:}"
    with pytest.raises(TypeError):
        __import__("pickle").dumps(KEY)
    assert Secret(KEY.reveal()) == KEY
    assert Secret("other") != KEY


@pytest.mark.parametrize(
    "text",
    [
        "key k3y-0123/45+67= is bad", "GET /?api_key=k3y-0123%2F45%2B67%3D", "/?k=k3y-0123/45%2B67%3D",
        "Authorization: Bearer abcdef0123", '{"instance_api_key": "abcdef0123"}',
        "api_key=abcdef0123&x=1", "BEARER abcdef0123",
    ],
)  # fmt: skip
def test_keys_are_taken_out_of_texts(text: str) -> None:
    found = redacted(text, KEY)
    assert "abcdef0123" not in found
    assert "0123/45" not in found
    assert "0123%2F45" not in found
    assert "<key>" in found


def test_no_error_holds_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = Secret("verysecretkey")
    with listening(says(200, b"")) as url:
        pass
    with pytest.raises(NotSentError) as e:
        HttpTransport(url, secret).send("GET", f"/{secret.reveal()}", {"k": secret.reveal()}, None)
    assert secret.reveal() not in str(e.value)
    assert e.value.__cause__ is None
