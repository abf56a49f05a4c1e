"""The second watcher against the practice market: in virtual time, then as the program that is kept."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fakes.hired import NEED, order
from fakes.simulated import Simulation, simulation
from swarmctl.core.leasing.ranking import rank
from swarmctl.core.leasing.releasing import Result
from swarmctl.effects.hosts.watching import FILE, Watched, Watcher
from swarmctl.effects.notifying import Notifier, Notify
from swarmctl.effects.providers.here import lease_book
from swarmctl.effects.providers.hiring import Hiring, Wish
from swarmctl.errors import HostError

OWNER = "0123456789abcdef"
HOURS = 2 * 3600


class Home:
    """Somebody's computer with a machine for two hours, and a watcher that looks every thirty seconds."""

    def __init__(self, folder: Path, **terms: Any) -> None:
        self.sim: Simulation = simulation("", machines=60)
        self.book = lease_book(folder, self.sim.time)
        self.folder, self.said, self.saves = folder, list[str](), list[int]()
        self.trouble = ""
        self.expires = self.now() + HOURS
        hiring = Hiring(self.sim.vast, self.book, self.sim.time)
        choices = rank(NEED, self.sim.vast.offers(NEED).offers).choices
        self.lease = hiring.hire(Wish("seven", OWNER, self.expires), choices, order).lease
        self.began = self.now()
        self.one = Watched("seven", self.lease.id, self.expires, **terms)
        self.watcher = self.another()

    def another(self) -> Watcher:
        """One that knows nothing but the files."""
        notifier = Notifier(Notify(), self.folder / "told.json", self.said.append)
        return Watcher(self.sim.vast, self.book, self.sim.time, self.save, notifier, self.said.append)

    def save(self) -> int:
        if self.trouble:
            raise HostError(self.trouble)
        self.saves.append(self.now())
        return 1

    def now(self) -> int:
        return int(self.sim.time.monotonic())

    def faults(self, spec: str) -> None:
        with self.sim.market.world.turn():
            self.sim.market.world.set_rules(spec)

    def until(self, seconds: float) -> bool:
        """Look every thirty seconds until so long after the machine was had; whether it is over."""
        while self.now() < self.began + seconds:
            if self.watcher.look(self.one):
                return True
            self.sim.time.sleep(30)
        return False

    def told(self, word: str) -> list[str]:
        return [line for line in self.said if word in line]

    @property
    def bills(self) -> bool:
        return int(self.lease.id) in self.sim.billing()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_one_that_its_market_stopped_is_told_each_time_and_ended_when_its_time_is_over(home: Home) -> None:
    home.until(120)
    home.sim.vast.stop(home.lease.id)
    home.until(240)
    home.sim.vast.start(home.lease.id)
    home.until(600)
    home.sim.happens(home.lease.id, "credit-spent")
    assert home.until(HOURS + 600)
    first, second = home.told("what lies there is kept")
    assert ": stands still (stopped); its disk is paid" in first
    assert "stands still (credit exhausted)" in second
    assert not home.bills


def test_it_warns_twice_fetches_each_minute_and_ends_what_its_guard_did_not(home: Home) -> None:
    assert home.until(HOURS + 600)
    assert not home.bills
    assert home.now() <= home.expires + 90
    assert [line.split(" in ")[1].split(" by ")[0] for line in home.told("ends in")] == ["14m32s", "4m31s"]
    assert home.told("did not end by itself")
    assert home.told("it is gone, after about $")
    gaps = [b - a for a, b in zip(home.saves, home.saves[1:], strict=False)]
    assert max(gaps) <= 90
    assert home.saves[-1] >= home.expires, "the last fetch is just before the end"
    assert [one.attempt.stage.value for one in home.book.attempts()] == ["released"]


def test_a_machine_that_ended_by_itself_is_seen_to_be_gone(home: Home) -> None:
    home.until(600)
    home.sim.vast.release(home.lease.id)
    assert home.until(900)
    assert len(home.told("it is gone")) == 1
    assert not home.told("did not end")


def test_a_budget_ends_it_before_it_is_passed(tmp_path: Path) -> None:
    home = Home(tmp_path, budget="0.5")
    home.one = replace(home.one, budget=str((home.lease.hourly.known or Decimal(0)).quantize(Decimal("0.0001"))))
    assert home.until(HOURS)
    assert not home.bills
    assert home.now() - home.began < 3600
    assert home.told("by its budget, and it did not end")
    books = {str(one["id"]): Decimal(one["spent"]) for one in home.sim.market.books()["contracts"]}
    assert books[home.lease.id] <= Decimal(home.one.budget)
    assert [line.split(" % of")[0][-2:] for line in home.told("% of the budget")] == ["50", "80", "95"]


def test_a_budget_that_was_passed_unseen_ends_it_at_the_next_look(tmp_path: Path) -> None:
    home = Home(tmp_path, budget="0.1")
    home.sim.time.sleep(5400)
    assert home.watcher.look(home.one)
    assert not home.bills


def test_an_outage_of_the_market_ends_nothing_and_hides_nothing(home: Home) -> None:
    home.until(300)
    home.faults("listing-error")
    home.faults("listing-error,null-instance")
    assert not home.until(1500)
    assert home.bills
    home.faults("")
    assert not home.until(3000)
    assert home.bills
    assert not home.told("it is gone")


def test_a_later_end_in_the_label_is_believed(home: Home) -> None:
    assert home.lease.label is not None
    home.until(300)
    home.sim.vast.relabel(home.lease.id, home.lease.label.until(home.expires + 3600))
    assert not home.until(HOURS + 600)
    assert home.bills
    assert not home.told("ends in")
    assert home.until(HOURS + 4800)
    assert not home.bills


def test_what_cannot_be_ended_is_shouted_once_and_tried_again(home: Home) -> None:
    home.until(HOURS - 60)
    home.faults("forbidden:on=destroy,forbidden:on=state")
    home.until(HOURS + 1500)
    assert home.bills
    assert len(home.told("MAY STILL BILL")) == 1
    assert len(home.told("did not end by itself")) > 2
    home.faults("")
    assert home.until(HOURS + 4000)
    assert not home.bills


def test_results_that_cannot_be_fetched_are_said_when_the_end_is_near(home: Home) -> None:
    home.trouble = "the tunnel is down"
    home.until(3600)
    assert not home.told("cannot be fetched")
    home.until(HOURS - 600)
    assert len(home.told("cannot be fetched, and it ends soon: the tunnel is down")) == 1


def test_a_stopped_machine_that_was_to_be_stopped_is_left_alone(tmp_path: Path) -> None:
    home = Home(tmp_path, at_end="stop")
    home.until(HOURS - 120)
    assert home.sim.vast.stop(home.lease.id) is Result.DONE
    assert not home.until(HOURS + 900)
    assert home.sim.vast.lease(home.lease.id) is not None
    other = replace(home.one, at_end="destroy")
    assert home.watcher.look(other)
    assert home.sim.vast.lease(home.lease.id) is None


def test_a_watcher_that_starts_anew_repeats_nothing(home: Home) -> None:
    home.until(HOURS - 600)
    before = list(home.said)
    home.watcher = home.another()
    home.until(HOURS - 500)
    assert [line for line in home.said[len(before) :] if "safe here" not in line] == []


def test_one_that_slept_through_the_end_ends_it_at_once(home: Home) -> None:
    home.until(60)
    home.sim.time.sleep(HOURS)
    assert home.watcher.look(home.one)
    assert not home.bills


@pytest.mark.parametrize("change", [{"expires": "x"}, {"lease": 3}, {"budget": "much"}, {"notify": []}, {"more": 1}])
def test_a_file_that_makes_no_sense_has_nothing_watched(tmp_path: Path, change: dict[str, Any]) -> None:
    one = Watched("seven", "42", 5, "1.5", "stop", Notify("http://x", ("mail", "me")))
    one.write(tmp_path)
    assert Watched.read(tmp_path) == one
    (tmp_path / FILE).write_text(json.dumps({**json.loads((tmp_path / FILE).read_text()), **change}))
    assert Watched.read(tmp_path) is None


@pytest.mark.parametrize("text", ["", "[]", "3", "null", "\x00"])
def test_a_file_that_is_none_has_nothing_watched(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert Watched.read(tmp_path) is None
    assert Watched.read(tmp_path / "nowhere") is None
