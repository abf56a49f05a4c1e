"""What people are told, and when: each thing once it holds, the most urgent of each sort last."""

from dataclasses import replace
from decimal import Decimal

import pytest

from swarmctl.core.leasing.notices import SCHEMA, SHARES, Standing, due, event, latest

NOW = Standing("seven", "42", 1000.0, 9000.0, 7955.0, "ttl", Decimal("1"), Decimal("4"))


def kinds(now: Standing) -> list[str]:
    return [one.kind for one in due(now)]


@pytest.mark.parametrize(
    ("spent", "told"),
    [("1.999", []), ("2", ["spent-50"]), ("3.2", ["spent-50", "spent-80"]),
     ("3.8", ["spent-50", "spent-80", "spent-95"])],
)  # fmt: skip
def test_shares_of_the_budget_are_told_as_they_are_passed(spent: str, told: list[str]) -> None:
    assert kinds(replace(NOW, spent=Decimal(spent))) == told
    assert SHARES == (50, 80, 95)


def test_without_a_budget_or_a_figure_no_share_is_told() -> None:
    for budget in (None, Decimal(0)):
        assert kinds(replace(NOW, spent=Decimal(9), budget=budget)) == []
    assert kinds(replace(NOW, spent=None)) == []


@pytest.mark.parametrize(("left", "told"), [(900.1, []), (900, ["ends-15m"]), (300, ["ends-15m", "ends-5m"])])
def test_the_end_is_told_at_fifteen_and_at_five_minutes(left: float, told: list[str]) -> None:
    assert kinds(replace(NOW, left=left)) == told


def test_what_is_told_says_what_to_type() -> None:
    (ttl,) = due(replace(NOW, left=600))
    assert ttl.text == "machine 42 of swarm 'seven': it ends in 10m by its ttl; swarmctl extend --lease 42 --ttl +1h"
    (budget,) = due(replace(NOW, left=600, by="budget"))
    assert budget.text.endswith("by its budget; swarmctl extend --lease 42 --budget 8")
    assert (ttl.key, budget.key) == ("ends-15m@ttl-9000", "ends-15m@budget-4")
    for left, told in ((-5.0, "it is over by its ttl;"), (0.0, "it is over by its ttl;"), (0.6, "it ends in 1s")):
        assert told in due(replace(NOW, left=left))[0].text


def test_a_later_end_or_a_larger_budget_makes_a_notice_due_anew() -> None:
    near = replace(NOW, left=600.0, spent=Decimal(2))
    keys = {one.key for one in due(near)}
    assert {one.key for one in due(replace(near, at=1010.0, left=590.0))} == keys
    assert not {one.key for one in due(replace(near, expires=9999.0, budget=Decimal("2.5")))} & keys


def test_of_each_sort_only_the_most_urgent_is_said() -> None:
    found = latest(due(replace(NOW, left=100.0, spent=Decimal("3.9"))))
    assert [one.kind for one in found] == ["spent-95", "ends-5m"]
    assert latest(()) == ()


def test_a_notice_as_json_has_money_as_text_and_no_key() -> None:
    one = event(replace(NOW, spent=Decimal("1.23456789")), "leak", "it MAY STILL BILL")
    assert one.as_json() == {
        "schema": SCHEMA, "kind": "leak", "text": "machine 42 of swarm 'seven': it MAY STILL BILL", "swarm": "seven",
        "lease": "42", "at": 1000.0, "left": 7955.0, "spent": "1.234568", "budget": "4",
    }  # fmt: skip
    assert event(replace(NOW, spent=None, budget=None), "released", "gone").as_json()["spent"] is None
