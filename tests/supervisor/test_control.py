"""The control socket: bad input is answered, and nobody holds up anybody."""

import json
import selectors
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from fakes.swarms import Swarm, stopwatch, until
from swarmctl.supervisor.control import Control

pytestmark = pytest.mark.slow


def line(swarm: Swarm) -> socket.socket:
    """A raw connection."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(str(swarm.runtime.socket))
    return client


def ask(swarm: Swarm, raw: bytes) -> dict[str, Any]:
    """One line in, one line out."""
    with line(swarm) as client, client.makefile("rb") as reader:
        client.sendall(raw + b"\n")
        answer: dict[str, Any] = json.loads(reader.readline())
        return answer


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "no JSON"),
        (b"nonsense", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "object"),
        (b"{}", "do is status"),
        (b'{"do": "dance"}', "do is status"),
        (b'{"do": ["status"]}', "TypeError"),
        (b'{"do": "apply"}', "cannot be read"),
        (b'{"do": "apply", "config": {"schema": "swarmctl/supervisor/v1", "programs": 3}}', "cannot be read"),
        (b'{"do": "restart"}', "no program"),
    ],
)
def test_bad_input_is_answered(swarm: Swarm, raw: bytes, why: str) -> None:
    swarm.up(swarm.script("one"))
    pid = swarm.pid("one")
    answer = ask(swarm, raw)
    assert answer["ok"] is False
    assert why in answer["error"]
    assert swarm.pid("one") == pid


def test_several_requests_on_one_connection_and_a_line_in_pieces(swarm: Swarm) -> None:
    swarm.up()
    with line(swarm) as client, client.makefile("rb") as reader:
        client.sendall(b'{"do": "status"}\n{"do"')
        assert json.loads(reader.readline())["ok"]
        client.sendall(b': "status"}')
        client.sendall(b"\n")
        assert json.loads(reader.readline())["ok"]


def test_an_endless_line_is_refused(swarm: Swarm) -> None:
    swarm.up()
    with line(swarm) as client, client.makefile("rb") as reader:
        client.sendall(b"x" * (4 * 1024 * 1024 + 1))
        assert "at most" in json.loads(reader.readline())["error"]
        assert reader.readline() == b""


def test_slow_and_silent_clients_hold_up_nobody(swarm: Swarm) -> None:
    swarm.up(*(swarm.script(f"program-{n}") for n in range(3)))
    silent = [line(swarm) for _ in range(5)]
    half = line(swarm)
    half.sendall(b'{"do": "sta')
    greedy = line(swarm)  # asks on and on, and never takes an answer
    greedy.setblocking(False)
    try:
        with suppress(BlockingIOError):
            while True:  # until the supervisor takes no more of it
                greedy.send(b'{"do": "status"}\n' * 1000)
        for _ in range(20):
            taken = stopwatch()
            assert swarm.runtime.status() is not None
            assert taken() < 0.5
    finally:
        for client in (*silent, half, greedy):
            client.close()


def test_only_a_client_that_does_nothing_for_long_is_hung_up_on(tmp_path: Path) -> None:
    with selectors.DefaultSelector() as selector, socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "s"))
        door.listen()
        control = Control(selector, door, lambda asked: {"ok": True, **asked})
        clients = [socket.socket(socket.AF_UNIX) for _ in range(2)]
        for now, client in zip((100.0, 120.0), clients, strict=True):
            client.settimeout(5)
            client.connect(str(tmp_path / "s"))
            for key, events in selector.select(5):
                key.data(events, now)
        control.expire(131.0)
        assert clients[0].recv(1) == b""
        clients[1].sendall(b"{}\n")
        for key, events in selector.select(5):
            key.data(events, 131.0)
        assert json.loads(clients[1].recv(100)) == {"ok": True}
        control.close()
        for client in clients:
            client.close()


def test_a_client_that_leaves_is_forgotten(swarm: Swarm) -> None:
    swarm.up()
    folder = Path(f"/proc/{swarm.supervisor()}/fd")
    until(swarm.runtime.status, "an answer")
    before = len(list(folder.iterdir()))
    for _ in range(30):
        line(swarm).close()
    until(lambda: len(list(folder.iterdir())) <= before, "the descriptors to be closed")


def test_status_takes_less_than_twenty_milliseconds(swarm: Swarm) -> None:
    swarm.up(*(swarm.script(f"program-{n}") for n in range(8)))
    times = []
    for _ in range(21):
        taken = stopwatch()
        swarm.programs()
        times.append(taken())
    assert sorted(times)[10] < 0.020
