"""A rented container: no Docker, no service manager; processes under our supervisor, and a guard that ends it."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes.distant import branch_of_a_run, open_ports, processes, processes_on_a_card
from fakes.grounded import docker
from fakes.person import Person, git
from fakes.practice import Process
from fakes.rentals import books, containers, held
from swarmctl.effects.clock import SystemClock, wait_until

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=100)]
TASK = "Write greet.py with a function greet(name) that returns 'Hello, ' + name"
GUARD = "/usr/local/lib/swarmctl/guard"


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Process]:
    """Its rentals are containers that can be entered, ready in seconds."""
    with containers(tmp_path, 77) as running:
        yield running


@pytest.fixture
def renter(someone: Callable[[], Person], market: Process) -> Iterator[Person]:
    person = someone()
    person.env.update(market.env)
    yield person
    person.start("down", "--swarm", "team").communicate(timeout=120)  # where the story broke off


def _rental(market: Process) -> str:
    """The container that is the rental."""
    (one,) = held(market)
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
    assert books(market)["contracts"] == []

    said = renter.types("up", "--yes", timeout=600).stderr
    assert said.index("its guard comes") < said.index("swarmctl's packages") < said.index("load: sending")
    assert [one["vm"] for one in books(market)["contracts"]] == [False]
    assert "proofs hold" in renter.types("status", "--swarm", "team").stdout
    assert "nothing to do" in renter.types("up", "--yes").stdout
    assert len(books(market)["contracts"]) == 1, "a second up rents nothing"
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
    assert books(market)["billing"] == []
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


@pytest.mark.scenario(seconds=130, always=True)
def test_a_model_runs_on_the_card_of_a_rented_container(someone: Callable[[], Person], tmp_path: Path) -> None:
    """By the llama-server of the image that it was rented with; what is kept to the processors sees no card."""
    with containers(tmp_path, 78, card=True) as market:
        renter = someone()
        renter.env.update(market.env)
        processes_on_a_card(renter.home, {"vast": {"gpu": "a100"}})
        assert "models run on its card by the llama-server of" in renter.types("plan").stderr
        assert "engine-frontend" in renter.types("up", "--yes", timeout=600).stderr
        (one,) = held(market)
        assert "llama.cpp:server-cuda" in one["image_uuid"]

        proofs = renter.reads("check", "--swarm", "team")["proofs"]
        assert {proof["verdict"] for proof in proofs} <= {"pass", "unknown"}
        on_card = {proof["subject"]: proof["measured"] for proof in proofs if proof["name"] == "layers on the card"}
        assert set(on_card) == {"engine-frontend"}
        assert len(set(on_card["engine-frontend"].split(" of "))) == 1

        pids = {line["name"]: line["pid"] for line in renter.reads("status", "--swarm", "team")["services"]}
        seen = {name: _inside(market, "cat", f"/proc/{pid}/environ").split("\0") for name, pid in pids.items()}
        (uuid,) = [word for word in seen["engine-frontend"] if word.startswith("CUDA_VISIBLE_DEVICES=")]
        assert uuid.removeprefix("CUDA_VISIBLE_DEVICES=GPU-") in _inside(market, "nvidia-smi", "-L")
        assert "CUDA_VISIBLE_DEVICES=" in seen["engine-backend"]
        assert renter.types("chat", "--swarm", "team", "frontend", "Say hello.").stdout.strip()
        assert "nothing to do" in renter.types("up", "--yes").stdout
        renter.types("down", "--swarm", "team")
        assert books(market)["billing"] == []


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
    wait_until(lambda: not books(market)["billing"], clock=clock, deadline=150, every=1, what="its end")
    quiet = clock.monotonic() - used
    assert idle - 5 < quiet < idle + 45, "by use of a client that is none of ours, and by nothing else"
    assert looking.poll() is None, "and it was looked at all the time"
    looking.kill()
    renter.types("down", "--swarm", "team")
    assert renter.reads("orphans")["machines"] == []
