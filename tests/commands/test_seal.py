"""`seal` is of containers: a swarm that is not up, runs as processes, or has no container, is told so."""

from pathlib import Path

import pytest

from fakes.grounded import stands
from swarmctl.commands.seal import seal
from swarmctl.core.record import SwarmRecord
from swarmctl.effects import files
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import HealthError, SpecError


def world(place: Path, runtime: str) -> World:
    """One in which the swarm `sealless` was brought up on a runtime."""
    clock = SystemClock()
    found = World(clock, Ledger(place / "ledger.sqlite", clock), ModelStore(place / "models"), place)
    raw = {"swarm": "sealless", "slot": "slot-0", "runtime": runtime, "services": [], "floor": 1.0, "test": None}
    files.write_json(found.places("sealless").record, SwarmRecord.model_validate(raw).model_dump(mode="json"))
    return found


def quiet(_: str) -> None:
    """Tells nobody."""


def test_one_that_is_not_up(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="is not up"):
        seal("another", world(tmp_path, "process"), tell=quiet)


def test_processes_are_not_sealed(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="runs as processes"):
        seal("sealless", world(tmp_path, "process"), tell=quiet)


@pytest.mark.ground
def test_no_container_is_no_seal(tmp_path: Path) -> None:
    stands("engine")
    with pytest.raises(HealthError, match="no container"):
        seal("sealless", world(tmp_path, "compose"), tell=quiet)
