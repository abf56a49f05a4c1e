"""The guard's decisions: every limit fires on time, work is saved where it can be, and a budget is never passed."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmctl.core.leasing.limits import IDLE, TTL, Act, Decision, Facts, Terms, decide, ends

START = 1_800_000_000.0
TERMS = Terms(START + 8 * 3600, budget=Decimal(10), idle=1800, reserve=120, grace=900, tick=30, parting=60)
FACTS = Facts(START, Decimal(0), Decimal(1), START)


def at(seconds: float, terms: Terms = TERMS, **known: Any) -> Decision:
    facts = replace(FACTS, now=START + seconds, last_use=START + seconds)
    return decide(terms, replace(facts, **known))


def test_nothing_happens_before_its_time() -> None:
    assert at(60) == Decision(Act.CONTINUE, "idle", 1800.0)
    assert at(60, working=True) == Decision(Act.CONTINUE, "ttl", 8 * 3600 - 60 - 30)


def test_the_time_limit_ends_it_one_look_early() -> None:
    assert at(8 * 3600 - 31, working=True).act is not Act.DESTROY
    assert at(8 * 3600 - 30, working=True) == Decision(Act.DESTROY, "ttl", 0.0)


def test_the_budget_ends_it_with_what_a_look_and_the_parting_cost_in_hand() -> None:
    rate = Decimal("3.6")  # a thousandth of a dollar a second
    broke = {"spent": Decimal("9.91"), "rate": rate, "working": True}
    assert at(0, **broke) == Decision(Act.DESTROY, "budget", 0.0)
    assert at(0, **{**broke, "spent": Decimal("9.909")}).act is not Act.DESTROY
    assert at(0, spent=Decimal(10), rate=Decimal(0)).act is Act.DESTROY
    assert at(0, spent=Decimal(11), rate=Decimal(0)).cause == "budget"


def test_without_a_budget_and_for_nothing_only_time_counts() -> None:
    assert ends(replace(TERMS, budget=None), FACTS) == (START + 8 * 3600 - 30, "ttl")
    assert ends(TERMS, replace(FACTS, rate=Decimal(0))) == (START + 8 * 3600 - 30, "ttl")
    assert ends(TERMS, FACTS) == (START + 8 * 3600 - 30, "ttl")
    assert ends(replace(TERMS, budget=Decimal(1)), FACTS) == (START + 3600 - 90, "budget")


def test_idle_ends_it_and_work_does_not_count_as_idle() -> None:
    last = {"last_use": START}
    assert at(1799, **last).act is Act.WARN
    assert at(1800, **last) == Decision(Act.DESTROY, "idle", 0.0)
    assert at(1800, working=True, **last).act is Act.CONTINUE
    assert at(1800, replace(TERMS, idle=0), **last).act is Act.CONTINUE


def test_results_that_nobody_fetched_hold_idle_back_for_the_grace_and_no_longer() -> None:
    known = {"last_use": START, "unfetched": True}
    assert at(1800, **known) == Decision(Act.HOLD, "idle", 900.0)
    assert at(2699, **known) == Decision(Act.HOLD, "idle", 1.0)
    assert at(2700, **known).act is Act.SAVE
    assert at(1800, replace(TERMS, at_end="destroy"), **known).act is Act.DESTROY
    assert at(1800, replace(TERMS, at_end="stop"), **known).act is Act.STOP


def test_saving_begins_in_the_reserve_before_a_hard_end() -> None:
    hard = 8 * 3600 - 30
    known = {"working": True, "unfetched": True, "warned": frozenset({900, 300})}
    assert at(hard - 121, **known).act is Act.CONTINUE
    assert at(hard - 120, **known) == Decision(Act.SAVE, "ttl", 120.0)
    assert at(hard, **known).act is Act.DESTROY
    assert at(hard - 120, **{**known, "unfetched": False}).act is Act.CONTINUE
    assert at(hard - 120, replace(TERMS, at_end="destroy"), **known).act is Act.CONTINUE


def test_saving_ends_when_all_is_fetched_or_the_grace_is_over() -> None:
    known = {"saving": START + 100, "unfetched": True, "last_use": START}
    assert at(110, **known).act is Act.SAVE
    assert at(999, **known).act is Act.SAVE
    assert at(1000, **known).act is Act.DESTROY
    assert at(110, **{**known, "unfetched": False}).act is Act.DESTROY
    assert at(110, replace(TERMS, at_end="stop"), **{**known, "unfetched": False}).act is Act.STOP


def test_a_used_up_budget_is_never_merely_stopped() -> None:
    terms = replace(TERMS, at_end="stop")
    assert at(0, terms, spent=Decimal(10)).act is Act.DESTROY
    assert at(8 * 3600, terms, working=True).act is Act.STOP


def test_people_are_told_at_fifteen_and_at_five_minutes_once() -> None:
    hard = 8 * 3600 - 30
    assert at(hard - 901, working=True).act is Act.CONTINUE
    assert at(hard - 900, working=True) == Decision(Act.WARN, "ttl", 900.0, 900)
    told = frozenset({900})
    assert at(hard - 600, working=True, warned=told).act is Act.CONTINUE
    assert at(hard - 300, working=True, warned=told) == Decision(Act.WARN, "ttl", 300.0, 300)
    assert at(hard - 299, working=True, warned=frozenset({900, 300})).act is Act.CONTINUE
    assert at(hard - 200, working=True) == Decision(Act.WARN, "ttl", 200.0, 300), "the later warning says it all"
    assert at(hard - 200, working=True, warned=frozenset({300})).act is Act.CONTINUE
    assert at(1000, last_use=START).cause == "idle"


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ({"expires": float("nan")}, "held until"), ({"expires": float("inf")}, "held until"), ({"expires": 0}, "held"),
        ({"expires": -5.0}, "held until"), ({"budget": Decimal("NaN")}, "no budget"),
        ({"budget": Decimal(-1)}, "no budget"),
        ({"budget": Decimal("Infinity")}, "no budget"), ({"idle": -1}, "negative"), ({"reserve": -1}, "negative"),
        ({"grace": -1}, "negative"), ({"tick": -1}, "negative"), ({"parting": -1}, "negative"),
    ],
)  # fmt: skip
def test_terms_under_which_nothing_ends_are_refused(terms: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        replace(TERMS, **terms)
    assert replace(TERMS, budget=Decimal(0), idle=0, reserve=0, grace=0, tick=0, parting=0)


@pytest.mark.parametrize(
    "known",
    [
        {"now": float("nan")}, {"last_use": float("nan")}, {"saving": float("nan")}, {"now": float("inf")},
        {"spent": Decimal("NaN")}, {"spent": Decimal(-1)}, {"rate": Decimal(-1)}, {"rate": Decimal("Infinity")},
    ],
)  # fmt: skip
def test_a_guard_does_not_compare_with_what_is_no_number(known: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no number|less than nothing"):
        replace(FACTS, **known)


money = st.decimals(0, 1000, places=4)


@given(
    st.floats(0, 10**6),
    money,
    money,
    st.floats(-(10**6), 10**6),
    st.booleans(),
    st.booleans(),
    st.sampled_from(("save", "stop", "destroy")),
)
def test_past_a_limit_it_always_ends(
    seconds: float, spent: Decimal, rate: Decimal, used: float, working: bool, unfetched: bool, how: Any
) -> None:
    """Whatever else is known, no limit is passed by a machine that runs on."""
    terms = replace(TERMS, at_end=how)
    facts = Facts(START + seconds, spent, rate, START + used, working, unfetched)
    found = decide(terms, facts)
    over = seconds >= 8 * 3600 - 30 or spent + rate * 90 / 3600 >= 10
    assert (found.act in {Act.DESTROY, Act.STOP}) or not over
    if spent >= 10:
        assert found.act is Act.DESTROY or (how == "stop" and seconds >= 8 * 3600 - 30 and found.cause == "ttl")


@given(st.decimals("0.01", 20, places=3), st.decimals("0.01", 30, places=2), st.integers(1, 120))
def test_a_machine_that_obeys_never_costs_more_than_its_budget(budget: Decimal, rate: Decimal, tick: int) -> None:
    """Looking every tick, and taking all of the parting to go."""
    terms = Terms(START + 10**7, budget, idle=0, tick=tick, parting=60)
    per_second = rate / 3600
    free = float(budget / per_second) - tick - 60
    looks = max(0, int(free // tick) - 1) * tick
    now, spent = float(looks), per_second * looks
    for _ in range(5):
        if decide(terms, Facts(START + now, spent, rate, START)).act is Act.DESTROY:
            break
        now, spent = now + tick, spent + per_second * tick
    else:
        pytest.fail("it never ended")
    first_look_is_too_late = now == 0
    assert first_look_is_too_late or spent + per_second * 60 <= budget


def test_what_holds_where_nobody_says_otherwise() -> None:
    assert (TTL, IDLE) == (8 * 3600, 30 * 60)
    terms = Terms(START)
    assert (terms.budget, terms.idle, terms.at_end) == (None, 1800, "save")
    assert (terms.reserve, terms.grace, terms.tick, terms.parting) == (120, 900, 30, 60)
    assert Decision(Act.CONTINUE, "ttl", 1.0).warning == 0
    assert Terms(0.5).expires == 0.5


def test_a_decision_says_how_long_is_left() -> None:
    saving = {"saving": START + 100, "unfetched": True, "last_use": START}
    assert at(110, **saving) == Decision(Act.SAVE, "ttl", 8 * 3600 - 30 - 110)
    assert at(2700, last_use=START, unfetched=True) == Decision(Act.SAVE, "idle", 0.0)
    assert at(1800, last_use=START) == Decision(Act.DESTROY, "idle", 0.0)


def test_a_rate_next_to_nothing_ends_in_time_to_come() -> None:
    known = replace(FACTS, rate=Decimal("1e-20"))
    assert ends(replace(TERMS, expires=START + 10**13), known) == (START + 10**12 - 90, "budget")
