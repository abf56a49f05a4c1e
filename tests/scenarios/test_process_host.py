"""A swarm of processes on a machine of one's own that has no Docker, as a user who may not become root."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from fakes.distant import branch_of_a_run, open_ports, processes
from fakes.grounded import docker, stands
from fakes.hosts import Host, host
from fakes.person import Person, git

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=100)]
TASK = "Write greet.py with a function greet(name) that returns 'Hello, ' + name"
HOME = "/home/me"
USER = f"""\
set -e
useradd -m -s /bin/sh me
mkdir -m 700 {HOME}/.ssh
cp /root/.ssh/authorized_keys {HOME}/.ssh/
chown -R me {HOME}/.ssh
"""
TOOLS = "apt-get update -qq && apt-get install -y -qq --no-install-recommends git libgomp1 >/dev/null"


@pytest.fixture
def machine() -> Iterator[Host]:
    stands("engine", "seven-tiny", "host-container")
    with host("container") as made:
        made.ssh(["sh", "-c", USER])
        yield made


def _inventory(person: Person, machine: Host) -> None:
    said = {
        "ansible_host": "127.0.0.1",
        "ansible_port": machine.port,
        "ansible_user": "me",
        "ansible_ssh_private_key_file": str(machine.key),
    }
    (person.home / "inventory").mkdir()
    (person.home / "inventory" / "hosts.yml").write_text(yaml.safe_dump({"swarmctl": {"hosts": {"box": said}}}))


@pytest.fixture
def person(someone: Callable[[], Person], machine: Host) -> Iterator[Person]:
    person = someone()
    yield person
    person.start("down", "--swarm", "team").communicate(timeout=120)  # where the story broke off


def test_a_user_without_root_runs_a_swarm_there_and_leaves_nothing(
    machine: Host, person: Person, repository: Path
) -> None:
    processes(person.home, {"ssh": {"hosts": ["box"]}})
    _inventory(person, machine)
    assert "swarmctl itself, without Docker" in person.types("plan").stdout

    said = person.types("up", expect=6).stderr
    assert "has no git 2.38 and libgomp, and this user may not install packages there" in said
    machine.ssh(["sh", "-c", TOOLS])

    person.types("up", timeout=600)
    assert "nothing to do" in person.types("up").stdout
    assert person.reads("status")["faults"] == []
    owners = machine.ssh(["sh", "-c", "ps -eo user=,args= | grep '[s]warmctl' | cut -d' ' -f1 | sort -u"]).split()
    assert owners == ["me"], "nothing of ours runs as root"
    where = docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", machine.name).strip()
    assert open_ports(where, range(21000, 32000)) == []

    branch = branch_of_a_run(person, repository, TASK)
    assert "greet.py" in git(repository, "ls-tree", "-r", "--name-only", branch)

    person.types("down", "--purge")
    assert machine.ssh(["sh", "-c", "ps -eo args= | grep '[s]warmctl' || true"]) == ""
    left = machine.ssh(["sh", "-c", f"cd {HOME}/.local/state/swarmctl-host && ls; ls swarms"]).split()
    assert "store" not in left
    assert "team" not in left
