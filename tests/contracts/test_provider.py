"""What every rental market must keep, whoever makes it; one maker a line in MAKERS."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from fakes.hired import NEED, OWNER, raw
from fakes.simulated import served, simulation
from fakes.tinymarket import Hours, TinyMarket
from swarmctl.core.leasing.label import Label
from swarmctl.core.leasing.order import Order
from swarmctl.core.leasing.ranking import Choice, rank
from swarmctl.core.leasing.releasing import Result
from swarmctl.core.leasing.renting import Attempt, Stage
from swarmctl.core.leasing.state import LeaseState
from swarmctl.effects.clock import Clock
from swarmctl.effects.providers.here import vast_over
from swarmctl.effects.providers.provider import Provider
from swarmctl.errors import ProviderError

pytestmark = pytest.mark.slow

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJvDWHPGZ2gYwP3nXKLGnjAdAcTjgDnMWsRFDWhXGKTc someone@somewhere"


@dataclass
class Made:
    """A provider with offers that NEED takes, and its clock."""

    provider: Provider
    clock: Clock

    def label(self, n: int = 1, swarm: str = "seven") -> Label:
        return Label(swarm, OWNER, f"{n:08x}", int(self.clock.now().timestamp()) + 3600)

    def choice(self) -> Choice:
        return rank(NEED, self.provider.offers(NEED).offers).choices[0]

    def rent(self, n: int = 1, swarm: str = "seven") -> str:
        attempt = Attempt(self.label(n, swarm).nonce, self.choice().offer.id)
        rented = self.provider.rent(attempt, self.label(n, swarm), Order("docker.io/library/debian:12", 60))
        assert rented.attempt.stage is Stage.HELD, rented
        return rented.attempt.contracts[0]


def tiny() -> Iterator[Made]:
    clock = Hours()
    yield Made(vast_over(TinyMarket(clock, [raw(n) for n in range(40)]), None, clock), clock)


def simulated() -> Iterator[Made]:
    world = simulation(machines=400)
    yield Made(world.vast, world.time)


def over_http() -> Iterator[Made]:
    with served() as world:
        yield Made(world.vast(), world.time)


MAKERS: dict[str, Callable[[], Iterator[Made]]] = {"tiny": tiny, "simulator": simulated, "http": over_http}


@pytest.fixture(params=MAKERS)
def made(request: Any) -> Iterator[Made]:
    yield from MAKERS[request.param]()


def test_offers_are_what_was_asked_for_and_looking_rents_nothing(made: Made) -> None:
    found = made.provider.offers(NEED)
    assert found.offers
    assert rank(NEED, found.offers).choices
    assert made.provider.leases() == ()


def test_a_machine_is_held_under_its_label_with_a_price_no_higher_than_its_offer(made: Made) -> None:
    choice = made.choice()
    id_ = made.rent()
    (held,) = made.provider.leases("swarmctl/")
    assert held.id == id_
    assert held.label == made.label()
    assert held.hourly.known is not None
    assert abs(held.hourly.known - choice.hourly) < Decimal("0.0001")
    assert made.provider.lease(id_) == held or made.provider.lease(id_) is not None


def test_a_prefix_finds_its_own_and_nothing_else(made: Made) -> None:
    one, other = made.rent(1), made.rent(2, "another")
    assert {lease.id for lease in made.provider.leases()} == {one, other}
    assert [lease.id for lease in made.provider.leases("swarmctl/another/")] == [other]
    assert made.provider.leases("swarmctl/anothe/") == ()


def test_more_machines_than_a_page_are_all_listed(made: Made) -> None:
    ids = {made.rent(n) for n in range(1, 31)}
    assert {lease.id for lease in made.provider.leases()} == ids


def test_an_offer_is_rented_once(made: Made) -> None:
    choice = made.choice()
    order = Order("docker.io/library/debian:12", 60)
    first = made.provider.rent(Attempt("0" * 8, choice.offer.id), made.label(), order)
    again = made.provider.rent(Attempt("1" * 8, choice.offer.id), made.label(2), order)
    assert (first.attempt.stage, again.attempt.stage) == (Stage.HELD, Stage.REFUSED)
    assert len(made.provider.leases()) == 1


def test_release_is_seen_to_be_true_and_may_be_called_twice(made: Made) -> None:
    id_ = made.rent()
    before = made.clock.monotonic()
    made.provider.release(id_)
    assert made.clock.monotonic() - before >= 5, "gone, and still gone five seconds later"
    assert made.provider.lease(id_) is None
    assert made.provider.leases() == ()
    made.provider.release(id_)


def test_releasing_one_leaves_the_others(made: Made) -> None:
    one, other = made.rent(1), made.rent(2)
    made.provider.release(one)
    assert [lease.id for lease in made.provider.leases()] == [other]


def test_a_machine_that_never_was_is_gone(made: Made) -> None:
    assert made.provider.lease("424242") is None
    assert made.provider.look("424242", thorough=True) is Result.GONE
    made.provider.release("424242")


def test_a_stopped_machine_is_still_held(made: Made) -> None:
    id_ = made.rent()
    assert made.provider.stop(id_) is Result.DONE
    lease = made.provider.lease(id_)
    assert lease is not None
    assert not lease.state.coming


def test_a_stopped_machine_may_be_started_again(made: Made) -> None:
    id_ = made.rent()
    made.provider.stop(id_)
    made.clock.sleep(30)
    made.provider.start(id_)
    made.clock.sleep(60)
    lease = made.provider.lease(id_)
    assert lease is not None
    assert lease.state is LeaseState.RUNNING
    with pytest.raises(ProviderError, match="starting machine 424242"):
        made.provider.start("424242")


def test_a_new_label_moves_the_expiry(made: Made) -> None:
    id_ = made.rent()
    later = made.label().until(made.label().expires + 7200)
    made.provider.relabel(id_, later)
    lease = made.provider.lease(id_)
    assert lease is not None
    assert lease.label == later


def test_a_public_key_is_added_once(made: Made) -> None:
    made.provider.add_key(KEY)
    made.provider.add_key(KEY + " and another comment")
    held = made.provider.keys()
    assert [key.body for key in held] == [" ".join(KEY.split()[:2])]


def test_the_account_says_what_is_left(made: Made) -> None:
    account = made.provider.account()
    assert account.id
    assert account.credit is not None
    assert account.credit > 0


def test_what_is_charged_is_told_by_machine_and_kind_also_after_its_end(made: Made) -> None:
    made.clock.sleep(7 * 3600)  # not at midnight: the day in which it begins counts whole
    began = made.clock.now().timestamp()
    id_, other = made.rent(1), made.rent(2)
    lease = made.provider.lease(id_)
    assert lease is not None
    made.clock.sleep(2 * 3600)
    made.provider.release(id_)
    ended = made.clock.now().timestamp()
    found = [one for one in made.provider.charges(int(began), int(ended) + 1) if one.lease == id_]
    assert {one.kind for one in found} >= {"gpu", "disk"}
    rate = {"gpu": lease.hourly.base, "disk": lease.hourly.storage}
    for one in found:
        price = rate[one.kind]
        assert price is not None
        assert Decimal(0) < one.amount <= price * Decimal("2.02") + Decimal("0.0005")
        assert one.label == str(made.label(1)) or one.label.startswith("swarmctl/seven/")
        assert one.since is not None
        assert one.until is not None
        assert began - 2 <= one.since < one.until <= ended + 2
    assert other in {one.lease for one in made.provider.charges(int(began), int(ended) + 1)}


def test_nothing_is_charged_before_anything_is_rented(made: Made) -> None:
    now = int(made.clock.now().timestamp())
    assert list(made.provider.charges(now - 86400, now)) == []
