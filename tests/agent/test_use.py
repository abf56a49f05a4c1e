"""Use of the engines as their one door sees it: questions count, looks and our own checks do not."""

import asyncio
import http.client
import http.server
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fakes.agents import free_port, until
from swarmctl.agent import use as use_module
from swarmctl.agent.forward import Route
from swarmctl.agent.use import PATIENCE, Use, Watch
from swarmctl.core.ownheader import CHECK

POST = b"POST /api/generate HTTP/1.1\r\nHost: x\r\n\r\n{}"


@pytest.mark.parametrize(
    ("chunk", "counts"),
    [
        (POST, True),
        (b"DELETE /api/delete HTTP/1.1\r\n\r\n", True),
        (b"GET /api/ps HTTP/1.1\r\nHost: x\r\n\r\n", False),
        (b"HEAD / HTTP/1.1\r\n\r\n", False),
        (b"OPTIONS /v1/models HTTP/1.1\r\n\r\n", False),
        (b"POST /api/generate HTTP/1.1\r\nX-Swarmctl: check\r\n\r\n{}", False),
        (b"POST / HTTP/1.1\r\nHost: x\r\nx-SWARMCTL: check\r\n\r\n", False),
        (b"POST / HTTP/1.1\r\nHost: x\r\n\r\nX-Swarmctl: check", True),
        (b"\x16\x03\x01 who knows", True),
        (b"POSTER", True),
    ],
)
def test_what_a_request_says_first_decides(chunk: bytes, counts: bool) -> None:
    one = Use()
    assert one.asked(chunk, 5.0) is counts
    assert one.waits(6.0) is counts
    assert one.asked(b"its body goes on", 7.0) is counts
    assert one.answered() is counts
    assert not one.waits(8.0)


def test_each_request_of_a_connection_is_judged_anew() -> None:
    one = Use()
    looks = [one.asked(text, 1.0) for text in (b"GET / HTTP/1.1\r\n\r\n", POST, b"GET / HTTP/1.1\r\n\r\n")]
    assert looks == [False, True, False]
    assert not one.waits(1.0)


def test_a_question_without_an_answer_counts_for_a_while_and_no_longer() -> None:
    one = Use()
    assert not one.waits(1.0)
    one.asked(POST, 100.0)
    assert one.waits(100.0 + PATIENCE - 1)
    assert not one.waits(100.0 + PATIENCE)


def test_a_waiting_question_is_marked_until_its_connection_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(use_module, "EVERY", 0.02)
    watch = Watch(tmp_path)
    mark = tmp_path / "activity"

    async def story() -> tuple[int, int]:
        keeping = asyncio.create_task(watch.keep())
        with watch.connection(counts=True) as one:
            assert one is not None
            await asyncio.sleep(0.1)
            assert not mark.exists(), "nothing was asked"
            one.asked(POST, time.monotonic())
            await asyncio.sleep(0.1)
            assert mark.exists()
            watch._last = -10.0
            before = mark.stat().st_mtime_ns
            await asyncio.sleep(0.1)
            during = mark.stat().st_mtime_ns
        watch._last = -10.0
        await asyncio.sleep(0.1)
        keeping.cancel()
        assert during > before
        return during, mark.stat().st_mtime_ns

    during, after = asyncio.run(story())
    assert during == after


def test_where_nobody_watches_nothing_is_kept(tmp_path: Path) -> None:
    with Watch(None).connection(counts=True) as one:
        assert one is None
    with Watch(tmp_path).connection(counts=False) as one:
        assert one is None


class Engine(http.server.BaseHTTPRequestHandler):
    """Answers everything."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_POST = do_GET  # noqa: N815 - a name of the standard library

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def engine() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Engine)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def door(marks: Path, *routes: str) -> Iterator[None]:
    argv = [sys.executable, "-P", "-m", "swarmctl.agent.forward", "--host", "127.0.0.1", "--marks", str(marks), *routes]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "forwarding" in process.stdout.readline()
            yield
        finally:
            process.kill()


def ask(line: http.client.HTTPConnection, method: str, headers: dict[str, str]) -> None:
    line.request(method, "/api/generate", b"{}" if method == "POST" else None, headers)
    assert line.getresponse().read() == b"ok"


def test_the_door_marks_questions_and_neither_looks_nor_checks(tmp_path: Path) -> None:
    mark, near = tmp_path / "activity", free_port()
    with engine() as far, door(tmp_path, f"{near}=127.0.0.1:{far}"):
        line = http.client.HTTPConnection("127.0.0.1", near, timeout=10)
        for _ in range(3):
            ask(line, "GET", {})
            ask(line, "POST", dict(CHECK))
        assert not mark.exists()
        ask(line, "POST", {})
        until(mark.exists)
        line.close()
    assert mark.stat().st_mode & 0o777 == 0o600


def test_agents_mark_their_own_work() -> None:

    assert [Route.of(f"1=agent-coder:{n}").counts for n in (80, 81)] == [False, False]
    assert Route.of("1=ollama-gpu0:80").counts
