"""Whether an account's credit pays the first hour."""

from dataclasses import replace
from decimal import Decimal

import pytest

from fakes.hired import NEED, person
from swarmctl.core.leasing.affording import affordable, first_hour
from swarmctl.core.leasing.ranking import Choice, rank
from swarmctl.errors import CapacityError


@pytest.fixture(scope="module")
def choices() -> tuple[Choice, ...]:
    return rank(NEED, person(offers=3).vast.offers(NEED).offers).choices


def test_the_first_hour_is_more_than_an_hour(choices: tuple[Choice, ...]) -> None:
    for choice in choices:
        parts = choice.total.start + choice.total.traffic
        assert first_hour(choice) == choice.hourly + parts > choice.hourly


def test_the_credit_decides_to_the_last_fraction(choices: tuple[Choice, ...]) -> None:
    exactly = first_hour(choices[0])
    assert affordable(choices, exactly) == choices[:1]
    with pytest.raises(CapacityError):
        affordable(choices, exactly - Decimal("0.000000001"))


def test_credit_that_is_not_told_stops_nobody(choices: tuple[Choice, ...]) -> None:
    assert affordable(choices, None) == choices
    assert affordable((), Decimal(0)) == ()


@pytest.mark.parametrize("credit", ["0", "-4.5", "0.10"])
def test_the_figures_and_what_to_do_are_said(choices: tuple[Choice, ...], credit: str) -> None:
    dear = [replace(choice, hourly=choice.hourly + 10) for choice in choices[1:]]
    with pytest.raises(CapacityError) as refused:
        affordable([*dear, choices[0]], Decimal(credit))
    said = refused.value
    assert "-$4.50" in said.message or credit != "-4.5"
    assert f"offer {choices[0].offer.id}" in said.detail, "the cheapest"
    assert "60 GB of disk" in said.detail
    assert said.hint.startswith("add at least $0." if credit != "-4.5" else "add at least $4.")


def test_each_part_of_the_first_hour_counts_and_the_way_to_it_is_said(choices: tuple[Choice, ...]) -> None:
    total = replace(choices[0].total, start=Decimal("0.25"), traffic=Decimal("0.5"))
    choice = replace(choices[0], hourly=Decimal(2), total=total)
    assert first_hour(choice) == Decimal("2.75")
    with pytest.raises(CapacityError) as refused:
        affordable([choice], Decimal("0.5"))
    assert refused.value.detail.endswith("GB of disk, and $0.75 until it works")
    assert "$2.25" in refused.value.hint
    with pytest.raises(CapacityError) as owing:
        affordable([choice], Decimal(-4))
    assert "$6.75" in owing.value.hint, "what is owed is paid first"
    free = replace(choice, total=replace(total, start=Decimal(0), traffic=Decimal(0)))
    with pytest.raises(CapacityError) as plain:
        affordable([free], Decimal(0))
    assert plain.value.detail.endswith("GB of disk")
