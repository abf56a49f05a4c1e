"""A second computer takes over the keys and ports of a swarm from the machine that it runs on, or leaves them alone."""

import json
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Self

import pytest

from swarmctl.core.hosts import Host
from swarmctl.core.placed import Placed
from swarmctl.core.places import Places
from swarmctl.effects import files, swarmkeys, takeover
from swarmctl.effects.process import Completed
from swarmctl.effects.takeover import take_over

PORTS = {"engine-lead": 21000, "agent-orchestrator": 21001}


class Near:
    """A line to this very machine."""

    def __init__(self, _host: Host, _folder: Path) -> None:
        """Nothing is opened."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is closed."""

    def run(self, argv: Sequence[str], *, seconds: float, root: bool) -> Completed:
        assert not root, "processes and their keys are the user's own"
        done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds, check=False)
        return Completed(done.stdout, done.stderr, done.returncode)


@pytest.fixture(autouse=True)
def near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeover, "Line", Near)


@pytest.fixture
def there(tmp_path: Path) -> Places:
    """A swarm that somebody brought up."""
    places = Places("team", tmp_path / "there" / "swarms" / "team")
    swarmkeys.make(places)
    files.write_json(places.ports, PORTS)
    return places


@pytest.fixture
def here(tmp_path: Path) -> Places:
    return Places("team", tmp_path / "here")


@pytest.fixture
def placed(tmp_path: Path) -> Placed:
    host = asdict(Host("box", "localhost"))
    return Placed(swarm="team", host=host, runtime="process", base=str(tmp_path / "there"))


def test_both_computers_have_the_same_keys_and_ports(placed: Placed, there: Places, here: Places) -> None:
    assert take_over(placed, here)
    for name in ("engine.key", "engine.keys", "agents.token", "git.conf"):
        mine, theirs = (places.root / "secrets" / name for places in (here, there))
        assert mine.read_text() == theirs.read_text()
        assert mine.stat().st_mode & 0o777 == 0o600
    assert json.loads(here.ports.read_text()) == PORTS


def test_a_computer_with_keys_of_its_own_keeps_them(placed: Placed, there: Places, here: Places) -> None:
    mine = files.secret(here.engine_key)
    assert not take_over(placed, here)
    assert here.engine_key.read_text() == mine
    assert not here.agent_token.exists()


def test_a_machine_without_the_swarm_has_none(placed: Placed, here: Places) -> None:
    assert not take_over(placed, here)
    assert not here.engine_key.exists()


def test_ports_of_which_one_is_taken_here_are_left(placed: Placed, there: Places, here: Places) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        files.write_json(there.ports, PORTS | {"agent-backend": other.getsockname()[1]})
        assert take_over(placed, here)
    assert not here.ports.exists()
    assert here.engine_key.exists()


@pytest.mark.parametrize("key", ["", "short", "x" * 40 + "\n; rm", "ä" * 40])
def test_what_is_no_key_is_not_taken(key: str, placed: Placed, there: Places, here: Places) -> None:
    there.agent_token.write_text(key)
    assert not take_over(placed, here)
    assert not here.agent_token.exists()


@pytest.mark.parametrize("ports", ["", "{", "[1]", '{"agent-a": "21000"}', '{"agent-a": 70000}', '{"agent-a": true}'])
def test_ports_that_are_none_are_left_out(ports: str, placed: Placed, there: Places, here: Places) -> None:
    there.ports.write_text(ports)
    assert take_over(placed, here)
    assert not here.ports.exists()
