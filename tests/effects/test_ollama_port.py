"""Ollama chooses its runner's port before that is bound: a load that lost it to somebody else is asked for again."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from swarmctl.core.ollama.order import Wish
from swarmctl.effects.engines.ollama import Ollama
from swarmctl.errors import DeployError

TAKEN = "srv start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 60716\n"
TAKEN_OLD = "Listen error: listen tcp 127.0.0.1:55860: bind: address already in use\n"


class Failing:
    """A server whose first loads fail; each leaves a line in its log."""

    def __init__(self) -> None:
        self.fails, self.line, self.asked, self.log = 0, TAKEN, 0, ""
        me = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                me.asked += 1
                bad = me.asked <= me.fails
                me.log += me.line if bad else "all is well\n"
                body = json.dumps({"error": "llama-server process has terminated"} if bad else {"done": True}).encode()
                self.send_response(500 if bad else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quietly."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def failing() -> Iterator[Failing]:
    found = Failing()
    thread = threading.Thread(target=found.server.serve_forever, args=(0.01,))
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


def load(failing: Failing) -> None:
    with Ollama(failing.url, log=lambda: failing.log) as client:
        client.load(Wish("one", 1, -1))


@pytest.mark.parametrize("line", [TAKEN, TAKEN_OLD])
@pytest.mark.parametrize("fails", [0, 1, 2])
def test_a_port_that_was_taken_is_chosen_again(failing: Failing, fails: int, line: str) -> None:
    failing.fails, failing.line = fails, line
    load(failing)
    assert failing.asked == fails + 1


def test_not_for_ever(failing: Failing) -> None:
    failing.fails = 9
    with pytest.raises(DeployError, match="one does not load: couldn't bind HTTP server socket"):
        load(failing)
    assert failing.asked == 3


def test_what_fails_otherwise_is_not_tried_again(failing: Failing) -> None:
    failing.fails, failing.line = 9, "error loading model: unknown architecture\n"
    with pytest.raises(DeployError, match="unknown architecture"):
        load(failing)
    assert failing.asked == 1
