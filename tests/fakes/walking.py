"""A conversion in a process of its own, for tests that kill it."""

import sys
from pathlib import Path

from swarmctl.commands.convert import Wish, convert, decide
from swarmctl.commands.convertible import named
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World


def main(folder: Path, source: str) -> None:
    """Two quantisations of one model."""
    clock = SystemClock()
    world = World(clock, Ledger(folder / "ledger.sqlite", clock), ModelStore(folder / "models"), folder / "state")
    decided = decide(named([source], ("Q4_K_M", "Q8_0")), Wish(certify=False), world)
    convert(decided, world, lambda _event: None).check()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
