"""`cost` for rented machines: burned while they run, explained to the cent once they are gone."""

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fakes.hired import NEED, order
from fakes.simulated import Simulation, simulation
from swarmctl.commands.cost import Cost, cost
from swarmctl.commands.leasecost import Machine
from swarmctl.console import Console
from swarmctl.console.swarms import show_cost
from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.ranking import rank
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.providers.here import lease_book
from swarmctl.effects.providers.hiring import Hiring, Wish
from swarmctl.effects.providers.owner import owner
from swarmctl.effects.providers.problems import UnknownError
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World

HOUR = 3600


@dataclass
class Payer:
    """Somebody who rents, and looks at the bill."""

    sim: Simulation
    world: World

    def hire(self, swarm: str = "seven") -> Lease:
        wish = Wish(swarm, owner(self.world.state), int(self.sim.time.monotonic()) + 8 * HOUR)
        choices = rank(NEED, self.sim.vast.offers(NEED).offers).choices
        book = lease_book(self.world.state, self.sim.time)
        return Hiring(self.sim.vast, book, self.sim.time).hire(wish, choices, order).lease

    def release(self, lease: Lease) -> None:
        self.sim.vast.release(lease.id)
        lease_book(self.world.state, self.sim.time).released(lease.id)

    def cost(self) -> Cost:
        return cost("seven", self.world, self.sim.vast)

    def one(self) -> Machine:
        (found,) = self.cost().machines
        return found

    def spent(self, lease: Lease) -> Decimal:
        books = self.sim.market.books()["contracts"]
        return Decimal(next(one for one in books if one["id"] == int(lease.id))["spent"])


def payer(folder: Path, **settings: Any) -> Payer:
    sim = simulation("", machines=60, **settings)
    return Payer(sim, World(sim.time, Ledger(folder / "ledger.sqlite", sim.time), ModelStore(folder / "m"), folder))


@pytest.fixture
def me(tmp_path: Path) -> Payer:
    return payer(tmp_path)


def test_what_is_burned_follows_the_markets_own_books(me: Payer) -> None:
    lease = me.hire()
    me.sim.time.sleep(2 * HOUR)
    found = me.one()
    assert found.state == "held"
    assert found.burned is not None
    assert abs(found.burned - me.spent(lease)) < Decimal("0.01") + (lease.hourly.known or 0) / 20, "loading counts"
    assert found.rate == pytest.approx(lease.hourly.known)
    assert (found.by, found.ends) == ("ttl", pytest.approx(me.sim.time.monotonic() + 6 * HOUR, abs=120))


def test_a_budget_says_when_it_ends(me: Payer) -> None:
    lease = me.hire()
    assert lease.label is not None
    assert lease.hourly.known is not None
    lease_book(me.world.state, me.sim.time).meter.promise(lease.label.nonce, lease.hourly.known * 3)
    me.sim.time.sleep(HOUR)
    found = me.one()
    assert found.by == "budget"
    assert found.ends == pytest.approx(me.sim.time.monotonic() + 2 * HOUR, abs=180)


@pytest.mark.parametrize("assume", ["no", "yes"])
@pytest.mark.parametrize("hours", [0.2, 1.5, 30])
def test_a_bill_is_explained_to_the_cent(tmp_path: Path, assume: str, hours: float) -> None:
    me = payer(tmp_path, assume={"charges-by-day": assume})
    me.sim.time.sleep(5 * HOUR)
    lease = me.hire()
    me.sim.time.sleep(hours * HOUR)
    me.release(lease)
    me.sim.time.sleep(50 * HOUR)
    found = me.one()
    assert found.state == "ended"
    assert found.bill is not None
    assert found.bill.to_the_cent, found.bill
    assert abs(found.bill.theirs - me.spent(lease)) < Decimal("0.003")
    assert found.burned == found.bill.theirs
    assert {part.name for part in found.bill.parts} == {"gpu", "disk"}


def test_traffic_is_the_markets_count_and_said_in_gigabytes(me: Payer) -> None:
    lease = me.hire()
    me.sim.time.sleep(HOUR)
    with me.sim.market.world.turn() as now:
        contract = me.sim.market.world.contracts[int(lease.id)]
        contract.down = contract.down or 10_000
        me.sim.market.world.moved(contract, now, 40 * 10**9, 0)
    me.one()  # sees the price of it
    me.release(lease)
    bill = me.one().bill
    assert bill is not None
    (part,) = [one for one in bill.parts if one.name == "download"]
    assert part.ours is None
    assert part.reason.startswith("40.0 GB at $")


def test_a_stop_between_is_seen_and_not_counted(me: Payer) -> None:
    lease = me.hire()
    me.sim.time.sleep(HOUR)
    me.sim.vast.stop(lease.id)
    me.sim.time.sleep(60)
    me.one()  # looks
    me.sim.time.sleep(9 * HOUR)
    me.release(lease)
    found = me.one()
    assert found.meter is not None
    assert found.meter.computing < 1.1 * HOUR
    assert found.meter.seconds > 10 * HOUR
    assert found.bill is not None
    assert found.bill.to_the_cent, found.bill


def test_charges_that_are_late_are_said_and_not_taken_for_the_bill(me: Payer) -> None:
    lease = me.hire()
    me.sim.time.sleep(0.5 * HOUR)
    me.release(lease)
    with me.sim.market.world.turn():
        me.sim.market.world.set_rules("charges-late")
    found = me.one()
    assert found.bill is not None
    assert not found.bill.to_the_cent
    assert "nothing is charged yet" in found.bill.parts[0].reason
    assert found.burned == found.meter.total if found.meter else False


def test_a_second_down_does_not_move_the_end(me: Payer) -> None:
    lease = me.hire()
    me.sim.time.sleep(HOUR)
    me.release(lease)
    ended = me.one().until
    me.sim.time.sleep(9 * HOUR)
    me.release(lease)
    assert me.one().until == ended
    assert me.one().burned == pytest.approx(me.spent(lease), abs=Decimal("0.003"))


def test_an_end_that_nobody_saw_is_the_markets_word(me: Payer) -> None:
    lease = me.hire()
    me.sim.time.sleep(HOUR)
    me.sim.vast.release(lease.id)  # its guard, or another computer
    ended = me.sim.time.monotonic()
    me.sim.time.sleep(9 * HOUR)
    found = me.one()
    assert found.state == "ended"
    assert "market's word" in found.why
    assert found.until == pytest.approx(ended, abs=15)
    assert found.bill is not None
    assert found.bill.to_the_cent, found.bill


def test_a_market_that_does_not_answer_leaves_our_own_account(me: Payer) -> None:
    me.hire()
    me.sim.time.sleep(HOUR)
    with me.sim.market.world.turn():
        me.sim.market.world.set_rules("listing-error")
    found = me.one()
    assert found.state == "unknown"
    assert found.burned is not None
    assert found.burned > 0
    assert found.why


def test_charges_that_may_not_be_read_are_said(me: Payer) -> None:
    lease = me.hire()
    me.release(lease)

    class Closed:
        """A key without billing_read."""

        def __getattr__(self, name: str) -> Any:
            return self.no if name == "charges" else getattr(me.sim.vast, name)

        def no(self, *_: int) -> None:
            raise UnknownError("listing results: the key does not allow this")

    (found,) = cost("seven", me.world, Closed()).machines  # type: ignore[arg-type]
    assert found.bill is None
    assert "does not show its charges" in found.why
    assert found.burned is not None


def test_another_computer_with_the_key_knows_what_a_swarm_costs(me: Payer, tmp_path: Path) -> None:
    me.hire()
    me.sim.time.sleep(HOUR)
    there = tmp_path / "there"
    far = World(me.sim.time, Ledger(there / "ledger.sqlite", me.sim.time), ModelStore(there / "m"), there)
    (found,) = cost("seven", far, me.sim.vast).machines
    assert found.state == "held"
    assert found.burned == pytest.approx(me.one().burned, abs=Decimal("0.001"))


def test_a_swarm_of_ones_own_machine_asks_nobody(me: Payer) -> None:
    class Silent:
        """Fails at any question."""

        def __getattr__(self, name: str) -> Any:
            pytest.fail(f"the market was asked for {name}")

    (me.world.state / "swarms" / "own").mkdir(parents=True)
    found = cost("own", me.world, Silent())  # type: ignore[arg-type]
    assert (found.machines, found.burned, found.rate) == ((), 0, 0)


def test_the_page_and_its_json_say_the_same(me: Payer, capsys: pytest.CaptureFixture[str]) -> None:
    kept = me.hire()
    me.sim.time.sleep(HOUR)
    me.release(kept)
    other = me.hire()
    me.sim.time.sleep(HOUR)
    found = me.cost()
    show_cost(Console(), found)
    page = capsys.readouterr().out
    assert "explained to the cent" in page
    assert "by its ttl" in page
    assert "your own machine" not in page
    show_cost(Console(as_json=True), found)
    told = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in told["machines"]] == [kept.id, other.id]
    parts = [Decimal(one["burned"]) for one in told["machines"]]
    assert abs(Decimal(told["burned"]) - sum(parts)) < Decimal("0.00001")
    assert told["machines"][0]["bill"][0]["charged"]


def test_the_rented_slot_of_several_hosts_is_paid_for_by_the_whole_swarm_also_when_that_is_down(me: Payer) -> None:
    lease = me.hire("seven_cards")
    me.sim.time.sleep(HOUR)
    assert me.one().id == lease.id
    me.release(lease)
    me.sim.time.sleep(HOUR)
    found = me.one()
    assert (found.id, found.state) == (lease.id, "ended")
    assert found.burned


def test_one_that_stands_still_costs_its_disk_and_is_said_to(me: Payer, capsys: pytest.CaptureFixture[str]) -> None:
    lease = me.hire()
    me.sim.time.sleep(HOUR)
    assert not me.one().still
    me.sim.vast.stop(lease.id)
    me.sim.time.sleep(60)
    found = me.one()
    assert found.still
    assert found.rate == lease.hourly.storage
    show_cost(Console(), me.cost())
    assert "held, stands still" in capsys.readouterr().out
    me.sim.vast.start(lease.id)
    me.sim.time.sleep(60)
    assert me.one().rate > found.rate
