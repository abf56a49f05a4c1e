"""A rented machine from the first word to the last cent: hired, guarded, prepared, proved, worked with, given back."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes.distant import swarm, swarm_on_a_card
from fakes.person import Person, git
from fakes.practice import Process
from fakes.rentals import held, machines

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=60)]
TASK = "Write greet.py with a function greet(name) that returns 'Hello, ' + name"


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Process]:
    with machines(tmp_path, 51) as running:
        yield running


@pytest.fixture
def renter(someone: Callable[[], Person], market: Process) -> Person:
    person = someone()
    person.env.update(market.env)
    return person


@pytest.mark.scenario(seconds=150, always=True)
def test_up_rents_a_card_proves_a_team_on_it_and_down_ends_the_bill(
    renter: Person, market: Process, repository: Path
) -> None:
    swarm_on_a_card(renter.home)
    refused = renter.types("up", "--gpu", "a100", expect=130).stderr
    assert "nobody is here to say yes" in refused
    assert "/h, the cheapest in all" in refused
    assert held(market) == []

    said = renter.types("up", "--gpu", "a100", "--yes", timeout=900).stderr
    assert "its guard comes before all that is large" in said
    (rented,) = held(market)
    assert rented["label"].startswith("swarmctl/team/")
    assert "proofs hold" in renter.types("status", "--swarm", "team").stdout
    assert "nothing to do" in renter.types("up", "--gpu", "a100", "--yes").stdout
    assert len(held(market)) == 1, "a second up rents nothing"

    ran = renter.types("run", "--swarm", "team", "--agents", "backend", TASK, cwd=repository, timeout=280)
    branch = next(word for word in ran.stdout.split() if word.startswith("swarm/"))
    assert "greet.py" in git(repository, "ls-tree", "-r", "--name-only", branch)

    renter.types("down", "--swarm", "team")
    assert held(market) == []
    assert renter.reads("orphans")["machines"] == []
    assert [file for file in renter.left() if file.startswith(("swarms", "leasekeys"))] == []


def test_ctrl_c_while_it_prepares_gives_the_machine_back(renter: Person, market: Process) -> None:
    swarm(renter.home, {"vast": {"gpu": "a100"}})
    running = renter.start("up", "--yes")
    assert running.stderr
    for line in running.stderr:
        if line.startswith("preparing it"):
            break
    assert len(held(market)) == 1
    running.send_signal(signal.SIGINT)
    assert running.wait(120) == 130
    assert held(market) == []
    assert json.loads(renter.types("orphans", "--json").stdout)["machines"] == []
