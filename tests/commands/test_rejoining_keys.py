"""A rented machine whose ports are others now: it is the same one by its host key, or it is not gone on with."""

from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from swarmctl.commands import rejoining
from swarmctl.core.hosts import NO_CONFIG, Host
from swarmctl.core.leasing.lease import Address
from swarmctl.core.placed import Placed
from swarmctl.effects.hosts.sshsaid import ChangedKeyError
from swarmctl.errors import HostError

BEFORE = Host("slot-0", "203.0.113.7", 41234, known_hosts="/k/vast-7", config=NO_CONFIG)
NOW = (Address("203.0.113.7", 50000),)


class World:
    """Remembers what is written down."""

    clock = None

    def __init__(self, folder: Path) -> None:
        self.root, self.written = folder, list[Placed]()

    def leave(self, _: str) -> None:
        """Nothing is open."""

    def places(self, _: str) -> Any:
        return SimpleNamespace(root=self.root)

    def put(self, placed: Placed) -> None:
        self.written.append(placed)


def found_again(world: World) -> None:
    me: Any = SimpleNamespace(world=world, swarm="team", say=str)
    lease: Any = SimpleNamespace(id="7", addresses=NOW)
    rejoining.found_again(me, lease, Placed(swarm="team", host=asdict(BEFORE), lease="7"))


def test_it_is_reached_under_the_name_of_its_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def reach(host: Host, addresses: Any, *_: object, **__: object) -> Any:
        (at,) = addresses()
        there = Host(host.name, at.host, at.port, alias=host.alias)
        return SimpleNamespace(line=SimpleNamespace(host=there, close=lambda: None))

    monkeypatch.setattr(rejoining, "reach", reach)
    world = World(tmp_path)
    found_again(world)
    (placed,) = world.written
    assert (placed.reached.port, placed.reached.alias) == (50000, "vast-7")


def test_another_key_is_said_with_both_and_with_what_gives_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reach(*_: object, **__: object) -> Any:
        raise ChangedKeyError("slot-0: another", detail="met: SHA256:x", hint="ssh-keygen -R vast-7 -f /k   # only if")

    monkeypatch.setattr(rejoining, "reach", reach)
    world = World(tmp_path)
    with pytest.raises(HostError, match="machine 7 answers with another host key than when it was rented") as caught:
        found_again(world)
    assert caught.value.detail == "met: SHA256:x"
    assert caught.value.hint.startswith("swarmctl down --lease 7 ")
    assert "ssh-keygen -R vast-7 -f /k" in caught.value.hint
    assert world.written == []
