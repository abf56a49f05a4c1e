"""What the market says of the account is read to the last field, and nothing that it may hold instead breaks that."""

from decimal import Decimal
from typing import Any

import pytest

from swarmctl.core.leasing.account import Account, Charge, PublicKey, read_account, read_charges, read_keys

BILLION = 10**9


@pytest.mark.parametrize(
    ("document", "account"),
    [
        ({"id": 5, "credit": 12.5}, Account("5", Decimal("12.5"))),
        ({"id": 5}, Account("5", None)),
        ({"credit": -3}, Account("", Decimal(-3))),
        ({"id": 5, "credit": BILLION}, Account("5", Decimal(BILLION))),
        ({"id": 5, "credit": BILLION + 1}, Account("5", None)),
        ({"id": 5, "credit": -BILLION}, Account("5", Decimal(-BILLION))),
        ({"id": 5, "credit": -BILLION - 1}, Account("5", None)),
        ("5", None),
    ],
)
def test_who_pays_and_what_is_left(document: Any, account: Account | None) -> None:
    assert read_account(document) == account


@pytest.mark.parametrize("name", ["public_key", "key", "ssh_key"])
@pytest.mark.parametrize("wrap", [list, lambda keys: {"ssh_keys": keys}, lambda keys: {"ssh_keys": 5, "keys": keys}])
def test_keys_are_found_under_every_name(name: str, wrap: Any) -> None:
    assert read_keys(wrap([{"id": 1, name: " ssh-rsa AAAA "}])) == (PublicKey("1", "ssh-rsa AAAA"),)


def test_a_key_without_a_text_is_one_that_nobody_has() -> None:
    assert read_keys([{"id": 1, "key": 5}]) == (PublicKey("1", ""),)
    assert read_keys([{"id": 1, "key": "x" * 20000}]) == (PublicKey("1", "x" * 16384),)


CHARGE: dict[str, Any] = {"source": "instance-7", "amount": 0.5, "metadata": {"label": "x"}, "start": 10, "end": 20}


@pytest.mark.parametrize(
    ("changes", "charge"),
    [
        ({}, Charge("7", "x", "", Decimal("0.5"), 10.0, 20.0)),
        ({"metadata": None}, Charge("7", "", "", Decimal("0.5"), 10.0, 20.0)),
        ({"metadata": {"label": 5}}, Charge("7", "", "", Decimal("0.5"), 10.0, 20.0)),
        ({"items": {"amount": 9}}, Charge("7", "x", "", Decimal("0.5"), 10.0, 20.0)),
        ({"type": "gpu"}, Charge("7", "x", "", Decimal("0.5"), 10.0, 20.0)),
        ({"start": None}, Charge("7", "x", "", Decimal("0.5"), None, 20.0)),
        ({"start": 10**11, "end": 10**11 + 1}, Charge("7", "x", "", Decimal("0.5"), 1e11, None)),
        ({"amount": BILLION}, Charge("7", "x", "", Decimal(BILLION), 10.0, 20.0)),
        ({"amount": -BILLION}, Charge("7", "x", "", Decimal(-BILLION), 10.0, 20.0)),
        ({"items": [{"type": "gpu", "amount": 1}]}, Charge("7", "x", "gpu", Decimal(1), 10.0, 20.0)),
        ({"items": [{"amount": 1, "start": 12, "end": 13}]}, Charge("7", "x", "", Decimal(1), 12.0, 13.0)),
        ({"items": [{"amount": 1, "start": 10**11 + 1}]}, Charge("7", "x", "", Decimal(1), 10.0, 20.0)),
        ({"start": 10**11, "items": [{"amount": 1}]}, Charge("7", "x", "", Decimal(1), 1e11, 20.0)),
    ],
)
def test_what_a_charge_is_for(changes: dict[str, Any], charge: Charge) -> None:
    assert read_charges([{**CHARGE, **changes}]) == (charge,)


@pytest.mark.parametrize("amount", [BILLION + 1, -BILLION - 1, None, "x"])
def test_a_sum_without_one_of_its_parts_is_none(amount: Any) -> None:
    assert read_charges([CHARGE, {**CHARGE, "amount": amount}]) is None
    assert read_charges([{**CHARGE, "items": [{"amount": amount}]}]) is None


def test_what_is_no_machines_is_left_out_wherever_it_stands() -> None:
    others = [{"source": "volume-3", "amount": "x"}, {"source": 5}, {"amount": 1}]
    assert read_charges([*others, CHARGE, *others, CHARGE]) == read_charges([CHARGE, CHARGE])
    assert len(read_charges([*others, CHARGE]) or ()) == 1
