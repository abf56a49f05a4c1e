"""The clock of this machine is set, by an hour or a year: nothing is called ill that is not, and ages say so."""

import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from fakes.baddays import Small, small
from fakes.grounded import stands
from swarmctl.commands.status import status
from swarmctl.console import Console
from swarmctl.console.swarms import show_status
from swarmctl.core.reconcile import reconcile
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.observe import observe
from swarmctl.effects.specs import open_spec
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=40)]
HOUR, YEAR = 3600.0, 365 * 86400.0


class Set(SystemClock):
    """A clock that was set by so many seconds; what counts from the boot goes on as before."""

    def __init__(self, seconds: float) -> None:
        self.by = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return super().now() + self.by


@pytest.fixture(scope="module")
def swarm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    stands("engine", "tiny", "bookworm", "ollama")
    home = tmp_path_factory.mktemp("person")
    with small(home, tmp_path_factory.mktemp("store"), keep_alive="30m") as made:
        made.up()
        yield made


def world(swarm: Small, seconds: float) -> World:
    """The person's machine as it is, with its clock set."""
    clock, state = Set(seconds), Path(swarm.person.env["XDG_STATE_HOME"]) / "swarmctl"
    models = ModelStore(Path(swarm.person.env["XDG_DATA_HOME"]) / "swarmctl" / "models")
    return World(clock, Ledger(state / "ledger.sqlite", clock), models, state)


@pytest.mark.parametrize("seconds", [HOUR, YEAR, -HOUR, -YEAR])
def test_a_clock_that_was_set(swarm: Small, seconds: float) -> None:
    there = world(swarm, seconds)
    seen = status(swarm.name, there)
    assert seen.faults == ()
    text = io.StringIO()
    show_status(Console(out=text), seen)
    first = text.getvalue().splitlines()[0]
    assert ("ahead: the clock was set back" in first) == (seconds < 0), first
    assert "1h" in first or "365d" in first or "364d" in first or "59m" in first, first
    given = open_spec(swarm.file)
    plan = reconcile(given.spec, observe(given, there))
    assert plan.refusals == ()
    # A server's date may say that a model sleeps later than it should: it is told again, which changes nothing else.
    assert [(step.verb.value, step.subject) for step in plan.steps if step.verb.value != "check"] == (
        [("load", "model-lead")] if seconds < 0 else []
    )


def test_a_look_after_the_clock_was_set_back_is_the_last_one(swarm: Small) -> None:
    """It is dated before the proofs, and yet it is newer."""
    swarm.types("check", "--look")
    path = swarm.state / "seen.json"
    assert path.exists()
    late = status(swarm.name, world(swarm, 0)).looked
    assert late is not None
    text = path.read_text()
    path.write_text(text.replace(late.at.isoformat()[:13], (late.at - timedelta(hours=2)).isoformat()[:13]))
    assert path.read_text() != text
    assert status(swarm.name, world(swarm, 0)).looked is not None
    swarm.types("check")
    assert status(swarm.name, world(swarm, 0)).looked is None, "proofs that asked are newer than any look before"
