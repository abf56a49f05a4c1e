"""`hosts`: every machine of the inventory and every rented one, also those that cannot be looked at."""

from dataclasses import asdict
from pathlib import Path

import pytest

from swarmctl.commands import hosts as command
from swarmctl.commands.hosts import hosts
from swarmctl.core.hostfacts import HostFacts
from swarmctl.core.hosts import Host
from swarmctl.core.machine import Gpu, Machine
from swarmctl.core.placed import Placed
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.hosts.ssh import Line
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import HostError

FACTS = HostFacts(
    Machine("big", "Linux x86_64", 16, 64000, 60000, 500000, gpus=(Gpu("NVIDIA A100-SXM4-80GB", 81920),)),
    docker="28.2.2",
    distribution="debian 13",
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    clock, state = SystemClock(), tmp_path / "state"
    return World(clock, Ledger(state / "ledger.sqlite", clock), ModelStore(tmp_path / "models"), state)


def test_own_and_rented_machines_are_listed_with_what_is_on_them(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inventory").mkdir()
    text = "g: {hosts: {gpu1: {ansible_host: 192.0.2.1, ansible_user: ada}, gpu2: {ansible_host: 192.0.2.2}}}"
    (tmp_path / "inventory" / "hosts.yml").write_text(text)
    world.put(Placed(swarm="mine", host=asdict(Host("gpu1", "192.0.2.1", user="ada"))))
    world.put(Placed(swarm="seven", host=asdict(Host("slot-0", "203.0.113.7", 40022)), lease="4711"))

    def look(line: Line, **_: object) -> HostFacts:
        if line.host.address == "192.0.2.2":
            raise HostError("192.0.2.2 does not answer")
        return FACTS

    monkeypatch.setattr(command, "look", look)
    own, silent, rented = hosts(world, [tmp_path])
    assert (own.name, own.where, own.swarms, own.lease) == ("gpu1", "ada@192.0.2.1", ("mine",), "")
    assert own.as_json()["cards"] == [{"name": "NVIDIA A100-SXM4-80GB", "memory_mib": 81920}]
    assert (silent.facts, silent.problem) == (None, "192.0.2.2 does not answer")
    assert silent.as_json()["cores"] is None
    assert (rented.where, rented.lease, rented.swarms) == ("root@203.0.113.7:40022", "4711", ("seven",))


def test_without_an_inventory_and_without_rentals_there_is_none(world: World, tmp_path: Path) -> None:
    assert hosts(world, [tmp_path]) == ()
