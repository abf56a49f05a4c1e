"""Which parts there are is told by what was written and by what is found; keys are the same on each."""

from pathlib import Path

import pytest

from core.parts.test_together import PARTS
from swarmctl.commands.which import name as meant
from swarmctl.effects import files
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.parts import members
from swarmctl.effects.parts.keys import share
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import SpecError

SLOTS = ("desk", "cards")


@pytest.fixture
def world(tmp_path: Path) -> World:
    clock = SystemClock()
    return World(clock, Ledger(tmp_path / "ledger.sqlite", clock), ModelStore(tmp_path / "models", clock), tmp_path)


def up(world: World, *slots: str) -> None:
    for slot in slots:
        part = PARTS[slot]
        files.write_json(world.places(part.swarm).record, part.model_dump(mode="json"))


def test_every_part_has_the_same_keys_and_none_is_made_twice(world: World) -> None:
    share("team", SLOTS, world)
    token = files.secret(world.places("team").agent_token)
    for part in ("team_desk", "team_cards"):
        assert files.secret(world.places(part).agent_token) == token
        assert files.secret(world.places(part).engine_key) == files.secret(world.places("team").engine_key)
    assert token in world.places("team").git_config.read_text()
    for part in ("team", "team_desk"):
        world.places(part).agent_token.unlink()
    share("team", SLOTS, world)
    assert files.secret(world.places("team").agent_token) == token, "what a part has is taken where all else is lost"


def test_slots_are_those_that_were_written_and_those_that_are_found(world: World) -> None:
    assert members.slots("team", world) == ()
    up(world, "cards")
    assert members.slots("team", world) == ("cards",), "the swarm's own folder is lost"
    members.write("team", SLOTS, world)
    assert members.slots("team", world) == SLOTS
    (world.state / "swarms" / "team_old_trial").mkdir(parents=True)
    (world.state / "swarms" / "teams_far").mkdir()
    assert members.slots("team", world) == SLOTS
    assert members.slots("team_desk", world) == ()
    files.write(world.places("team").root / members.FILE, "[1, {}]")
    assert members.slots("team", world) == ("cards",)


def test_the_whole_is_remembered_as_its_parts_are(world: World) -> None:
    assert members.remember("team", world) == {}
    assert world.record("team") is None
    members.write("team", SLOTS, world)
    up(world, "cards", "desk")
    assert set(members.remember("team", world)) == set(SLOTS)
    assert world.require("team").roles == ("orchestrator", "backend")


def test_the_one_swarm_that_is_here_is_the_whole_one(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    up(world, "cards", "desk")
    assert meant(None, None, world) == "team"
    files.write(world.places("other").record, "{}")
    with pytest.raises(SpecError, match="other, team"):
        meant(None, None, world)
