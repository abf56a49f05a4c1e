"""Why a machine is not reached, asked of its market: in time, written down for the bill, and true where it is gone."""

import subprocess
import threading
from pathlib import Path

import pytest

from fakes.hired import NEED, OWNER
from fakes.simulated import Simulation, simulation
from swarmctl.core.leasing.label import Label
from swarmctl.core.leasing.order import Order
from swarmctl.core.leasing.ranking import rank
from swarmctl.core.leasing.renting import Attempt
from swarmctl.core.placed import Placed
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.providers import whereabouts as module
from swarmctl.effects.providers.here import lease_book
from swarmctl.effects.providers.vast import Vast
from swarmctl.effects.providers.waiting import await_running
from swarmctl.effects.providers.whereabouts import whereabouts
from swarmctl.effects.saving import repository
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import ProviderError


class Placing:
    """A swarm on a spot machine that runs."""

    def __init__(self, folder: Path) -> None:
        self.sim: Simulation = simulation(machines=400)
        self.world = World(self.sim.time, Ledger(folder / "l.sqlite", self.sim.time), ModelStore(folder / "m"), folder)
        label = Label("team", OWNER, "1" * 8, int(self.sim.time.now().timestamp()) + 8 * 3600)
        choice = rank(NEED, self.sim.vast.offers(NEED).offers).choices[0]
        order = Order("docker.io/library/debian:12", 60, bid=choice.hourly)
        self.id = self.sim.vast.rent(Attempt(label.nonce, choice.offer.id), label, order).attempt.contracts[0]
        await_running(self.sim.vast, self.id, self.sim.time)
        self.world.put(Placed(swarm="team", host={"name": "slot-0", "address": "a.b"}, lease=self.id))

    def says(self) -> str:
        return whereabouts("team", self.world, self.sim.vast)


def test_a_swarm_that_is_on_no_rented_machine_has_none(tmp_path: Path) -> None:
    one = Placing(tmp_path)
    assert whereabouts("other", one.world, one.sim.vast) == ""
    one.world.put(Placed(swarm="team", host={"name": "box", "address": "a.b"}))
    assert one.says() == ""


def test_one_that_was_outbid_is_told_and_counted_as_standing_still(tmp_path: Path) -> None:
    one = Placing(tmp_path)
    assert "only the way there is broken" in one.says()
    one.sim.happens(one.id, "outbid")
    assert f"machine {one.id} was outbid" in one.says()
    seen = lease_book(one.world.state, one.world.clock).meter.sightings(one.id)
    assert [sight.computes for sight in seen] == [True, False]


def test_one_that_is_gone_is_said_to_be_with_what_was_fetched_in_time(tmp_path: Path) -> None:
    one = Placing(tmp_path)
    one.sim.happens(one.id, "expired")
    assert one.says().endswith("clears what is left here"), "nothing was fetched"
    folder = repository(one.world, "team")
    made = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder)]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"], ["branch", "swarm/1"]):
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([*made, *words], check=True, capture_output=True)
    (folder / ".git").rename(tmp_path / "bare")
    folder.rmdir()
    (tmp_path / "bare").rename(folder)
    one.world.places("team").git_config.parent.mkdir(parents=True)
    one.world.places("team").git_config.touch()
    assert one.says().endswith(f"; branches of 1 runs are safe in {folder}")


def test_one_whose_number_is_unknown_while_it_is_listed_is_not_said_to_be_gone(tmp_path: Path) -> None:
    one = Placing(tmp_path)
    one.sim.market.world.set_rules("null-instance")
    assert "disagree" in one.says()
    assert "lost" not in one.says()


def test_a_market_that_fails_or_is_slow_ends_no_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Placing(tmp_path)

    def fails(_self: Vast, _id: str) -> None:
        raise ProviderError("the key is not valid")

    monkeypatch.setattr(Vast, "lease", fails)
    assert one.says() == (
        f"whether machine {one.id} runs is not known: its market: the key is not valid; `swarmctl orphans` asks again"
    )
    free = threading.Event()

    def late(_self: Vast, _id: str) -> None:
        free.wait(20)
        raise ProviderError("too late")

    monkeypatch.setattr(Vast, "lease", late)
    monkeypatch.setattr(module, "SECONDS", 0.1)
    assert "it did not answer in 0 s" in one.says()
    free.set()
