"""What machines were seen to cost is kept where it changes, and read back to the last digit."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from fakes.tinymarket import START, Hours
from swarmctl.core.leasing.lease import Hourly, Lease
from swarmctl.core.leasing.meter import Sighting
from swarmctl.core.leasing.state import LeaseState
from swarmctl.effects.providers.leasebook import LeaseBook
from swarmctl.effects.providers.meterbook import MeterBook

PRICES = Hourly(Decimal("0.3"), Decimal("0.0125"), Decimal("0.3125"), Decimal("0.02"), Decimal("0.01"))
LEASE = Lease("7", None, "", LeaseState.RUNNING, hourly=PRICES)


@pytest.fixture
def clock() -> Hours:
    return Hours()


@pytest.fixture
def book(tmp_path: Path, clock: Hours) -> MeterBook:
    return MeterBook(tmp_path / "state" / "ledger.sqlite", clock)


def test_looking_makes_no_book(book: MeterBook, tmp_path: Path) -> None:
    assert book.sightings("7") == ()
    assert book.budget("x") is None
    assert list(tmp_path.iterdir()) == []


def test_a_sighting_is_kept_where_it_differs(book: MeterBook, clock: Hours) -> None:
    stopped = replace(LEASE, state=LeaseState.STOPPED)
    dearer = replace(LEASE, hourly=replace(PRICES, up=Decimal("0.02")))
    for lease in (LEASE, LEASE, stopped, stopped, LEASE, dearer, replace(LEASE, id="8")):
        book.saw(lease)
        clock.seconds += 10
    began = START.timestamp()
    assert book.sightings("7") == (
        Sighting(began, True, PRICES),
        Sighting(began + 20, False, PRICES),
        Sighting(began + 40, True, PRICES),
        Sighting(began + 50, True, dearer.hourly),
    )
    assert book.sightings("8") == (Sighting(began + 60, True, PRICES),)
    assert book.sightings("9") == ()


@pytest.mark.parametrize("hourly", [Hourly(), Hourly(total=Decimal(1)), Hourly(base=Decimal("0.1")),
                                    Hourly(storage=Decimal("1E-7"))])  # fmt: skip
def test_what_the_market_does_not_say_is_not_made_up(book: MeterBook, hourly: Hourly) -> None:
    book.saw(replace(LEASE, hourly=hourly))
    (seen,) = book.sightings("7")
    assert seen.hourly == hourly


def test_a_machine_that_is_seen_twice_at_once_is_as_it_was_last(book: MeterBook) -> None:
    book.saw(LEASE)
    book.saw(replace(LEASE, state=LeaseState.STOPPED))
    assert [seen.computes for seen in book.sightings("7")] == [False]


def test_a_budget_is_of_one_attempt_and_may_change(book: MeterBook) -> None:
    book.promise("a", Decimal("1.5"))
    book.promise("b", Decimal(2))
    book.promise("a", Decimal("2.50"))
    assert str(book.budget("a")) == "2.50"
    assert book.budget("b") == 2
    assert book.budget("c") is None


def test_the_lease_book_hands_on_what_it_sees(clock: Hours, tmp_path: Path) -> None:
    book = LeaseBook(tmp_path / "ledger.sqlite", clock)
    book.saw(LEASE)
    assert len(book.meter.sightings("7")) == 1
