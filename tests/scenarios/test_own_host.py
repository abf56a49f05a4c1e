"""A swarm on a machine of one's own that SSH reaches: prepared, proved, worked with, seen to be closed, taken away."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from fakes.distant import BASE, inventory, open_ports, swarm
from fakes.ejecting import build_agent
from fakes.grounded import docker, stands
from fakes.hosts import Host, host
from fakes.person import Person, git
from ground.places import OLLAMA

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=100)]
TASK = "Write greet.py with a function greet(name) that returns 'Hello, ' + name"


@pytest.fixture
def machine() -> Iterator[Host]:
    stands("engine", "bookworm", "seven-tiny", "ollama", "host-vm")
    build_agent()
    with host("vm", images=[OLLAMA]) as made:
        yield made


def test_one_s_own_machine_is_prepared_used_and_left_as_it_was_found(
    machine: Host, someone: Callable[[], Person], repository: Path
) -> None:
    person = someone()
    swarm(person.home, {"ssh": {"hosts": ["gpu1"]}})
    inventory(person.home, machine)
    before = person.types("plan")
    assert "prepare gpu1" in before.stdout
    assert "whoever is root there can read" in before.stdout
    assert machine.tries(["test", "-e", BASE]).returncode == 1, "a plan changes nothing"

    person.types("up", "--yes", timeout=600)
    assert "proofs hold" in person.types("status").stdout
    assert "nothing to do" in person.types("up", "--yes").stdout
    memory = {line["name"]: line["memory"] for line in person.reads("status")["services"]}
    assert memory["agent-backend"] > 10, "MiB of processes on the other machine"
    _closed_but_for_ssh(machine)

    said = person.types("run", "--agents", "backend", TASK, cwd=repository, timeout=280)
    branch = next(word for word in said.stdout.split() if word.startswith("swarm/"))
    assert "greet.py" in git(repository, "ls-tree", "-r", "--name-only", branch)

    _a_second_computer_goes_on_with_it(person, someone(), machine)
    _a_tunnel_that_dies_comes_back(person)
    person.types("down", "--purge")
    assert machine.docker(["ps", "-aq"]).split() == []
    assert machine.ssh(["sh", "-c", f"ls {BASE}/swarms {BASE}/models"]).split() == [
        f"{BASE}/models:", f"{BASE}/swarms:",
    ]  # fmt: skip
    assert _at_work(person) == []


def _closed_but_for_ssh(machine: Host) -> None:
    """From the network that the machine is on, only SSH answers."""
    where = docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", machine.name).strip()
    listens = machine.ssh(["sh", "-c", "awk '$4 == \"0A\" {print $2}' /proc/net/tcp /proc/net/tcp6"]).split()
    inside = {int(word.rpartition(":")[2], 16) for word in listens}
    assert len(inside) > 2, "the swarm's ports are among those that listen inside"
    assert open_ports(where, {*inside, *range(1, 1025), 11434, 2375, 2376, 8080}) == [22]


def _a_second_computer_goes_on_with_it(person: Person, other: Person, machine: Host) -> None:
    """Under the keys and ports that are there: nothing is made anew, and the first one still reaches it.

    Both are this machine here, so that one sleeps while the other works.
    """
    swarm(other.home, {"ssh": {"hosts": ["gpu1"]}})
    inventory(other.home, machine)
    before = machine.docker(["ps", "-q", "--no-trunc"]).split()
    person.sleeps()
    said = other.types("up", "--yes", timeout=600).stderr
    assert "it goes on with the keys and ports that are there" in said
    assert machine.docker(["ps", "-q", "--no-trunc"]).split() == before
    assert other.reads("status")["faults"] == []
    other.sleeps()
    assert person.reads("status")["faults"] == []


def _a_tunnel_that_dies_comes_back(person: Person) -> None:
    """What forwards the swarm's ports is killed; the next look finds everything again."""
    (tunnel,) = [one for one in _at_work(person) if one.cmdline()[:2] == ["ssh", "-N"]]
    tunnel.kill()
    tunnel.wait(10)
    assert person.reads("status")["faults"] == []


def _at_work(person: Person) -> list[psutil.Process]:
    """Processes here that belong to this person's state."""
    mark, found = person.env["XDG_STATE_HOME"], []
    for one in psutil.process_iter():
        try:
            if any(mark in word for word in one.cmdline()) and one.pid not in {p.pid for p in person.started}:
                found.append(one)
        except psutil.Error:
            continue
    return found


def test_a_name_that_is_no_host_is_said_before_anything_is_done(someone: Callable[[], Person]) -> None:
    person = someone()
    swarm(person.home, {"ssh": {"hosts": ["nowhere"]}})
    said = person.types("up", "--yes", expect=3).stderr
    assert "there is no host 'nowhere'" in said
    assert "next:  name it in inventory/hosts.yml" in said
    assert person.left() == []
