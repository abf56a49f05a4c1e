"""`extend` against the practice market in this process: the label moves, is read back, and nothing else happens."""

from contextlib import nullcontext
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fakes.guarding import GUARD, Way
from fakes.guarding import Host as Guarded
from fakes.hired import NEED, order
from fakes.reached import closed_port, nobody
from fakes.simulated import Simulation, simulation
from swarmctl.commands.extend import Open, Ways, extend
from swarmctl.core.leasing.extending import Extension, Longer
from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.ranking import rank
from swarmctl.core.placed import Placed
from swarmctl.effects.hosts.guarding import terms_of
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.process import Completed
from swarmctl.effects.providers.here import lease_book
from swarmctl.effects.providers.hiring import Hiring, Wish
from swarmctl.effects.providers.owner import owner
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import CapacityError, HostError, ProviderError, SpecError

HOUR = 3600


@dataclass
class Renter:
    """Somebody with one machine for two hours."""

    sim: Simulation
    world: World
    lease: Lease
    reach: Open | None = None

    def hire(self, swarm: str) -> Lease:
        wish = Wish(swarm, owner(self.world.state), self.now() + 2 * HOUR)
        choices = rank(NEED, self.sim.vast.offers(NEED).offers).choices
        return (
            Hiring(self.sim.vast, lease_book(self.world.state, self.sim.time), self.sim.time)
            .hire(wish, choices, order)
            .lease
        )

    def now(self) -> int:
        return int(self.sim.time.monotonic())

    def extend(self, wish: Longer, yes: bool = True, **which: object) -> Extension | None:
        how: dict[str, object] = {"swarm": "seven"} | which
        return extend(self.world, wish, approve=lambda _: yes, ways=Ways(self.sim.vast, self.reach), **how)  # type: ignore[arg-type]

    def expires(self) -> int:
        held = self.sim.vast.lease(self.lease.id)
        assert held is not None
        assert held.label is not None
        return held.label.expires

    def faults(self, spec: str) -> None:
        with self.sim.market.world.turn():
            self.sim.market.world.set_rules(spec)


@pytest.fixture
def renter(tmp_path: Path) -> Renter:
    sim = simulation("", machines=60)
    world = World(sim.time, Ledger(tmp_path / "ledger.sqlite", sim.time), ModelStore(tmp_path / "m"), tmp_path)
    made = Renter(sim, world, None)  # type: ignore[arg-type]
    made.lease = made.hire("seven")
    return made


def test_the_label_at_the_market_and_the_ledger_say_the_new_end(renter: Renter) -> None:
    before = renter.expires()
    done = renter.extend(Longer(2 * HOUR, on_top=True, budget=Decimal(30)))
    assert done is not None
    assert renter.expires() == done.label.expires == before + 2 * HOUR
    book = lease_book(renter.world.state, renter.sim.time)
    assert [one.label.expires for one in book.attempts("seven")] == [before + 2 * HOUR]
    assert book.meter.budget(done.label.nonce) == 30
    assert renter.sim.billing() == [int(renter.lease.id)]


def test_a_swarm_over_several_hosts_means_the_machine_of_its_rented_slot(renter: Renter) -> None:
    part = renter.hire("team_cards")
    done = renter.extend(Longer(1 * HOUR, on_top=True), swarm="team")
    assert done is not None
    assert done.lease.id == part.id
    done = renter.extend(Longer(1 * HOUR, on_top=True), swarm="team_cards")
    assert done is not None
    assert done.lease.id == part.id
    with pytest.raises(SpecError, match="holds no rented machine"):
        renter.extend(Longer(1 * HOUR, on_top=True), swarm="cards")


def test_a_promised_budget_is_not_taken_back(renter: Renter) -> None:
    renter.extend(Longer(budget=Decimal(30)))
    with pytest.raises(SpecError, match="already"):
        renter.extend(Longer(budget=Decimal(20)))


def test_without_a_yes_nothing_changes(renter: Renter) -> None:
    before = renter.expires()
    assert renter.extend(Longer(9 * HOUR), yes=False) is None
    assert renter.expires() == before


def test_a_label_that_does_not_change_is_an_error_and_the_old_end_holds_in_the_ledger(renter: Renter) -> None:
    before = renter.expires()

    class Deaf:
        """A market that says yes to a label and keeps the old one."""

        def __getattr__(self, name: str) -> object:
            return (lambda *_: None) if name == "relabel" else getattr(renter.sim.vast, name)

    with pytest.raises(ProviderError, match="could not be shown"):
        extend(renter.world, Longer(9 * HOUR), approve=lambda _: True, swarm="seven", ways=Ways(Deaf()))  # type: ignore[arg-type]
    assert [one.label.expires for one in lease_book(renter.world.state, renter.sim.time).attempts()] == [before]


@pytest.mark.parametrize("fault", ["reset-after-accept", "502-after-accept", "garbage-json"])
def test_an_answer_that_is_lost_is_settled_by_reading_the_label(renter: Renter, fault: str) -> None:
    renter.faults(f"{fault}:on=state")
    done = renter.extend(Longer(9 * HOUR))
    assert done is not None
    assert renter.expires() == done.label.expires
    assert any(f"'{fault}'" in str(event) for event in renter.sim.market.events()), "the fault struck"


@pytest.mark.parametrize("fault", ["reset-before-accept", "503-before-accept", "success-false-200", "forbidden"])
def test_what_was_not_done_is_said_and_the_old_end_holds(renter: Renter, fault: str) -> None:
    before = renter.expires()
    renter.faults(f"{fault}:on=state")
    with pytest.raises(ProviderError, match="could not be shown"):
        renter.extend(Longer(9 * HOUR))
    assert renter.expires() == before
    assert [one.label.expires for one in lease_book(renter.world.state, renter.sim.time).attempts()] == [before]


def test_more_than_the_account_has_is_refused(renter: Renter) -> None:
    with pytest.raises(CapacityError, match="the account has"):
        renter.extend(Longer(100 * 86400))


def test_which_machine_is_meant_is_never_guessed(renter: Renter) -> None:
    other = renter.hire("another")
    with pytest.raises(SpecError, match="several machines"):
        renter.extend(Longer(9 * HOUR), swarm=None)
    with pytest.raises(SpecError, match="no rented machine"):
        renter.extend(Longer(9 * HOUR), swarm="third")
    with pytest.raises(SpecError, match="no machine 424242"):
        renter.extend(Longer(9 * HOUR), lease="424242")
    with pytest.raises(SpecError, match="no machine's number"):
        renter.extend(Longer(9 * HOUR), lease="../1")
    done = renter.extend(Longer(9 * HOUR), lease=other.id)
    assert done is not None
    assert done.label.swarm == "another"


def test_a_colleagues_machine_needs_a_word(renter: Renter) -> None:
    (renter.world.state / "owner").write_text("f" * 16)
    with pytest.raises(SpecError, match="another computer or folder"):
        renter.extend(Longer(9 * HOUR))
    before = renter.expires()
    with pytest.raises(HostError, match="cannot be reached from here"):
        renter.extend(Longer(9 * HOUR), any_owner=True)
    assert renter.expires() == before


def test_a_machine_of_nobody_of_ours_is_never_touched(renter: Renter) -> None:
    choice = rank(NEED, renter.sim.vast.offers(NEED).offers).choices[0]
    body = {"client_id": "me", "image": "docker.io/library/debian:12", "disk": 20, "label": "theirs", "env": {}}
    renter.sim.time.sleep(60)
    renter.sim.transport.send("PUT", f"/api/v0/asks/{choice.offer.id}/", {}, body)
    theirs = next(id_ for id_ in renter.sim.billing() if str(id_) != renter.lease.id)
    with pytest.raises(SpecError, match="not ours"):
        renter.extend(Longer(9 * HOUR), lease=str(theirs), any_owner=True)


class There:
    """The renter's machine with its guard, as far as a computer of ours can be one."""

    def __init__(self, renter: Renter, folder: Path) -> None:
        self.host = Guarded(folder, since=renter.now(), deadline=renter.expires(), budget=5_000_000)
        self.host.hands.wall_now = renter.now()
        self.host.arm(renter.now())
        self.way = Way(self.host)
        renter.reach = lambda _lease, _world: nullcontext(self.way)

    def limits(self) -> tuple[int, int]:
        found = terms_of(self.way)
        assert found is not None
        return found.terms.deadline, found.terms.budget


@pytest.mark.slow
def test_the_guard_on_the_machine_holds_the_new_end_too(renter: Renter, tmp_path: Path) -> None:
    there = There(renter, tmp_path / "host")
    done = renter.extend(Longer(2 * HOUR, on_top=True, budget=Decimal(30)))
    assert done is not None
    assert there.limits() == (done.label.expires, 30_000_000)
    assert renter.expires() == done.label.expires


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("word", ["arm", "show"])
def test_a_machine_that_cannot_be_reached_leaves_what_was_promised(
    renter: Renter, tmp_path: Path, word: str, after: bool
) -> None:
    there, before = There(renter, tmp_path / "host"), renter.expires()
    there.way.lost, there.way.after = word, after
    with pytest.raises(HostError, match="broke") as caught:
        renter.extend(Longer(9 * HOUR, budget=Decimal(30)))
    assert "may hold the new end" in caught.value.detail
    book = lease_book(renter.world.state, renter.sim.time)
    assert renter.expires() == before
    assert [one.label.expires for one in book.attempts("seven")] == [before]
    assert renter.lease.label is not None
    assert book.meter.budget(renter.lease.label.nonce) is None


@pytest.mark.slow
def test_a_market_that_does_not_take_the_label_leaves_the_guard_as_it_was(renter: Renter, tmp_path: Path) -> None:
    there = There(renter, tmp_path / "host")
    before = there.limits()
    renter.faults("forbidden:on=state")
    with pytest.raises(ProviderError, match="could not be shown") as caught:
        renter.extend(Longer(9 * HOUR))
    assert there.limits() == before
    assert "may hold the new end" not in caught.value.detail


@pytest.mark.slow
def test_a_guard_that_is_lost_half_way_is_said(renter: Renter, tmp_path: Path) -> None:
    there = There(renter, tmp_path / "host")
    arming = there.way.run

    def once(argv: list[str], **how: Any) -> Completed:
        done = arming(argv, **how)
        there.way.lost = "arm" if "show" in argv else ""
        return done

    there.way.run = once  # type: ignore[method-assign, assignment]
    renter.faults("forbidden:on=state")
    with pytest.raises(ProviderError) as caught:
        renter.extend(Longer(9 * HOUR))
    assert "the guard on the machine may hold the new end" in caught.value.detail


@pytest.mark.slow
def test_a_machine_without_a_guard_is_extended_at_the_market_alone(renter: Renter, tmp_path: Path) -> None:
    there = There(renter, tmp_path / "host")
    (tmp_path / "host" / GUARD.CONFIG).unlink()
    assert renter.extend(Longer(9 * HOUR)) is not None
    assert not [argv for argv in there.way.asked if "arm" in argv]


def test_a_machine_that_ssh_does_not_reach_keeps_its_end(renter: Renter, tmp_path: Path) -> None:
    before = renter.expires()
    host = asdict(nobody(tmp_path, closed_port()))
    renter.world.put(Placed(swarm="seven", host=host, lease=renter.lease.id, prepared="x"))
    with pytest.raises(HostError, match="refuses the connection"):
        renter.extend(Longer(9 * HOUR))
    assert renter.expires() == before
    renter.world.put(Placed(swarm="seven", host=host, lease="7"))
    assert renter.extend(Longer(9 * HOUR)) is not None, "its swarm is on another machine: nothing is on this one"
