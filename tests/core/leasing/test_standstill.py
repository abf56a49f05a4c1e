"""Of a machine that is not reached it is said why, what it costs, what lies there and what to type, and no more."""

from decimal import Decimal
from typing import Any

import pytest

from swarmctl.core.leasing.label import Label
from swarmctl.core.leasing.lease import Hourly, Lease
from swarmctl.core.leasing.standstill import STILL, over, standstill
from swarmctl.core.leasing.state import LeaseState

NOW = 1_800_000_000.0
DOWN = "`swarmctl down --swarm team`"


def lease(state: LeaseState, **more: Any) -> Lease:
    label = Label("team", "0" * 16, "1" * 8, int(NOW) + 3600)
    hourly = Hourly(Decimal("1.10"), Decimal("0.02"), Decimal("1.12"))
    return Lease("77", label, str(label), state, hourly=hourly, **more)


def said(one: Lease | None, now: float = NOW) -> str:
    return standstill("77", one, "team", now)


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (LeaseState.STOPPED, "stands still (credit exhausted)"),
        (LeaseState.OUTBID, "was outbid"),
        (LeaseState.EXITED, "ended by itself"),
        (LeaseState.FROZEN, "is frozen"),
        (LeaseState.STOPPING, "is being stopped"),
    ],
)
def test_one_that_stands_still_keeps_what_lies_there_and_bills_its_disk(state: LeaseState, why: str) -> None:
    told = said(lease(state, said="credit exhausted"))
    assert f"machine 77 {why}" in told
    paid = "its disk is paid, $0.020/h" if not state.computes else "it may be paid as if it ran, $1.12/h"
    assert f"{paid}, and what lies there is kept" in told
    assert "`swarmctl up` starts it again" in told
    assert DOWN in told
    assert "lost" not in told


def test_once_its_time_is_over_nobody_is_told_to_start_it() -> None:
    told = said(lease(LeaseState.STOPPED), NOW + 3600)
    assert "its time is over" in told
    assert "swarmctl up" not in told
    assert DOWN in told


def test_one_that_is_gone_takes_with_it_what_was_not_fetched_and_bills_nothing() -> None:
    told = said(None)
    assert "has no machine 77 any more, and nothing of it bills; what lay there and was not fetched is lost" in told
    assert "`swarmctl up` rents another one" in told


@pytest.mark.parametrize("state", [LeaseState.OFFLINE, LeaseState.SILENT, LeaseState.UNKNOWN])
def test_of_one_that_nobody_hears_it_is_not_said_that_anything_is_lost_or_kept(state: LeaseState) -> None:
    told = said(lease(state))
    assert f"hears nothing of machine 77 ({state.value})" in told
    assert "it may come back with what lies there" in told
    assert DOWN in told
    assert "kept" not in told


def test_of_one_that_runs_only_the_way_is_broken_and_its_price_is_named() -> None:
    told = said(lease(LeaseState.RUNNING))
    assert "runs, for $1.12/h: only the way there is broken" in told
    assert "tries the way again" in told


def test_one_that_cannot_start_is_given_up_and_one_on_its_way_is_waited_for() -> None:
    assert "cannot start (no space)" in said(lease(LeaseState.FAILED, said="no space"))
    assert said(lease(LeaseState.LOADING)) == "machine 77 is loading: look again in a minute"


def test_a_market_that_names_no_price_gets_none_from_us() -> None:
    bare = Lease("77", None, "", LeaseState.STOPPED)
    assert "its disk is paid, and" in said(bare)
    assert not over(bare, NOW), "a label that nobody can read ends nothing"
    assert "runs: only" in said(Lease("77", None, "", LeaseState.RUNNING))


def test_every_state_has_its_sentence() -> None:
    for state in LeaseState:
        assert said(lease(state)).startswith(("machine 77 ", "by its market machine 77 ", "its market hears nothing"))
    assert set(LeaseState) > STILL
