"""A machine that stands still is started again, or it is said why it cannot be and what that costs."""

import pytest

from fakes.hired import NEED, OWNER
from fakes.simulated import Simulation, simulation
from swarmctl.core.leasing.label import Label
from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.order import Order
from swarmctl.core.leasing.ranking import Choice, rank
from swarmctl.core.leasing.renting import Attempt
from swarmctl.core.leasing.state import LeaseState
from swarmctl.effects.providers.waiting import EVERY, await_running
from swarmctl.effects.providers.waking import HELD_UP, Waker
from swarmctl.errors import CapacityError, HostError, ProviderError


class Rental:
    """One machine that runs, of whoever waits. bid: it is one that can be taken away."""

    def __init__(self, faults: str = "", ttl: int = 8 * 3600) -> None:
        self.sim: Simulation = simulation(faults, machines=400)
        now = int(self.sim.time.now().timestamp())
        label, choice = Label("seven", OWNER, "1" * 8, now + ttl), self._choice()
        order = Order("docker.io/library/debian:12", 60, bid=choice.hourly)
        self.id = self.sim.vast.rent(Attempt(label.nonce, choice.offer.id), label, order).attempt.contracts[0]
        await_running(self.sim.vast, self.id, self.sim.time)
        self.told: list[str] = []
        self.waker = Waker(self.sim.vast, self.sim.time, self.told.append)

    def _choice(self) -> Choice:
        return rank(NEED, self.sim.vast.offers(NEED).offers).choices[0]

    def lease(self) -> Lease:
        found = self.sim.vast.lease(self.id)
        assert found is not None
        return found

    def awake(self) -> Lease:
        return self.waker.awake(self.lease(), "seven")


def test_one_that_runs_is_left_alone() -> None:
    rental = Rental()
    before, found = rental.sim.time.monotonic(), rental.lease()
    assert rental.waker.awake(found, "seven") is found
    assert rental.sim.time.monotonic() - before < EVERY, "nobody is asked, and nothing is waited for"
    assert rental.told == []


@pytest.mark.parametrize(
    ("what", "state"), [("outbid", LeaseState.OUTBID), ("exited", LeaseState.EXITED), ("ends", LeaseState.OUTBID)]
)
def test_one_that_stands_still_runs_again_with_the_same_number(what: str, state: LeaseState) -> None:
    rental = Rental()
    rental.sim.happens(rental.id, what)
    assert rental.lease().state is state
    found = rental.awake()
    assert (found.id, found.state) == (rental.id, LeaseState.RUNNING)
    assert rental.sim.billing() == [int(rental.id)]
    assert "it is started again" in rental.told[0]


def test_one_whose_time_is_over_is_not_started_to_be_ended_at_once() -> None:
    rental = Rental(ttl=3600)
    rental.sim.happens(rental.id, "outbid")
    rental.sim.time.sleep(3700)
    with pytest.raises(CapacityError, match="its time is over") as caught:
        rental.awake()
    assert caught.value.hint.startswith("swarmctl down --swarm seven")
    assert rental.lease().state is LeaseState.OUTBID


def test_one_whose_card_is_taken_is_waited_for_and_no_longer_than_said() -> None:
    rental = Rental("gpu-taken")
    rental.sim.happens(rental.id, "outbid")
    before = rental.sim.time.monotonic()
    with pytest.raises(CapacityError, match="its card is taken") as caught:
        rental.awake()
    assert HELD_UP <= rental.sim.time.monotonic() - before < HELD_UP + 60
    assert "what lies there is kept" in caught.value.detail


def test_without_credit_it_is_the_market_that_says_so() -> None:
    rental = Rental()
    rental.sim.happens(rental.id, "credit-spent")
    rental.sim.time.sleep(10)
    assert rental.lease().state is LeaseState.OUTBID, "a spot machine that was stopped; its words say why"
    assert "credit" in rental.lease().said
    with pytest.raises(ProviderError, match="no credit") as caught:
        rental.awake()
    assert caught.value.hint.startswith("add credit")


def test_one_of_which_nobody_hears_is_not_ordered_about() -> None:
    rental = Rental()
    rental.sim.happens(rental.id, "host-gone")
    rental.sim.time.sleep(130)
    assert rental.lease().state is LeaseState.OFFLINE
    with pytest.raises(HostError, match="hears nothing of machine"):
        rental.awake()
