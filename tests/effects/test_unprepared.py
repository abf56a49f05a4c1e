"""What a swarm's containers stand on is there, or it is said what is missing, before anything is made of it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from swarmctl.core.llamacpp import keys_file
from swarmctl.core.stack import Stack
from swarmctl.core.stacks import SLOT
from swarmctl.effects import files
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.observecompose import _unprepared
from swarmctl.effects.shell import HERE
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World


def test_keys_that_no_container_was_given_are_not_taken_for_a_prepared_swarm(tmp_path: Path) -> None:
    """A part of several hosts has its keys before it is prepared: what is left of an earlier one proves nothing."""
    clock = SystemClock()
    places = World(clock, Ledger(tmp_path / "l", clock), ModelStore(tmp_path / "m"), tmp_path).places("team_desk")
    runtime: Any = SimpleNamespace(volumes=list, networks=list)

    def missing() -> str:
        return _unprepared(Stack("team_desk", SLOT, "", ()), runtime, places, HERE)

    assert missing() == "no state of this swarm here"
    files.secret(places.agent_token)
    key = files.secret(places.engine_key)
    assert missing() == "its keys were never given to its containers"
    files.write(Path(keys_file(str(places.engine_key))), f"{key}\n")
    assert missing() == "its models' volume is gone"
