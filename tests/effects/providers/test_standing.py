"""What `status` says of rented machines: by the ledger alone, so that it needs no market."""

from decimal import Decimal
from pathlib import Path

from fakes.hired import person
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.providers.standing import standing
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World


def test_what_was_promised_and_what_is_burned_is_told_without_the_market(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    world = World(me.clock, Ledger(tmp_path / "ledger.sqlite", me.clock), ModelStore(tmp_path / "models"), tmp_path)
    assert standing("seven", world) == ()
    hired = me.hire()
    assert hired.lease.label is not None
    me.book.meter.promise(hired.lease.label.nonce, Decimal(1))
    calls = len(me.market.calls)
    me.clock.sleep(1800)
    (one,) = standing("seven", world)
    assert len(me.market.calls) == calls
    assert one.burned / one.hourly >= Decimal("0.5")
    assert one.burned / one.hourly < Decimal("0.51")
    now = me.clock.now().timestamp()
    assert one.by == "budget"
    assert 0 < one.ends - now < 3 * 3600
    assert f"machine {hired.lease.id}: $" in one.text(now)
    assert "of $1.00 burned, ends in" in one.text(now)
    assert one.text(one.ends + 1).endswith("its budget is over")
    me.vast.release(hired.lease.id)
    me.book.released(hired.lease.id)
    assert standing("seven", world) == ()


def test_one_that_was_last_seen_to_stand_still_costs_its_disk(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    world = World(me.clock, Ledger(tmp_path / "ledger.sqlite", me.clock), ModelStore(tmp_path / "models"), tmp_path)
    lease = me.hire().lease
    me.vast.stop(lease.id)
    stopped = me.vast.lease(lease.id)
    assert stopped is not None
    me.clock.sleep(60)
    me.book.saw(stopped)
    (one,) = standing("seven", world)
    assert one.disk == lease.hourly.storage
    assert Decimal(one.as_json()["dollars_per_hour"]) < one.hourly
    assert one.as_json()["still"] is True
    assert "stands still, $" in one.text(me.clock.now().timestamp())
    me.clock.sleep(60)
    me.book.saw(lease)
    (again,) = standing("seven", world)
    assert again.disk is None
    assert "stands still" not in again.text(me.clock.now().timestamp())
