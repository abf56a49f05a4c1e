"""A rented host for a swarm: one yes, one machine, and whatever goes wrong before it is ready, nothing that bills.

Over 300 lines: one story of renting, told with every way in which it breaks off.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from fakes.simulated import Simulation, simulation
from swarmctl import assets
from swarmctl.commands import hiring, rejoining
from swarmctl.core.hosts import Host
from swarmctl.core.leasing.lease import Address
from swarmctl.core.leasing.promise import Promise
from swarmctl.core.leasing.ranking import Choice, Ranked
from swarmctl.core.placed import Placed
from swarmctl.core.specfile import Override
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.providers.here import lease_book
from swarmctl.effects.specs import Opened, open_spec
from swarmctl.effects.store import ModelStore
from swarmctl.effects.timeline import Timeline
from swarmctl.effects.world import World
from swarmctl.errors import CapacityError, DeployError, LockedError, ProviderError

Prepare = Callable[[int], None]


@dataclass
class Renter:
    """Somebody who rents. prepared: numbers of the machines that came so far; told: what was said."""

    sim: Simulation
    world: World
    opened: Opened
    patch: pytest.MonkeyPatch
    asked: list[Promise] = field(default_factory=list)
    prepared: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def rents(self, prepare: Prepare = lambda _: None, *, yes: bool = True, adopt: bool = False) -> bool:
        """One `up`, to where the machine is ready. prepare: is given how many came before."""

        def ready(me: object, lease: object, *_: object) -> None:
            self.prepared.append(lease.id)  # type: ignore[attr-defined]
            prepare(len(self.prepared) - 1)
            there = lease.addresses[0]  # type: ignore[attr-defined]
            host = {"name": "slot-0", "address": there.host, "port": there.port}
            self.world.put(Placed(swarm="seven", host=host, lease=lease.id, prepared="1"))  # type: ignore[attr-defined]

        def approve(_: Choice, given: Promise, __: Ranked) -> bool:
            self.asked.append(given)
            return yes

        self.patch.setattr(hiring, "_prepare", ready)
        market = self.sim.vast
        line = Timeline(self.world.clock)
        return hiring.hired(
            self.opened, self.world, approve=approve, say=self.told.append, line=line, adopt=adopt, market=market
        )

    def elsewhere(self, folder: Path) -> "Renter":
        """A colleague with the same account, on another computer."""
        return Renter(self.sim, _world(folder, self.sim), self.opened, self.patch)


def _world(folder: Path, sim: Simulation) -> World:
    return World(sim.time, Ledger(folder / "ledger.sqlite", sim.time), ModelStore(folder / "models"), folder)


@pytest.fixture
def renter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Renter:
    return _renter(tmp_path, monkeypatch, "")


def _renter(folder: Path, patch: pytest.MonkeyPatch, faults: str) -> Renter:
    sim = simulation(faults, seed=5, folder=folder)
    flags = [
        Override(("target", "vast", "gpu"), "a100", "--gpu"),
        Override(("target", "vast", "budget"), 25, "--budget"),
    ]
    opened = open_spec(assets.root() / "inventory" / "swarms" / "seven.yml", flags)
    patch.setattr(rejoining, "docker_answers", lambda _: True)
    patch.setattr(hiring, "watch", lambda *_: None)
    patch.setattr(hiring, "give_back", lambda lease, _swarm, world, market: _given_back(lease, world, market))
    return Renter(sim, _world(folder, sim), opened, patch)


def _given_back(lease: str, world: World, market: object) -> None:
    market.release(lease)  # type: ignore[attr-defined]
    lease_book(world.state, world.clock).released(lease)


def test_a_yes_rents_one_machine_within_what_was_promised(renter: Renter) -> None:
    assert renter.rents()
    (given,) = renter.asked
    assert given.ttl == 8 * 3600
    assert given.budget == 25
    (lease,) = renter.sim.vast.leases("swarmctl/seven/")
    assert renter.sim.billing() == [int(lease.id)]
    assert lease.label is not None
    book = lease_book(renter.world.state, renter.world.clock)
    assert book.meter.budget(lease.label.nonce) == given.budget
    assert renter.rents()
    assert len(renter.asked) == len(renter.prepared) == 1, "a second up asks and does nothing"


def test_a_dearer_machine_than_the_yes_was_for_is_not_taken(renter: Renter) -> None:
    target = [
        Override(("target", "vast", "budget"), 1, "--budget"),
        Override(("target", "vast", "gpu"), "a100", "--gpu"),
    ]
    renter.opened = open_spec(assets.root() / "inventory" / "swarms" / "seven.yml", target)

    def fails(_: int) -> None:
        raise DeployError("the card is not there")

    with pytest.raises(CapacityError, match="none of 1 rented machines"):
        renter.rents(fails)
    assert renter.sim.billing() == []


def test_where_nobody_names_a_budget_it_is_the_whole_time_and_a_quarter_more(renter: Renter) -> None:
    target = [Override(("target", "vast", "gpu"), "a100", "--gpu")]
    renter.opened = open_spec(assets.root() / "inventory" / "swarms" / "seven.yml", target)
    renter.rents(yes=False)
    (given,) = renter.asked
    assert given.hourly * 8 < given.budget < given.hourly * 12


def test_without_a_yes_nothing_is_rented(renter: Renter) -> None:
    assert not renter.rents(yes=False)
    assert renter.sim.billing() == []
    assert renter.prepared == []


def test_a_machine_that_cannot_be_prepared_is_given_back_and_another_one_taken(renter: Renter) -> None:
    def first_fails(before: int) -> None:
        if not before:
            raise DeployError("no space left on it")

    assert renter.rents(first_fails)
    assert len(renter.prepared) == 2
    assert renter.sim.billing() == [int(renter.prepared[1])]
    assert any("no space left on it; it is given back" in line for line in renter.told)
    shunned = lease_book(renter.world.state, renter.world.clock).shunned()
    assert "no space left on it" in shunned.values()
    assert len(renter.asked) == 1, "the yes holds for the next offer, too"


def test_after_three_that_are_of_no_use_it_is_said_and_nothing_bills(renter: Renter) -> None:
    def fails(_: int) -> None:
        raise DeployError("the card is not there")

    with pytest.raises(CapacityError, match="none of 3 rented machines") as caught:
        renter.rents(fails)
    assert caught.value.detail.count("the card is not there") == 3
    assert renter.sim.billing() == []


@pytest.mark.parametrize("end", [KeyboardInterrupt, RuntimeError])
def test_what_breaks_it_off_gives_the_machine_back(renter: Renter, end: type[BaseException]) -> None:
    def broken_off(_: int) -> None:
        raise end

    with pytest.raises(end):
        renter.rents(broken_off)
    assert renter.sim.billing() == []


def test_after_a_crash_the_same_machine_is_gone_on_with(renter: Renter) -> None:
    class Killed(BaseException):
        pass

    def killed(_: int) -> None:
        renter.patch.setattr(hiring, "give_back", lambda *_: None)
        raise Killed

    with pytest.raises(Killed):
        renter.rents(killed)
    assert len(renter.sim.billing()) == 1
    assert renter.rents()
    assert renter.prepared[0] == renter.prepared[1]
    assert len(renter.sim.billing()) == len(renter.asked) == 1


def test_a_colleague_s_machine_is_left_alone_unless_it_is_adopted(renter: Renter, tmp_path: Path) -> None:
    assert renter.rents()
    other = renter.elsewhere(tmp_path / "other")
    with pytest.raises(LockedError, match="rented from another computer"):
        other.rents()
    assert other.asked == []

    def fails(_: int) -> None:
        raise DeployError("SSH lets nobody in")

    with pytest.raises(DeployError):
        other.rents(fails, adopt=True)
    assert len(renter.sim.billing()) == 1, "what somebody else rented is not given back"
    assert other.rents(adopt=True)
    assert other.prepared[-1] == renter.prepared[0]


def changed(renter: Renter, name: str, value: object) -> None:
    """The file says so from now on."""
    spec = renter.opened.spec
    assert spec.target.vast is not None
    raw = spec.target.vast.model_dump(mode="json", exclude_unset=True) | {name: value}
    vast = type(spec.target.vast).model_validate(raw)
    target = spec.target.model_copy(update={"vast": vast})
    renter.opened = replace(renter.opened, spec=spec.model_copy(update={"target": target}))


def test_a_changed_file_is_brought_to_the_machine_once(renter: Renter, tmp_path: Path) -> None:
    assert renter.rents()
    changed(renter, "idle", 3600)
    assert renter.rents()
    assert len(renter.prepared) == 2
    assert renter.told[-1] == f"idle: changed; machine {renter.prepared[0]} is told"

    key = tmp_path / "key"
    key.write_text("first\n")
    key.chmod(0o600)
    changed(renter, "save", {"remote": "git@127.0.0.1:results.git", "key": str(key)})
    assert renter.rents()
    assert renter.rents()
    assert len(renter.prepared) == 3, "and a further up does nothing"
    key.write_text("second\n")
    assert renter.rents()
    assert len(renter.prepared) == 4, "another key is another wish"
    assert "first" not in renter.world.places("seven").host.read_text()
    assert len(renter.asked) == len(renter.sim.billing()) == 1


def test_a_guard_of_a_colleague_is_not_told(renter: Renter, tmp_path: Path) -> None:
    assert renter.rents()
    other = renter.elsewhere(tmp_path / "other")
    assert other.rents(adopt=True)
    changed(other, "idle", 3600)
    assert other.rents()
    assert other.told[-1].endswith("takes that only from the computer that rented it")
    assert len(other.prepared) == 1


def test_what_costs_money_is_said_and_not_done(renter: Renter) -> None:
    assert renter.rents()
    changed(renter, "ttl", 3600)
    assert renter.rents()
    (lease,) = renter.prepared
    assert any(line.endswith(f"swarmctl extend --lease {lease} --ttl 3600s") for line in renter.told)
    renter.told.clear()
    assert renter.rents()
    assert not any("extend" in line for line in renter.told), "it was said"


def test_a_machine_that_ended_by_itself_is_started_again_and_no_second_one_rented(renter: Renter) -> None:
    assert renter.rents()
    (lease,) = renter.sim.vast.leases("swarmctl/seven/")
    renter.sim.happens(lease.id, "exited")
    waited: list[str] = []

    def reach(host: Host, addresses: Callable[[], Sequence[Address]], *_: object, **__: object) -> SimpleNamespace:
        waited.append(addresses()[0].host)
        return SimpleNamespace(line=SimpleNamespace(host=host, close=lambda: None))

    renter.patch.setattr(rejoining, "reach", reach)
    assert renter.rents()
    assert len(waited) == 1, "until SSH lets somebody in again"
    assert renter.sim.billing() == [int(lease.id)]
    assert any("it is started again" in line for line in renter.told)
    assert len(renter.asked) == len(renter.prepared) == 1
    seen = lease_book(renter.world.state, renter.world.clock).meter.sightings(lease.id)
    assert seen[-1].computes


def test_after_one_that_is_gone_another_is_rented_with_a_yes_of_its_own(renter: Renter) -> None:
    assert renter.rents()
    (lease,) = renter.sim.vast.leases("swarmctl/seven/")
    renter.sim.happens(lease.id, "expired")
    assert renter.rents()
    assert len(renter.asked) == 2
    assert any(f"has no machine {lease.id} any more" in line and "is lost" in line for line in renter.told)
    (other,) = renter.sim.vast.leases("swarmctl/seven/")
    assert other.id != lease.id
    assert renter.sim.billing() == [int(other.id)]


def test_a_listing_that_hides_an_adopted_machine_rents_no_second_one(renter: Renter, tmp_path: Path) -> None:
    """It is in nobody's ledger here: its number alone tells."""
    assert renter.rents()
    other = renter.elsewhere(tmp_path / "other")
    assert other.rents(adopt=True)
    with renter.sim.market.world.turn():
        renter.sim.market.world.set_rules("empty-listing")
    with pytest.raises(ProviderError, match="is not known"):
        other.rents()
    assert len(renter.sim.billing()) == 1
    assert other.asked == []


def test_no_offer_that_will_do_is_said_with_what_took_them(renter: Renter) -> None:
    dear = Override(("target", "vast", "max_price"), 0.01, "--max-price")
    renter.opened = open_spec(assets.root() / "inventory" / "swarms" / "seven.yml", [dear])
    with pytest.raises(CapacityError, match="no offer will do") as caught:
        renter.rents()
    assert "price" in caught.value.detail
    assert renter.asked == []
