"""People are told over real HTTP and by real commands; what fails is said and tried again, never fatal."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from fakes.agents import free_port
from swarmctl.core.leasing.notices import Notice, Standing, due, event
from swarmctl.effects.notifying import TRIES, Notifier, Notify, send

NOW = Standing("seven", "42", 1000.0, 9000.0, 250.0, "ttl", Decimal("3.9"), Decimal(4))
LEAK = event(NOW, "leak", "it MAY STILL BILL")


@contextmanager
def webhook(*statuses: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An address that answers with these in turn, the last for ever; and what was said to it."""
    heard: list[dict[str, Any]] = []
    left = list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(left.pop(0) if len(left) > 1 else left[0])
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hooks/canary-secret", heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_webhook_gets_the_notice_as_json() -> None:
    with webhook(204) as (url, heard):
        assert send(Notify(url), LEAK) == ""
    assert heard == [LEAK.as_json()]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_does_not_take_it_is_said_without_its_secret(status: int) -> None:
    with webhook(status) as (url, _):
        assert send(Notify(url), LEAK) == f"127.0.0.1 answers {status}"


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/canary-secret", "nonsense", "http://[canary-secret"])
def test_a_webhook_that_is_away_or_none_is_said_without_its_secret(url: str) -> None:
    said = send(Notify(url.format(port=free_port())), LEAK)
    assert "no answer" in said
    assert "secret" not in said


def test_a_command_gets_the_notice_on_stdin(tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
    assert send(Notify(command=(sys.executable, "-c", code, str(out))), LEAK) == ""
    assert json.loads(out.read_text()) == LEAK.as_json()


def test_a_command_that_fails_or_is_not_there_is_said() -> None:
    failing = (sys.executable, "-c", "import sys; sys.exit('no mail today')")
    assert "exit 1: no mail today" in send(Notify(command=failing), LEAK)
    assert "cannot be started" in send(Notify(command=("/nowhere/at/all",)), LEAK)


def notices(now: Standing = NOW) -> tuple[Notice, ...]:
    return due(now)


def test_each_thing_is_told_once_even_by_another_process(tmp_path: Path) -> None:
    said: list[str] = []
    with webhook(200) as (url, heard):
        for _ in range(3):
            Notifier(Notify(url), tmp_path / "told.json", said.append).tell(notices())
        assert [one["kind"] for one in heard] == ["spent-95", "ends-5m"]
        assert len(said) == 2
        Notifier(Notify(url), tmp_path / "told.json", said.append).tell(notices(replace(NOW, expires=9999.0)))
    assert [one["kind"] for one in heard] == ["spent-95", "ends-5m", "ends-5m"]


def test_what_could_not_be_told_is_tried_again_for_a_while(tmp_path: Path) -> None:
    said: list[str] = []
    with webhook(500, 500, 200) as (url, heard):
        notifier = Notifier(Notify(url), tmp_path / "told.json", said.append)
        for _ in range(9):
            notifier.tell([LEAK])
        assert len(heard) == 3
        assert said.count(LEAK.text) == 1
    with webhook(500) as (url, heard):
        notifier = Notifier(Notify(url), tmp_path / "other.json", said.append)
        for _ in range(9):
            notifier.tell([LEAK])
        assert len(heard) == TRIES


@pytest.mark.parametrize("text", ["", "[]", "3", '{"42 leak": "x"}', "\x00"])
def test_a_memory_that_somebody_broke_is_begun_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "told.json").write_text(text)
    said: list[str] = []
    for _ in range(2):
        Notifier(Notify(), tmp_path / "told.json", said.append).tell([LEAK])
    assert said == [LEAK.text]


def test_a_disk_that_is_full_does_not_stop_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said: list[str] = []
    Notifier(Notify(), tmp_path / "file" / "told.json", said.append).tell([LEAK])
    assert said == [LEAK.text]
