"""The guard's decisions: every limit fires on time, work is saved where it can be, and a budget is never passed."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from swarmctl.core.leasing.limits import (
    AT_END,
    GRACE,
    IDLE,
    MARGIN,
    PARTING,
    RESERVE,
    TTL,
    WARNINGS,
    Decision,
    Facts,
    Terms,
    decide,
    ends,
    spent,
)  # fmt: skip

START = 1_800_000_000
DOLLAR = 1_000_000
TERMS = Terms(START + 8 * 3600, START, DOLLAR, 10 * DOLLAR)
HARD = 8 * 3600 - MARGIN
"""Seconds after which it ends by its time."""


def at(seconds: int, terms: Terms = TERMS, **known: Any) -> Decision:
    """What is decided so many seconds after the start, in use just then unless said otherwise."""
    facts = Facts(START + seconds, spent(terms, START + seconds), START + seconds)
    return decide(terms, replace(facts, **known))


def test_what_holds_where_nobody_says_otherwise() -> None:
    assert (TTL, IDLE, GRACE, RESERVE, MARGIN, PARTING) == (28800, 1800, 900, 60, 45, 120)
    terms = Terms(START)
    assert (terms.since, terms.price, terms.budget, terms.spent) == (0, 0, -1, 0)
    assert (terms.idle, terms.grace, terms.reserve, terms.at_end) == (IDLE, GRACE, RESERVE, "save-then-destroy")
    assert [Terms(1, at_end=how).saves for how in AT_END] == [True, False, False]
    facts = Facts(1, 2, 3)
    assert (facts.unfetched, facts.ending) == (False, "")
    assert [Decision(act, "", 0).final for act in ("watch", "warn", "save", "stop", "destroy")] == [False] * 3 + [
        True, True,
    ]  # fmt: skip


def test_what_is_spent_is_rounded_up_and_begins_with_what_was_spent_before() -> None:
    terms = Terms(START, 10, 1)
    assert [spent(terms, now) for now in (0, 10, 11, 3610, 3611)] == [0, 0, 1, 1, 2]
    assert [spent(replace(terms, spent=7), now) for now in (0, 10, 11, 3611)] == [7, 7, 8, 9]


def test_the_time_limit_ends_it_a_round_early() -> None:
    plain = replace(TERMS, at_end="destroy")
    assert at(HARD - 1, plain) == Decision("warn", "ttl", 1)
    assert at(HARD, plain) == Decision("destroy", "ttl", 0)
    assert at(HARD + 500, plain) == Decision("destroy", "ttl", -500)
    assert at(60) == Decision("watch", "ttl", HARD - 60)


def test_the_budget_ends_it_with_what_the_parting_costs_in_hand() -> None:
    terms = replace(TERMS, price=3_600_000, budget=3_600_000, at_end="destroy")
    free = 3600 - MARGIN - PARTING
    assert ends(terms, START, 0) == (START + free, "budget")
    assert ends(terms, START + 600, 1_800_000) == (START + 600 + 1800 - MARGIN - PARTING, "budget")
    assert at(free - 1, terms).act == "warn"
    assert at(free, terms) == Decision("destroy", "budget", 0)
    assert ends(terms, START, 3_599_000)[0] < START, "too little for the parting: it should have ended before"


def test_a_used_up_budget_ends_it_whatever_an_hour_costs() -> None:
    for price in (0, DOLLAR):
        terms = replace(TERMS, price=price, budget=5)
        assert ends(terms, START, 5) == (START - MARGIN - PARTING, "budget")
        assert (at(0, terms, spent=6).act, at(0, terms, spent=6).why) == ("destroy", "budget")
    assert ends(replace(TERMS, budget=0), START, 0) == (START - MARGIN - PARTING, "budget")


def test_a_budget_that_was_passed_long_ago_should_have_ended_it_then() -> None:
    terms = replace(TERMS, price=3_600_000, budget=3_600_000)
    assert ends(terms, START + 7200, 7_200_000) == (START + 3600 - MARGIN - PARTING, "budget")
    assert ends(replace(TERMS, price=0, budget=5), START, 4) == (START + HARD, "ttl")


def test_without_a_budget_only_time_counts() -> None:
    assert ends(replace(TERMS, budget=-1), START, 10**12) == (START + HARD, "ttl")
    assert ends(TERMS, START, 0) == (START + HARD, "ttl")


def test_idle_ends_it_and_never_does_where_it_is_off() -> None:
    last = {"used": START}
    assert at(1799, **last).act == "watch"
    assert at(1800, **last) == Decision("destroy", "idle", HARD - 1800)
    assert at(1800, replace(TERMS, idle=0), **last).act == "watch"


def test_results_hold_idle_back_for_the_grace_and_no_longer() -> None:
    known = {"used": START, "unfetched": True}
    assert at(1800, **known) == Decision("save", "idle", HARD - 1800)
    assert at(2699, **known).act == "save"
    assert at(2700, **known).act == "destroy"
    assert at(1800, replace(TERMS, at_end="destroy"), **known).act == "destroy"
    assert at(1800, replace(TERMS, at_end="stop"), **known).act == "stop"


def test_the_reserve_before_a_hard_end_belongs_to_saving() -> None:
    assert at(HARD - 61, unfetched=True).act == "warn"
    assert at(HARD - 60, unfetched=True) == Decision("save", "ttl", 60)
    assert at(HARD - 1, unfetched=True).act == "save"
    assert at(HARD, unfetched=True) == Decision("destroy", "ttl", 0)
    assert at(HARD - 60) == Decision("destroy", "ttl", 60), "nothing is to be saved: the reserve need not be paid"
    assert at(HARD - 60, replace(TERMS, at_end="destroy"), unfetched=True).act == "warn"


def test_an_end_is_not_taken_back() -> None:
    assert at(10, ending="idle") == Decision("destroy", "idle", HARD - 10)
    stop = replace(TERMS, at_end="stop")
    assert at(10, stop, ending="ttl").act == "stop"
    assert at(HARD + 5, stop, ending="idle") == Decision("stop", "idle", -5)
    tight = replace(stop, price=3_600_000, budget=3_600_000)
    free = 3600 - MARGIN - PARTING
    assert at(free - 1, tight, ending="idle") == Decision("stop", "idle", 1)
    assert at(free, tight, ending="idle") == Decision("destroy", "budget", 0)


def test_a_used_up_budget_is_never_merely_stopped() -> None:
    terms = replace(TERMS, at_end="stop", budget=DOLLAR)
    assert at(3600, terms) == Decision("destroy", "budget", -MARGIN - PARTING)
    assert at(3600, terms, ending="idle") == Decision("destroy", "budget", -MARGIN - PARTING)
    assert at(1800, terms, used=START) == Decision("stop", "idle", 1800 - MARGIN - PARTING)
    assert at(HARD, replace(terms, budget=-1)) == Decision("stop", "ttl", 0)


def test_people_are_told_from_fifteen_minutes_on() -> None:
    assert WARNINGS == (900, 300)
    assert at(HARD - 901).act == "watch"
    assert at(HARD - 900) == Decision("warn", "ttl", 900)


SMALL = st.integers(0, 4000)
CASES = st.builds(
    Terms, deadline=st.integers(60, 100_000), since=st.just(0), price=st.integers(0, 40_000_000),
    budget=st.integers(-1, 400_000_000), spent=st.integers(0, 10_000_000), idle=SMALL, grace=SMALL,
    reserve=st.integers(0, 300), at_end=st.sampled_from(AT_END),
)  # fmt: skip


@given(CASES, st.integers(0, 200_000), st.integers(0, 5000), st.booleans())
@example(Terms(60, budget=0), 0, 0, True)
def test_no_decision_lets_it_live_past_a_limit_or_ends_it_for_nothing(
    terms: Terms, now: int, quiet: int, unfetched: bool
) -> None:
    paid = spent(terms, now)
    found = decide(terms, Facts(now, paid, now - quiet, unfetched))
    parting = terms.price * (MARGIN + PARTING) // 3600
    dear = terms.budget >= 0 and (paid >= terms.budget or paid + parting > terms.budget)
    gone = dear or now > terms.deadline - MARGIN
    if gone:
        assert found.final
    if found.final and found.why == "idle":
        assert quiet >= terms.idle > 0
    elif found.final and not gone:
        assert found.left <= terms.reserve
        assert not unfetched or not terms.saves
    if found.act == "save":
        assert (unfetched, terms.saves, gone) == (True, True, False)
    if found.act == "stop":
        assert (terms.at_end, found.why == "budget") == ("stop", False)


@given(CASES, st.integers(1, 15))
def test_a_machine_that_obeys_never_costs_more_than_its_budget(terms: Terms, tick: int) -> None:
    """Looking every tick from its first second on, and taking all of the parting to go."""
    begins, _ = ends(terms, 0, terms.spent)
    now = max(0, begins // tick * tick)
    while not decide(terms, Facts(now, spent(terms, now), now, unfetched=True)).final:
        now += tick
    assert now <= max(0, begins) + tick
    late_from_the_start = begins <= 0
    assert terms.budget < 0 or late_from_the_start or spent(terms, now + PARTING) <= terms.budget


@pytest.mark.parametrize("rate", [1, 10**14])
def test_a_rate_next_to_nothing_or_beyond_all_bounds_ends_in_time(rate: int) -> None:
    when, why = ends(replace(TERMS, price=rate), START, 0)
    assert (when, why) == ((START + HARD, "ttl") if rate == 1 else (START - MARGIN - PARTING, "budget"))
