"""A rented container: no Docker, no service manager; processes under our supervisor, and a guard that ends it."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.distant import branch_of_a_run, open_ports, processes
from fakes.grounded import docker, stands
from fakes.person import Person, git
from fakes.practice import Process, process
from swarmctl.effects.clock import SystemClock, wait_until

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=100)]
TASK = "Write greet.py with a function greet(name) that returns 'Hello, ' + name"
GUARD = "/usr/local/lib/swarmctl/guard"


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Process]:
    """Its rentals are containers that can be entered, ready in seconds."""
    stands("engine", "seven-tiny", "host-container")
    words = ("--hosts", "docker", "--limits", "off", "--pace", "0.02", "--port", "0", "--seed", "77")
    with process(*words, "--state", str(tmp_path / "market")) as running:
        yield running


@pytest.fixture
def renter(someone: Callable[[], Person], market: Process) -> Iterator[Person]:
    person = someone()
    person.env.update(market.env)
    yield person
    person.start("down", "--swarm", "team").communicate(timeout=120)  # where the story broke off


def _books(market: Process) -> dict[str, Any]:
    return dict(market.ask("GET", "/_market/books"))


def _rental(market: Process) -> str:
    """The container that is the rental."""
    (one,) = market.ask("GET", "/api/v1/instances/?select_filters=%7B%7D")["instances"]
    return docker("ps", "-q", "--filter", f"publish={one['ports']['22/tcp'][0]['HostPort']}").strip()


def _inside(market: Process, *argv: str) -> str:
    return docker("exec", _rental(market), *argv)


@pytest.mark.scenario(seconds=110, always=True)
def test_processes_on_a_rented_container_are_proved_used_and_their_bill_ends(
    renter: Person, market: Process, repository: Path
) -> None:
    """Nobody names a runtime, and no virtual machine will do."""
    processes(renter.home, {"vast": {"gpu": "a100", "where": "vms_enabled=false"}}, runtime=None)
    for before in (renter.types("plan").stderr, renter.types("up", expect=130).stderr):
        assert "a container, since no virtual machine will do" in before
        assert "no Docker there: services run as processes of one user" in before
    assert _books(market)["contracts"] == []

    said = renter.types("up", "--yes", timeout=600).stderr
    assert said.index("its guard comes") < said.index("swarmctl's packages") < said.index("load: sending")
    assert [one["vm"] for one in _books(market)["contracts"]] == [False]
    assert "proofs hold" in renter.types("status", "--swarm", "team").stdout
    assert "nothing to do" in renter.types("up", "--yes").stdout
    assert len(_books(market)["contracts"]) == 1, "a second up rents nothing"
    _nothing_but_ssh_is_open(market)
    _no_secret_is_shown(renter, market)

    branch = branch_of_a_run(renter, repository, TASK)
    assert "greet.py" in git(repository, "ls-tree", "-r", "--name-only", branch)
    assert "started, pid" in renter.types("logs", "--swarm", "team", "supervisor").stdout
    assert renter.types("chat", "--swarm", "team", "backend", "Say hello.").stdout.strip()
    _a_client_reaches_a_model_here(renter)

    _a_dead_agent_comes_back(renter, market)
    _a_restarted_machine_works_on(renter, market)

    renter.types("down", "--swarm", "team")
    assert _books(market)["billing"] == []
    assert renter.reads("orphans")["machines"] == []
    assert [file for file in renter.left() if file.startswith(("swarms", "leasekeys"))] == []


def _nothing_but_ssh_is_open(market: Process) -> None:
    """From the network that it is on; what listens inside is asked about by its own number."""
    where = docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", _rental(market)).strip()
    listens = _inside(market, "sh", "-c", "awk '$4 == \"0A\" {print $2}' /proc/net/tcp /proc/net/tcp6").split()
    inside = {int(word.rpartition(":")[2], 16) for word in listens}
    assert len(inside) > 3, "engines and agents listen inside"
    assert open_ports(where, inside) == [22]


def _no_secret_is_shown(renter: Person, market: Process) -> None:
    """Neither in a command line nor in an environment of any process there."""
    key = renter.reads("env", "--swarm", "team")["api_key"]
    shown = _inside(market, "sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'")
    assert "swarmctl.embedded" in shown
    assert key not in shown
    assert market.told["key"] not in shown, "the account's own key"


def _a_client_reaches_a_model_here(renter: Person) -> None:
    """By the address that `env` gives, under the same number as there."""
    said = renter.reads("env", "backend", "--swarm", "team")
    (client,) = said["roles"]
    body = {"model": client["model"], "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}
    headers = {"Authorization": f"Bearer {said['api_key']}", "Content-Type": "application/json"}
    asked = urllib.request.Request(f"{client['openai_base_url']}/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(asked, timeout=60) as answer:
        assert json.loads(answer.read())["choices"]


def _a_dead_agent_comes_back(renter: Person, market: Process) -> None:
    pid = {line["name"]: line["pid"] for line in renter.reads("status", "--swarm", "team")["services"]}
    _inside(market, "kill", "-9", str(pid["agent-backend"]))

    def back() -> bool:
        lines = {line["name"]: line for line in renter.reads("status", "--swarm", "team")["services"]}
        one = lines["agent-backend"]
        return one["state"] == "running" and one["restarts"] == 1 and one["pid"] != pid["agent-backend"]

    wait_until(back, clock=SystemClock(), deadline=30, every=0.5, what="the agent")


def _a_restarted_machine_works_on(renter: Person, market: Process) -> None:
    """Its guard and its swarm start with it; the tunnel comes back by itself."""
    docker("restart", "-t", "2", _rental(market))

    def well() -> bool:
        found = renter.reads("status", "--swarm", "team")
        return found["faults"] == [] and len(found["services"]) == 4

    wait_until(well, clock=SystemClock(), deadline=60, every=1, what="the swarm after a restart")
    assert "proofs hold" in renter.types("check", "--swarm", "team").stdout
    assert json.loads(_inside(market, GUARD, "show"))["why"] == "ttl"
    assert _inside(market, "pgrep", "-cf", f"{GUARD} watch") == "1\n", "one guard, not two"


@pytest.mark.scenario(seconds=170)
def test_an_idle_container_ends_itself_while_somebody_looks_at_it(renter: Person, market: Process) -> None:
    idle = 45
    processes(renter.home, {"vast": {"gpu": "a100", "idle": f"{idle}s"}})
    renter.types("up", "--yes", timeout=600)
    clock = SystemClock()
    looking = renter.start("check", "--swarm", "team", "--every", "5s")
    clock.sleep(idle / 2)
    _a_client_reaches_a_model_here(renter)
    used = clock.monotonic()
    wait_until(lambda: not _books(market)["billing"], clock=clock, deadline=150, every=1, what="its end")
    quiet = clock.monotonic() - used
    assert idle - 5 < quiet < idle + 45, "by use of a client that is none of ours, and by nothing else"
    assert looking.poll() is None, "and it was looked at all the time"
    looking.kill()
    renter.types("down", "--swarm", "team")
    assert renter.reads("orphans")["machines"] == []
