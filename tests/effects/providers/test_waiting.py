"""Waiting for a machine: as long as it makes progress, and never for what will not come."""

import pytest

from fakes.hired import NEED, order
from fakes.simulated import Simulation, simulation
from fakes.tinymarket import Hours, TinyMarket, lost, on, says
from swarmctl.core.leasing.label import Label
from swarmctl.core.leasing.ranking import rank
from swarmctl.core.leasing.renting import Attempt
from swarmctl.effects.providers.here import vast_over
from swarmctl.effects.providers.waiting import NoUseError, await_running


def rented(sim: Simulation) -> str:
    choice = rank(NEED, sim.vast.offers(NEED).offers).choices[0]
    label = Label("seven", "0" * 16, "1" * 16, int(sim.time.monotonic()) + 10**5)
    return sim.vast.rent(Attempt("1" * 16, choice.offer.id), label, order(choice)).attempt.contracts[0]


def test_a_machine_is_followed_until_it_can_be_reached() -> None:
    sim, told = simulation(machines=100), []
    lease = await_running(sim.vast, rented(sim), sim.time, told.append)
    assert lease.addresses[0].kind == "direct"
    assert told[0] == "scheduling"
    assert told[-1].startswith("running")
    assert any(line.startswith("loading") for line in told)


@pytest.mark.parametrize(
    ("fault", "words", "most"),
    [
        ("stuck-loading", "without a change", 1800),
        ("oci-error", "cannot start there", 900),
        ("starts-stopped", "scheduling for", 300),
        ("host-gone:after=20", "without a change", 1200),
        ("ports-late:seconds=100000", "no port of it", 2000),
        ("credit-spent:after=5", "stopped", 300),
    ],
)
def test_what_will_not_come_is_given_up_with_its_reason(fault: str, words: str, most: float) -> None:
    sim = simulation(fault, machines=100)
    id_ = rented(sim)
    began = sim.time.monotonic()
    with pytest.raises(NoUseError, match=words) as e:
        await_running(sim.vast, id_, sim.time)
    assert id_ in e.value.hint
    assert sim.time.monotonic() - began <= most


@pytest.mark.parametrize("fault", ["slow-loading", "ports-late", "null-instance:once", "empty-listing:once"])
def test_what_is_only_late_is_waited_for(fault: str) -> None:
    sim = simulation(fault, machines=100)
    assert await_running(sim.vast, rented(sim), sim.time).addresses


def test_a_market_that_is_silent_is_waited_for_and_not_for_ever() -> None:
    market = TinyMarket(Hours())
    market.spoil = lost
    with pytest.raises(NoUseError, match="did not come up"):
        await_running(vast_over(market, None, market.clock), "5", market.clock)
    assert 3600 <= market.clock.seconds < 4000


def test_a_machine_that_is_gone_is_not_waited_for() -> None:
    market = TinyMarket(Hours())
    with pytest.raises(NoUseError, match="is gone"):
        await_running(vast_over(market, None, market.clock), "5", market.clock)
    market.spoil = on("GET", "/api/v1/", says(500, ""))
    with pytest.raises(NoUseError, match="did not come up"):
        await_running(vast_over(market, None, market.clock), "5", market.clock)
