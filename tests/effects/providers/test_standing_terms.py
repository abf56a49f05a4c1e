"""How a rented machine stands, word for word, and what the ledger's figures come to."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from fakes.hired import Person, person
from swarmctl.core.leasing.lease import Hourly
from swarmctl.core.leasing.state import LeaseState
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.providers.standing import Standing, standing
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World

STILL = "stands still, $0.25/h for its disk ($0.50/h while it runs), $1.25 burned, its ttl is over"
RUNS = Standing("7", Decimal("0.5"), Decimal("1.25"), Decimal(3), 5000.0, "ttl")


@pytest.mark.parametrize(
    ("one", "now", "text"),
    [
        (RUNS, 1400, "rented machine 7: $0.50/h, $1.25 of $3.00 burned, ends in 1h by its ttl"),
        (RUNS, 4999, "rented machine 7: $0.50/h, $1.25 of $3.00 burned, ends in 1s by its ttl"),
        (RUNS, 5000, "rented machine 7: $0.50/h, $1.25 of $3.00 burned, its ttl is over"),
        (replace(RUNS, budget=None), 1400, "rented machine 7: $0.50/h, $1.25 burned, ends in 1h by its ttl"),
        (replace(RUNS, disk=Decimal("0.25"), budget=None), 5000, f"rented machine 7: {STILL}"),
    ],
)  # fmt: skip
def test_it_is_told_in_one_line(one: Standing, now: float, text: str) -> None:
    assert one.text(now) == text


def test_it_is_told_in_json() -> None:
    said = {"lease": "7", "dollars_per_hour": "0.500000", "still": False, "burned": "1.250000", "budget": "3"}
    assert RUNS.as_json() == {**said, "ends": 5000.0, "by": "ttl"}
    assert replace(RUNS, budget=None).as_json()["budget"] is None
    still = replace(RUNS, disk=Decimal(0)).as_json()
    assert (still["dollars_per_hour"], still["still"]) == ("0.000000", True)


@pytest.fixture
def me(tmp_path: Path) -> Person:
    return person(folder=tmp_path)


def world(me: Person) -> World:
    return World(me.clock, Ledger(me.folder / "ledger.sqlite", me.clock), ModelStore(me.folder / "m"), me.folder)


def test_what_the_ledger_says_comes_to_a_sum(me: Person) -> None:
    hired = me.hire()
    (written,) = me.book.attempts()
    me.clock.seconds = written.intended - me.clock.now().timestamp() + me.clock.seconds + 1800
    (one,) = standing("seven", world(me))
    assert one.lease == hired.lease.id
    assert one.hourly == written.hourly
    assert one.burned == written.hourly / 2
    assert (one.budget, one.by, one.ends, one.disk) == (None, "ttl", written.label.expires - 45, None)
    me.clock.seconds -= 3600
    (early,) = standing("seven", world(me))
    assert early.burned == 0, "a clock that was set back costs nothing"
    me.book.note(replace(written.attempt, contracts=("5", "6")))
    assert [one.lease for one in standing("seven", world(me))] == ["5", "6"]


def test_a_machine_that_stands_still_costs_its_disk_alone(me: Person) -> None:
    lease = me.hire().lease
    for state, storage, disk in (
        (LeaseState.STOPPED, Decimal("0.25"), Decimal("0.25")),
        (LeaseState.STOPPED, None, Decimal(0)),
        (LeaseState.RUNNING, Decimal("0.25"), None),
        (LeaseState.OUTBID, Decimal("0.125"), Decimal("0.125")),
    ):
        me.clock.seconds += 10
        me.book.saw(replace(lease, state=state, hourly=Hourly(Decimal(1), storage)))
        (one,) = standing("seven", world(me))
        assert one.disk == disk


def test_a_ledger_that_cannot_be_read_says_nothing(me: Person, tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").mkdir()
    assert standing("seven", World(me.clock, world(me).ledger, ModelStore(tmp_path / "m"), tmp_path)) == ()
