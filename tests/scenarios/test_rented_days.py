"""Days in the life of a rented container: a colleague takes it over, its cable is cut, its market takes it away."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fakes.distant import branch_of_a_run, processes
from fakes.grounded import docker
from fakes.person import Person, git
from fakes.practice import Process
from fakes.rentals import books, containers, guest, happens, held
from swarmctl.effects.hosts.holding import HELD
from swarmctl.effects.process import run
from swarmctl.errors import HealthError, LockedError, ProviderError

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=150)]
TASK = "Write greet.py with a function greet(name) that returns 'Hello, ' + name"
GUARD = "/usr/local/lib/swarmctl/guard"
SEEN = 30.0
"""Seconds."""
SPOT = {"vast": {"gpu": "a100", "spot": True}}
LIMITS = {"output": 512, "requests": 10, "time": "10m"}


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Process]:
    with containers(tmp_path, 77) as running:
        yield running


@pytest.fixture
def renter(someone: Callable[[], Person], market: Process) -> Iterator[Person]:
    person = someone()
    person.env.update(market.env)
    yield person
    person.start("down", "--swarm", "team").communicate(timeout=120)  # where the story broke off


@pytest.fixture
def colleague(someone: Callable[[], Person], market: Process) -> Iterator[Person]:
    """Another computer with the same key."""
    person = someone()
    person.env.update(market.env)
    yield person
    person.start("down", "--swarm", "team").communicate(timeout=120)


def test_a_colleague_adopts_a_container_extends_it_and_mends_its_way(
    renter: Person, colleague: Person, market: Process, repository: Path
) -> None:
    for person in (renter, colleague):
        processes(person.home, {"vast": {"gpu": "a100", "ttl": "2h", "budget": 40}})
    renter.types("up", "--yes", timeout=600)
    (rental,) = held(market)
    before = _guard(rental)

    refused = colleague.types("up", "--yes", expect=LockedError.exit_code).stderr
    assert "swarmctl up --adopt" in refused
    running = _running(renter)
    renter.sleeps()  # both are this machine here
    said = colleague.types("up", "--adopt", "--yes", timeout=600).stderr
    assert f"goes on with machine {rental['id']}" in said
    assert "it goes on with the keys and ports that are there" in said
    assert _running(colleague) == running, "nothing was begun anew"
    colleague.sleeps()
    assert renter.reads("status", "--swarm", "team")["faults"] == [], "and whoever rented it still reaches it"
    renter.sleeps()
    assert "its guard is there already" in said
    assert [one["id"] for one in held(market)] == [rental["id"]]
    assert _guard(rental)["ends"] == pytest.approx(before["ends"], abs=2), "what was promised holds"
    assert colleague.reads("status", "--swarm", "team")["faults"] == []
    branch = branch_of_a_run(colleague, repository, TASK)
    assert "greet.py" in git(repository, "ls-tree", "-r", "--name-only", branch)

    _extended(renter, rental)
    _a_cut_cable_is_seen_and_mended(colleague, rental)
    (cost,) = renter.reads("cost", "--swarm", "team")["machines"]
    assert cost["state"] == "held"
    assert Decimal(cost["budget"]) == 50

    colleague.types("down", "--swarm", "team")
    assert books(market)["billing"] == []
    assert [file for file in colleague.left() if file.startswith("swarms")] == []
    assert renter.reads("orphans")["machines"] == []


def _running(person: Person) -> dict[str, tuple[int, int]]:
    """Process and port of every service."""
    return {one["name"]: (one["pid"], one["port"]) for one in person.reads("status", "--swarm", "team")["services"]}


def test_a_container_that_its_market_took_away_is_started_again_or_given_up(renter: Person, market: Process) -> None:
    processes(renter.home, SPOT, limits={**LIMITS, "floor": 1_000_000})
    assert "whoever bids more takes it away" in renter.types("plan").stderr
    failed = renter.types("up", "--yes", expect=HealthError.exit_code, timeout=600).stderr
    assert "is held for 15 minutes" in failed
    (rental,) = held(market)
    id_, looked = rental["id"], _guard(rental)
    assert looked["ends"] - looked["now"] <= HELD
    processes(renter.home, SPOT)
    renter.types("up", "--yes", timeout=300)
    assert _guard(rental)["ends"] > looked["ends"] + 3600, "once it is mended, what was promised holds again"

    happens(market, id_, "outbid")
    _stands_still(renter, f"machine {id_} was outbid", market, id_)
    said = renter.types("up", "--yes", timeout=300).stderr
    assert "it is started again" in said
    assert renter.reads("status", "--swarm", "team")["faults"] == []
    assert [one["id"] for one in books(market)["contracts"]] == [id_], "no second one"
    assert _guard(rental)["why"] == "ttl"

    happens(market, id_, "credit-spent")
    _stands_still(renter, "credit exhausted", market, id_)
    assert "add credit" in renter.types("up", "--yes", expect=ProviderError.exit_code, timeout=300).stderr
    market.ask("POST", "/_market/credit", {"amount": 50})
    renter.types("up", "--yes", timeout=300)
    assert renter.reads("status", "--swarm", "team")["faults"] == []

    happens(market, id_, "expired")
    fault = _fault(renter, f"has no machine {id_} any more")
    assert "what lay there and was not fetched is lost" in fault
    assert "nothing of it bills" in fault
    renter.types("down", "--swarm", "team")
    assert books(market)["billing"] == []
    assert [file for file in renter.left() if file.startswith(("swarms", "leasekeys"))] == []


def _guard(rental: dict[str, Any]) -> dict[str, Any]:
    """What the guard on it says of itself."""
    return dict(json.loads(docker("exec", guest(rental["id"]), GUARD, "show")))


def _extended(renter: Person, rental: dict[str, Any]) -> None:
    before = _guard(rental)
    renter.types("extend", "--swarm", "team", "--ttl", "+1h", "--budget", "50", "--yes")
    after = _guard(rental)
    assert after["ends"] - before["ends"] == pytest.approx(3600, abs=2)
    assert after["armed"] != before["armed"]
    told = json.loads(docker("exec", guest(rental["id"]), "cat", "/etc/swarmctl/guard.json"))
    assert told["budget"] == 50_000_000
    (machine,) = renter.reads("status", "--swarm", "team")["machines"]
    assert machine["ends"] == pytest.approx(after["ends"], abs=60)


def _a_cut_cable_is_seen_and_mended(person: Person, rental: dict[str, Any]) -> None:
    before = _guard(rental)
    with _cut(rental):
        begun = time.monotonic()
        status = person.reads("status", "--swarm", "team")
        assert time.monotonic() - begun < SEEN
        assert {one["state"] for one in status["services"]} == {"unknown"}, "what nobody sees is not said to be gone"
        assert any("is not known" in fault for fault in status["faults"])
        assert any("only the way there is broken" in fault for fault in status["faults"])
        counting = _guard(rental)
    assert counting["now"] > before["now"]
    assert counting["spent"] >= before["spent"]
    assert counting["ends"] == pytest.approx(before["ends"], abs=2)
    person.types("up", "--adopt", "--yes", timeout=300)
    assert person.reads("status", "--swarm", "team")["faults"] == []


@contextmanager
def _cut(rental: dict[str, Any]) -> Iterator[None]:
    """Nothing of SSH arrives there any more, and nobody is told; its own way out stays."""
    address = docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", guest(rental["id"])).strip()
    rule = ["OUTPUT", "-d", address, "-p", "tcp", "--dport", "22", "-m", "comment", "--comment", "cut", "-j", "DROP"]
    run(["iptables", "-I", *rule])
    try:
        yield
    finally:
        run(["iptables", "-D", *rule])


def _fault(person: Person, words: str) -> str:
    """The one that says so, in time."""
    begun = time.monotonic()
    faults = person.reads("status", "--swarm", "team")["faults"]
    assert time.monotonic() - begun < SEEN
    (found,) = [one for one in faults if words in one]
    return str(found)


def _stands_still(person: Person, words: str, market: Process, id_: int) -> None:
    """It is said why, what it bills, what lies there, and what to type."""
    fault = _fault(person, words)
    assert "its disk is paid, $" in fault
    assert "what lies there is kept" in fault
    assert "`swarmctl up` starts it again" in fault
    (machine,) = person.reads("status", "--swarm", "team")["machines"]
    assert machine["still"]
    (entry,) = [one for one in books(market)["contracts"] if one["id"] == id_]
    assert Decimal(machine["dollars_per_hour"]) == pytest.approx(Decimal(entry["per_hour"]), rel=Decimal("0.02"))
    (cost,) = person.reads("cost", "--swarm", "team")["machines"]
    assert cost["still"]
