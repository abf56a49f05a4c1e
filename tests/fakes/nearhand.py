"""A machine that is this one: the hand works in a folder of the test's own, by commands that no SSH carries."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from swarmctl.core.hosts import Host
from swarmctl.core.placed import Placed
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.connections.distant import DistantConnection
from swarmctl.effects.hand.hand import Hand
from swarmctl.effects.hosts.talk import Feed, Hear, Late, talk
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.process import Completed
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import HostError


class NearLine:
    """The part of a Line that a hand needs, on this machine."""

    host = Host("near", "localhost")

    def command(self, argv: Sequence[str], *, root: bool = False) -> list[str]:
        return list(argv)

    def run(self, argv: Sequence[str], *, stdin: bytes | None = None, seconds: float, **_: Any) -> Completed:
        done = subprocess.run(argv, input=stdin, capture_output=True, timeout=seconds, check=False)
        return Completed(done.stdout.decode(), done.stderr.decode(), done.returncode)

    def converse(self, argv: Sequence[str], *, feed: Feed, hear: Hear, seconds: float, **_: Any) -> Completed:
        try:
            done = talk(list(argv), env=dict(os.environ), seconds=seconds, feed=feed, hear=hear)
        except Late as e:
            raise HostError(f"near: {argv[0]} {e}") from None
        return Completed(done.out.decode(), done.said, done.code)

    def put(self, files: Mapping[str, bytes | Path], **_: Any) -> None:
        for name, data in files.items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            if isinstance(data, Path):
                shutil.copy(data, name)
            else:
                Path(name).write_bytes(data)


class NearConnection(DistantConnection):
    """Ports there are the ports here: nothing is forwarded."""

    def __init__(self) -> None:
        self.name, self.line = "near", NearLine()  # type: ignore[assignment]
        self.forwarded: list[tuple[int, ...]] = []

    def held(self) -> frozenset[int]:
        """What listens there listens here, as if a tunnel did."""
        return frozenset(port for ports in self.forwarded for port in ports)

    def forward(self, ports: Sequence[int]) -> None:
        self.forwarded.append(tuple(ports))

    def close(self) -> None:
        pass


def near(folder: Path, swarm: str) -> tuple[World, Hand]:
    """A world whose swarm is on such a machine, and its hand; `folder/there` is what is brought to the machine."""
    clock, state = SystemClock(), folder / "state"
    world = World(clock, Ledger(state / "ledger.sqlite", clock), ModelStore(folder / "models"), state)
    base = str(folder / "there")
    host = asdict(NearLine.host)
    placed = Placed(swarm=swarm, host=host, prepared="process", runtime="process", base=base, python=sys.executable)
    world.put(placed)
    world._distant[swarm] = NearConnection()
    hand = world.hand(swarm)
    assert hand is not None
    return world, hand
