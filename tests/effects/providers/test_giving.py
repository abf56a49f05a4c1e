"""Which machines a swarm has by what this computer wrote down, and that giving back leaves none and nothing of them."""

from dataclasses import asdict
from pathlib import Path

import pytest

from fakes.hired import person
from swarmctl.core.hosts import Host
from swarmctl.core.placed import Placed
from swarmctl.effects.hosts.hostkeys import keys_file
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.providers.giving import give_back, known_as, rented
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import LeakError


def test_a_machine_is_known_by_the_ledger_when_its_place_is_lost_and_goes_with_all_of_it(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    world = World(me.clock, Ledger(tmp_path / "ledger.sqlite", me.clock), ModelStore(tmp_path / "models"), tmp_path)
    assert rented("seven", world) == ()
    lease = me.hire().lease.id
    assert rented("seven", world) == (lease,)
    assert rented("other", world) == ()
    world.put(Placed(swarm="seven", host=asdict(Host("slot-0", "192.0.2.1")), lease=lease))
    assert rented("seven", world) == (lease,), "once"
    world.put(Placed(swarm="lost", host=asdict(Host("slot-0", "192.0.2.1")), lease="42"))
    assert rented("lost", world) == ("42",), "its place alone says it"
    world.put(Placed(swarm="own", host=asdict(Host("slot-0", "192.0.2.1"))))
    assert rented("own", world) == ()
    assert rented("seven_trial", world) == (), "a trial rents nothing of its own"
    keys = keys_file(tmp_path, known_as(lease))
    keys.write_text("x")
    tunnels = world.places("seven").root / "tunnels"
    tunnels.mkdir()
    give_back(lease, "seven", world, me.vast)
    assert me.market.held == {}
    assert rented("seven", world) == ()
    assert not keys.exists()
    assert not tunnels.exists(), "no way to it is left"
    assert world.placed("seven") is None
    assert me.book.key(lease) is None


def test_what_cannot_be_ended_here_does_not_keep_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    me = person(folder=tmp_path)
    world = World(me.clock, Ledger(tmp_path / "ledger.sqlite", me.clock), ModelStore(tmp_path / "models"), tmp_path)
    lease = me.hire().lease.id

    def stays(*_: object) -> None:
        raise LeakError("its watcher still runs")

    monkeypatch.setattr("swarmctl.effects.hosts.watchkeeper.unwatch", stays)
    with pytest.raises(LeakError, match="its watcher still runs"):
        give_back(lease, "seven", world, me.vast)
    assert me.market.held == {}
    assert rented("seven", world) == ()


def test_a_machine_that_may_still_bill_is_not_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    me = person(folder=tmp_path)
    world = World(me.clock, Ledger(tmp_path / "ledger.sqlite", me.clock), ModelStore(tmp_path / "models"), tmp_path)
    lease = me.hire().lease.id
    world.put(Placed(swarm="seven", host=asdict(Host("slot-0", "192.0.2.1")), lease=lease))

    def stays(_: str) -> None:
        raise LeakError("it may still bill")

    monkeypatch.setattr(me.vast, "release", stays)
    with pytest.raises(LeakError):
        give_back(lease, "seven", world, me.vast)
    assert rented("seven", world) == (lease,)
