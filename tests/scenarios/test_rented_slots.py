"""One swarm over this computer and a rented machine: one plan, one yes, one bill that ends whatever is killed."""

import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from fakes.distant import branch_of_a_run, swarm
from fakes.grounded import docker
from fakes.person import Person, git
from fakes.practice import Process
from fakes.rentals import books, held, machines
from swarmctl.effects.clock import SystemClock, wait_until

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=240)]
TASK = "Write greet.py with a function greet(name) that returns 'Hello, ' + name"
SLOTS = {"desk": {"local": {}}, "cards": {"vast": {"gpu": "a100", "ttl": "3h", "budget": 40}}}
ROLES = {
    "orchestrator": {"model": "orchestrator", "temperature": 0, "slot": "desk", "output": 16},
    "backend": {"model": "backend", "temperature": 0, "slot": "cards"},
}


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Process]:
    with machines(tmp_path, 51) as running:
        yield running


@pytest.fixture
def renter(someone: Callable[[], Person], market: Process) -> Iterator[Person]:
    person = someone()
    person.env.update(market.env)
    limits = {"output": 512, "requests": 10, "time": "10m", "floor": 0}
    swarm(person.home, {"slots": SLOTS}, roles=ROLES, limits=limits)
    yield person
    for one in person.started:  # where the story broke off
        if one.poll() is None:
            one.send_signal(signal.SIGINT)
            one.communicate(timeout=120)
    person.start("down", "--swarm", "team", "--purge").communicate(timeout=120)


def test_a_slot_that_is_rented_is_agreed_to_once_works_and_ends_its_bill(
    renter: Person, market: Process, repository: Path
) -> None:
    refused = renter.types("up", expect=130)
    assert "desk (this machine): orchestrator" in refused.stdout
    assert "cards (rented): backend" in refused.stdout
    assert "rented in all: $" in refused.stdout
    assert "nobody is here to say yes" in refused.stderr
    assert books(market)["contracts"] == [], "nothing is rented without a yes"

    _killed_together_it_is_reaped(renter, market)
    _killed_alone_its_parts_give_it_back(renter, market)

    made = renter.types("up", "--yes", timeout=900)
    assert "rented in all: $" in made.stdout + made.stderr
    assert "reached from another host: 'team_cards/backend'" in made.stdout
    assert len(held(market)) == 1
    assert "nothing to do" in renter.types("up", "--yes").stdout
    status = renter.reads("status")
    assert status["slots"] == {"desk": True, "cards": True}
    (machine,) = status["machines"]
    assert machine["by"] == "ttl"

    branch = branch_of_a_run(renter, repository, TASK)
    assert "greet.py" in git(repository, "ls-tree", "-r", "--name-only", branch)

    renter.types("extend", "--swarm", "team", "--ttl", "+1h", "--yes")
    (longer,) = renter.reads("status")["machines"]
    assert 3500 < longer["ends"] - machine["ends"] < 3700
    (cost,) = [one for one in renter.reads("cost")["machines"] if one["state"] == "held"]

    renter.types("down", "--purge")
    assert books(market)["billing"] == []
    assert renter.reads("orphans")["machines"] == []
    assert docker("ps", "-aq", "--filter", "label=swarmctl.swarm=team_desk").split() == []
    (last,) = [one for one in renter.reads("cost")["machines"] if one["id"] == cost["id"]]
    assert last["state"] == "ended"
    assert [file for file in renter.left() if file.startswith(("swarms", "leasekeys"))] == []


def _begun(renter: Person, market: Process) -> "tuple[int, list[psutil.Process]]":
    """An `up` that has just rented: its pid, and everything that it started."""
    going = renter.start("up", "--yes")
    wait_until(lambda: held(market), clock=SystemClock(), deadline=120, every=0.5, what="a machine")
    return going.pid, psutil.Process(going.pid).children(recursive=True)


def _killed_together_it_is_reaped(renter: Person, market: Process) -> None:
    """Power fails, and the disk with the swarm's folders is another one: the key is enough."""
    pid, parts = _begun(renter, market)
    for one in (pid, *(part.pid for part in parts)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    renter.started[-1].communicate()
    shutil.rmtree(Path(renter.env["XDG_STATE_HOME"]) / "swarmctl" / "swarms")
    (found,) = renter.reads("orphans", expect=10)["machines"]
    assert found["label"].startswith("swarmctl/team_cards/")
    renter.types("reap", "--yes")
    assert books(market)["billing"] == []


def _killed_alone_its_parts_give_it_back(renter: Person, market: Process) -> None:
    """What was begun by those who have nobody to tell it to any more is taken away by them."""
    pid, parts = _begun(renter, market)
    os.kill(pid, signal.SIGKILL)
    renter.started[-1].wait()
    wait_until(lambda: not books(market)["billing"], clock=SystemClock(), deadline=90, every=1, what="its end")
    wait_until(lambda: not any(map(_runs, parts)), clock=SystemClock(), deadline=90, every=1, what="its parts to end")


def _runs(one: psutil.Process) -> bool:
    try:
        return one.is_running() and one.status() != psutil.STATUS_ZOMBIE and "--part" in one.cmdline()
    except psutil.NoSuchProcess:
        return False
