"""What befalls a machine that is not this one: seen by `status` within half a minute, and healed by `up`."""

import time
from collections.abc import Callable, Iterator

import pytest

from fakes.distant import BASE, inventory, swarm
from fakes.ejecting import build_agent
from fakes.grounded import docker, stands
from fakes.hosts import Host, host
from fakes.person import Person
from ground.places import OLLAMA, tiny

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=180)]
SEEN = 30.0
"""Seconds."""
DISK = 600
"""MiB below the folder of swarms: two models, another one twice, and what must stay free; too little for a trial."""


@pytest.fixture
def machine() -> Iterator[Host]:
    stands("engine", "bookworm", "seven-tiny", "ollama", "host-vm")
    build_agent()
    with host("vm", images=[OLLAMA]) as made:
        yield made


def _faults(person: Person) -> list[str]:
    """What `status` says is wrong, in time."""
    begun = time.monotonic()
    found: list[str] = person.reads("status")["faults"]
    assert time.monotonic() - begun < SEEN
    return found


def test_a_cut_cable_a_dead_docker_and_a_reboot_are_seen_and_healed(
    machine: Host, someone: Callable[[], Person]
) -> None:
    person = someone()
    swarm(person.home, {"ssh": {"hosts": ["gpu1"]}})
    inventory(person.home, machine)
    person.types("up", "--yes", timeout=600)
    assert _faults(person) == []

    docker("pause", machine.name)
    try:
        (said,) = [fault for fault in _faults(person) if "what runs in its containers is not known" in fault]
        assert "gpu1" in said or "slot-0" in said
    finally:
        docker("unpause", machine.name)
    assert _faults(person) == []

    machine.ssh(["systemctl", "stop", "docker.socket", "docker.service"])
    assert any("Docker" in fault for fault in _faults(person))
    person.types("up", "--yes", timeout=300)
    assert _faults(person) == []

    machine.reboot()
    inventory(person.home, machine)
    person.types("up", "--yes", timeout=300)
    assert _faults(person) == []
    person.types("down", "--purge")
    assert machine.docker(["ps", "-aq"]).split() == []


def test_a_full_disk_is_seen_named_by_up_and_healed_once_there_is_room(
    machine: Host, someone: Callable[[], Person]
) -> None:
    person = someone()
    limits = {"output": 512, "requests": 10, "time": "10m", "floor": 0.01}
    swarm(person.home, {"ssh": {"hosts": ["gpu1"]}}, limits=limits)
    inventory(person.home, machine)
    machine.ssh(["sh", "-c", f"mkdir -p {BASE} && mount -t tmpfs -o size={DISK}m none {BASE}"])
    person.types("up", "--yes", timeout=600)
    assert _faults(person) == []

    filler = f"{BASE}/somebody.bin"
    fill = f"fallocate -l $(( $(df -Pk {BASE} | awk 'END {{print $4}}') - 8192 ))k {filler}"
    machine.ssh(["sh", "-c", fill])
    (said,) = _faults(person)
    assert "its disk is full, 8 MiB are free" in said
    swarm(person.home, {"ssh": {"hosts": ["gpu1"]}}, limits=limits, models={
        "orchestrator": {"path": str(tiny("orchestrator")), "device": "cpu"},
        "backend": {"path": str(tiny("testing")), "device": "cpu"},
    })  # fmt: skip
    failed = person.types("up", "--yes", expect=6, timeout=300).stderr
    assert "its disk is full" in failed
    assert "make room" in failed

    machine.ssh(["rm", filler])
    person.types("up", "--yes", timeout=300)
    assert _faults(person) == []
    person.types("down", "--purge")
    assert machine.docker(["ps", "-aq"]).split() == []
