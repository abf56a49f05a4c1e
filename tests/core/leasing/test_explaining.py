"""Ours beside the market's, and the reason where they differ."""

from dataclasses import replace
from decimal import Decimal

import pytest

from swarmctl.core.leasing.account import Charge
from swarmctl.core.leasing.explaining import Explained, Part, explain
from swarmctl.core.leasing.meter import Metered

HOUR = 3600.0
OURS = Metered(
    Decimal("1.8"), Decimal("0.2"), 2 * HOUR, 2 * HOUR, Decimal("0.9"), Decimal("0.1"), Decimal("0.02"), Decimal(0)
)


def charge(kind: str, amount: str, hours: float = 2, lease: str = "7") -> Charge:
    return Charge(lease, "swarmctl/x", kind, Decimal(amount), 0.0 + HOUR, HOUR + hours * HOUR)


def part(name: str, *charges: Charge, ours: Metered = OURS) -> Part:
    return next(one for one in explain(ours, charges, "7").parts if one.name == name)


DISK = charge("disk", "0.200")


@pytest.mark.parametrize(
    ("charged", "said", "explained"),
    [
        (charge("gpu", "1.800"), "", True),
        (charge("gpu", "1.801"), "rounding", True),
        (charge("gpu", "1.802"), "no reason is known", False),
        (charge("gpu", "0.900"), "1h are charged at $0.90/h, and we counted 2h: while it starts", True),
        (charge("gpu", "2.700", hours=3), "3h are charged at $0.90/h, and we counted 2h: it took longer", True),
        (charge("gpu", "2.700", hours=2), "no reason is known", False),
        (charge("gpu", "9.000", hours=3), "no reason is known", False),
    ],
)
def test_the_cards_part(charged: Charge, said: str, explained: bool) -> None:
    found = part("gpu", charged, DISK)
    assert found.ours == Decimal("1.8")
    assert found.difference == charged.amount - Decimal("1.8")
    assert said in found.reason
    assert bool(found.reason) is (found.difference != 0)
    assert found.explained is explained


@pytest.mark.parametrize(
    ("amount", "hours", "explained"), [("0.200", 2, True), ("0.100", 1, True), ("0.100", 2, False), ("0.300", 3, True)]
)
def test_the_disks_part_has_no_free_minutes(amount: str, hours: float, explained: bool) -> None:
    assert part("disk", charge("gpu", "1.8"), charge("disk", amount, hours)).explained is explained


def test_traffic_is_said_in_gigabytes_and_only_where_it_has_a_price() -> None:
    found = part("download", DISK, charge("bwd", "0.400"))
    assert (found.ours, found.theirs, found.explained) == (None, Decimal("0.400"), True)
    assert found.reason.startswith("20.0 GB at $0.020/GB")
    assert not part("upload", DISK, charge("bwu", "0.400")).explained


def test_others_machines_are_no_part_of_it() -> None:
    found = explain(OURS, [charge("gpu", "1.8"), DISK, charge("gpu", "50", lease="8")], "7")
    assert (found.theirs, found.ours, found.unexplained, found.to_the_cent) == (Decimal("2.000"), Decimal(2), 0, True)


def test_without_any_charge_nothing_is_explained() -> None:
    found = explain(OURS, [charge("gpu", "1.8", lease="8")], "7")
    assert not found.to_the_cent
    assert found.theirs == 0
    assert "nothing is charged yet" in found.parts[0].reason


def test_a_bill_that_is_not_broken_down_is_compared_whole() -> None:
    assert explain(OURS, [charge("", "2.000")], "7").to_the_cent
    assert not explain(OURS, [charge("", "2.500")], "7").to_the_cent
    assert [one.name for one in explain(OURS, [charge("", "2.000")], "7").parts] == ["in all"]


def test_differences_do_not_make_up_for_each_other() -> None:
    off = Part("gpu", Decimal(1), Decimal(2), "?", explained=False)
    other = Part("disk", Decimal(2), Decimal(1), "?", explained=False)
    assert Explained((off, other)).unexplained == 2


def test_a_machine_that_was_free_and_is_charged_for_has_no_reason() -> None:
    free = replace(OURS, gpu=Decimal(0), gpu_rate=Decimal(0))
    found = part("gpu", charge("gpu", "1"), ours=free)
    assert not found.explained
    assert "free" in found.reason
