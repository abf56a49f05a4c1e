"""What a yes agrees to, and that the guard is told the same."""

from decimal import Decimal

import pytest

from fakes.hired import NEED, person
from swarmctl.core.leasing.guardfile import GuardFile
from swarmctl.core.leasing.label import Label
from swarmctl.core.leasing.lease import Hourly, Lease
from swarmctl.core.leasing.limits import Terms
from swarmctl.core.leasing.promise import Armed, Promise, guard_settings, promise
from swarmctl.core.leasing.ranking import Choice, rank
from swarmctl.core.leasing.state import LeaseState
from swarmctl.core.target import VastTarget

GIVEN = Promise(Decimal("0.5"), 7200, 1800, Decimal(3), "save-then-destroy", ("a note",))
LEASE = Lease("42", None, "", LeaseState.RUNNING, hourly=Hourly(Decimal("0.4"), Decimal("0.05")))


@pytest.fixture(scope="module")
def choice() -> Choice:
    return rank(NEED, person(offers=1).vast.offers(NEED).offers).choices[0]


@pytest.mark.parametrize(("budget", "most"), [("3", "1.25"), ("1.25", "1.25"), ("0.7", "0.7")])
def test_whatever_ends_first_is_the_most_that_it_costs(budget: str, most: str) -> None:
    assert Promise(Decimal("0.5"), 7200, 0, Decimal(budget), "destroy").most == Decimal(most)


def test_the_limits_are_said_in_one_line() -> None:
    assert GIVEN.text() == "ends after 2h, 30m without work, or $3.00; then: save-then-destroy"
    assert Promise(Decimal(1), 3600, 0, Decimal(2), "stop").text() == "ends after 1h, or $2.00; then: stop"


def test_money_is_text_in_json() -> None:
    assert GIVEN.as_json() == {
        "dollars_per_hour": "0.500000",
        "budget_dollars": "3",
        "ttl_seconds": 7200,
        "idle_seconds": 1800,
        "at_end": "save-then-destroy",
        "notes": ["a note"],
    }


def test_where_nobody_names_a_budget_it_is_the_price_and_a_quarter_rounded_up(choice: Choice) -> None:
    target = VastTarget(ttl=7200, idle=60, at_end="stop")
    found = promise(target, choice, ("x",))
    assert (found.hourly, found.ttl, found.idle, found.at_end) == (choice.hourly, 7200, 60, "stop")
    assert found.notes == ("x",)
    assert 0 <= found.budget - choice.total.dollars * Decimal("1.25") < Decimal("0.01")
    assert found.budget.as_tuple().exponent == -2
    assert promise(target.model_copy(update={"budget": Decimal(9)}), choice).budget == 9


def test_the_guard_is_told_the_same() -> None:
    told = guard_settings(LEASE, GIVEN, 1000, "https://market")
    assert told == GuardFile(
        "https://market",
        "42",
        Terms(8200, 1000, 450_000, 3_000_000, idle=1800, at_end="save-then-destroy"),
    )
    ours = Label("seven", "0" * 16, "1" * 16, 5000)
    labelled = Lease("42", ours, str(ours), LeaseState.RUNNING, hourly=LEASE.hourly)
    assert guard_settings(labelled, GIVEN, 1000, "https://market").terms.deadline == 5000
    with pytest.raises(ValueError, match="costs"):
        guard_settings(Lease("42", None, "", LeaseState.RUNNING), GIVEN, 1000, "https://market")


def test_the_machines_key_goes_with_the_settings_and_is_never_shown() -> None:
    settings = guard_settings(LEASE, GIVEN, 1000, "https://market")
    armed = Armed(settings, "s3cr3t")
    assert armed.variables() == {**settings.variables(), "guard_key": "s3cr3t"}
    assert "s3cr3t" not in repr(armed)
