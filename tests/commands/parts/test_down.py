"""The end of a swarm over several hosts: each part is tried, what is left is named and stays known until it is gone."""

from pathlib import Path
from typing import Any

import pytest

import swarmctl.commands.down as one_host
from swarmctl.commands.down import down
from swarmctl.commands.parts import down as story
from swarmctl.core.plan import Plan, Step, Verb
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.parts import members
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import HostError, LeakError, SwarmctlError


@pytest.fixture
def world(tmp_path: Path) -> World:
    clock = SystemClock()
    made = World(clock, Ledger(tmp_path / "ledger.sqlite", clock), ModelStore(tmp_path / "models", clock), tmp_path)
    members.write("team", ("desk", "cards"), made)
    return made


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> dict[str, SwarmctlError | None]:
    """How the end of each part goes; the order in which they were asked is the dict's."""
    outcome: dict[str, SwarmctlError | None] = {}
    asked: list[str] = []
    real = one_host.down

    def end(swarm: str, world: World, *, purge: bool = False, tell: Any = None) -> Plan:
        if swarm == "team":
            return real(swarm, world, purge=purge, tell=tell)
        asked.append(swarm)
        tell("ending")
        if (wrong := outcome.get(swarm)) is not None:
            raise wrong
        return Plan(swarm, steps=(Step(Verb.RELEASE, "slot-0/cpu", "relay", "runs"),))

    monkeypatch.setattr(one_host, "down", end)
    return outcome


def test_all_parts_end_and_nothing_is_known_of_it_after(world: World, ended: dict[str, SwarmctlError | None]) -> None:
    said: list[str] = []
    done = down("team", world, tell=said.append)
    assert said == ["desk: ending", "cards: ending"]
    assert [(s.where, s.subject) for s in done.steps] == [
        ("desk/cpu", "relay"), ("cards/cpu", "relay"), ("all slots", "switchboard"),
    ]  # fmt: skip
    assert members.slots("team", world) == ()
    assert not world.places("team").root.exists()


@pytest.mark.parametrize("first", [True, False])
def test_one_that_will_not_end_stops_no_other_and_stays_known(
    world: World, ended: dict[str, SwarmctlError | None], first: bool
) -> None:
    ended["team_desk" if first else "team_cards"] = HostError("gpu1 does not answer", detail="cable")
    said: list[str] = []
    with pytest.raises(HostError, match="gpu1 does not answer") as caught:
        down("team", world, tell=said.append)
    assert said == ["desk: ending", "cards: ending"]
    assert ("cards" if first else "desk") + ": nothing is left" in caught.value.detail
    assert caught.value.hint == "swarmctl down --swarm team"
    assert members.slots("team", world) == ("desk", "cards"), "another `down` finds it again"
    ended.clear()
    down("team", world)
    assert members.slots("team", world) == ()


def test_what_may_bill_is_worse_than_what_is_away(world: World, ended: dict[str, SwarmctlError | None]) -> None:
    ended |= {"team_desk": HostError("away"), "team_cards": LeakError("machine 7 may bill")}
    with pytest.raises(LeakError, match="machine 7 may bill"):
        down("team", world)


def test_a_swarm_whose_folder_is_lost_is_found_by_its_labels(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "labelled", lambda swarm: ("desk",) if swarm == "lost" else ())
    assert story.members("lost", world) == ("desk",)
    assert story.members("nothing", world) == ()
