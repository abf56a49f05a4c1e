"""Longer, or for more: what holds then, what it costs, and what is refused."""

from dataclasses import replace
from decimal import Decimal

import pytest

from swarmctl.core.leasing.extending import LONGEST, Extension, Longer, Standing, extended
from swarmctl.core.leasing.label import Label
from swarmctl.core.leasing.lease import Hourly, Lease
from swarmctl.core.leasing.state import LeaseState
from swarmctl.core.units import as_duration
from swarmctl.errors import CapacityError, ProviderError, SpecError, SwarmctlError

NOW = 1_800_000_000
HOUR = 3600
LABEL = Label("seven", "0" * 16, "1" * 8, NOW + 2 * HOUR)
LEASE = Lease("7", LABEL, str(LABEL), LeaseState.RUNNING, hourly=Hourly(Decimal("0.9"), Decimal("0.1")))
KNOWN = Standing(NOW, spent=Decimal(3))


def money(text: str) -> Decimal:
    return Decimal(text)


@pytest.mark.parametrize(
    ("wish", "hours", "ahead", "more"),
    [
        (Longer(ttl=4 * HOUR), 4, "4", "2"),
        (Longer(ttl=4 * HOUR, on_top=True), 6, "6", "4"),
        (Longer(ttl=2 * HOUR), 2, "2", "0"),
        (Longer(budget=money("20")), 2, "2", "0"),
    ],
)
def test_what_it_costs_follows_from_the_new_end(wish: Longer, hours: int, ahead: str, more: str) -> None:
    plan = extended(LEASE, wish, KNOWN)
    assert plan.label.expires == NOW + hours * HOUR
    assert (plan.label.nonce, plan.label.owner) == (LABEL.nonce, LABEL.owner)
    # the guard begins to end it 45 seconds before
    assert money(ahead) - plan.ahead == pytest.approx(money("0.0125"), abs=money("0.000001"))
    assert plan.more == pytest.approx(money(more), abs=money("0.000001"))
    assert plan.cause == "ttl"
    assert plan.warnings == (plan.end - 900, plan.end - 300)


def test_a_budget_ends_it_before_its_time_does() -> None:
    plan = extended(LEASE, Longer(ttl=8 * HOUR), replace(KNOWN, budget=money("4")))
    assert plan.cause == "budget"
    assert plan.end < NOW + HOUR
    assert plan.ahead < 1
    assert plan.more == 0, "time alone does not let it cost more"


def test_a_larger_budget_lets_it_run_to_its_time() -> None:
    plan = extended(LEASE, Longer(budget=money("30")), replace(KNOWN, budget=money("4")))
    assert (plan.cause, plan.budget) == ("ttl", money("30"))
    assert plan.more > 0


@pytest.mark.parametrize(
    ("wish", "known", "lease", "error", "said"),
    [
        (Longer(), KNOWN, LEASE, SpecError, "neither time nor money"),
        (Longer(ttl=HOUR), KNOWN, LEASE, SpecError, "promised for 2h more"),
        (Longer(ttl=0), KNOWN, LEASE, SpecError, "cannot be held"),
        (Longer(ttl=10**18), KNOWN, LEASE, SpecError, "cannot be held"),
        (Longer(ttl=366 * 86400), KNOWN, LEASE, SpecError, "cannot be held"),
        (Longer(ttl=4 * HOUR), KNOWN, replace(LEASE, ends=NOW + 3.5 * HOUR), CapacityError, "contract ends in 3h30m"),
        (Longer(ttl=4 * HOUR), KNOWN, replace(LEASE, ends=0.0), CapacityError, "contract ends in 0s"),
        (Longer(ttl=4 * HOUR), replace(KNOWN, credit=money("3")), LEASE, CapacityError, "that credit lasts 3h"),
        (Longer(ttl=4 * HOUR), replace(KNOWN, credit=money("-3")), LEASE, CapacityError, "-$3"),
        (Longer(budget=money("2")), KNOWN, LEASE, SpecError, "spent already"),
        (Longer(budget=money("9")), replace(KNOWN, budget=money("10")), LEASE, SpecError, "take some back"),
        (Longer(budget=money("NaN")), KNOWN, LEASE, SpecError, "no budget"),
        (Longer(budget=money("-1")), KNOWN, LEASE, SpecError, "no budget"),
        (Longer(ttl=4 * HOUR), KNOWN, replace(LEASE, label=None), SpecError, "not ours"),
        (Longer(ttl=4 * HOUR), KNOWN, replace(LEASE, hourly=Hourly()), ProviderError, "does not say what"),
    ],
)
def test_what_is_refused(wish: Longer, known: Standing, lease: Lease, error: type[SwarmctlError], said: str) -> None:
    with pytest.raises(error) as refused:
        extended(lease, wish, known)
    assert said in f"{refused.value.message} {refused.value.detail}"


def test_the_end_that_a_contract_allows_can_be_typed_as_it_is_said() -> None:
    lease = replace(LEASE, ends=NOW + 3.51 * HOUR)
    with pytest.raises(CapacityError) as refused:
        extended(lease, Longer(ttl=4 * HOUR), KNOWN)
    assert refused.value.hint == "swarmctl extend --lease 7 --ttl 3h30m"
    assert extended(lease, Longer(ttl=3 * HOUR + 1800), KNOWN).label.expires == NOW + 3.5 * HOUR


def test_credit_that_just_lasts_is_enough() -> None:
    plan = extended(LEASE, Longer(ttl=4 * HOUR), KNOWN)
    assert isinstance(extended(LEASE, Longer(ttl=4 * HOUR), replace(KNOWN, credit=plan.ahead)), Extension)
    with pytest.raises(CapacityError):
        extended(LEASE, Longer(ttl=4 * HOUR), replace(KNOWN, credit=plan.ahead - money("0.000001")))


def test_a_machine_that_costs_nothing_lasts() -> None:
    free = replace(LEASE, hourly=Hourly(money("0")))
    assert extended(free, Longer(ttl=4 * HOUR), replace(KNOWN, credit=money("0"))).ahead == 0


HALF = replace(LEASE, hourly=Hourly(money("0.5")))
FREE = replace(LEASE, hourly=Hourly(money("0")))


@pytest.mark.parametrize(
    ("wish", "known", "lease"),
    [
        (Longer(ttl=LONGEST), KNOWN, LEASE),
        (Longer(ttl=4 * HOUR), KNOWN, replace(LEASE, ends=NOW + 4.0 * HOUR)),
        (Longer(budget=money("10")), replace(KNOWN, budget=money("10")), LEASE),
        (Longer(budget=money("0.5")), replace(KNOWN, spent=money("0")), LEASE),
        (Longer(budget=money("3.000001")), KNOWN, LEASE),
        (Longer(ttl=4 * HOUR), replace(KNOWN, credit=money("0")), FREE),
    ],
)
def test_what_is_just_allowed(wish: Longer, known: Standing, lease: Lease) -> None:
    assert extended(lease, wish, known).lease is lease


@pytest.mark.parametrize(
    ("wish", "known", "lease", "said"),
    [
        (Longer(ttl=LONGEST + 1), KNOWN, LEASE, f"held for {as_duration(LONGEST + 1)} from now"),
        (Longer(ttl=4 * HOUR), KNOWN, replace(LEASE, ends=NOW + 4.0 * HOUR - 1), "contract ends in"),
        (Longer(budget=money("0")), KNOWN, LEASE, "0 is no budget"),
        (Longer(budget=money("3")), KNOWN, LEASE, "spent already"),
        (Longer(ttl=8 * HOUR), replace(KNOWN, credit=money("3")), HALF, "$0.50/h with its disk; that credit lasts 6h"),
        (Longer(ttl=4 * HOUR), replace(KNOWN, credit=money("-1")), FREE, "that credit lasts for ever"),
        (Longer(budget=money("1e12")), KNOWN, LEASE, "cannot be told"),
    ],
)
def test_what_is_just_refused(wish: Longer, known: Standing, lease: Lease, said: str) -> None:
    with pytest.raises(SwarmctlError) as refused:
        extended(lease, wish, known)
    assert said in f"{refused.value.message} {refused.value.detail}"


@pytest.mark.parametrize(("left", "hint"), [(59, ""), (60, "swarmctl extend --lease 7 --ttl 60s")])
def test_a_contract_that_is_all_but_over_is_not_extended_to_its_end(left: int, hint: str) -> None:
    with pytest.raises(CapacityError) as refused:
        extended(replace(LEASE, ends=float(NOW + left)), Longer(ttl=4 * HOUR), KNOWN)
    assert refused.value.hint == hint


def test_what_should_have_ended_before_costs_no_more() -> None:
    assert extended(LEASE, Longer(budget=money("3.000001")), KNOWN).ahead == 0
