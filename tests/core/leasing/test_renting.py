"""The story of one attempt: what each answer means, and what is done next; nothing unclear is ever called again."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmctl.core.leasing.answers import Said, Trouble
from swarmctl.core.leasing.renting import (
    SETTLE,
    WAIT_FOR_LISTING,
    Attempt,
    Look,
    Move,
    Stage,
    answered,
    looked,
    lost,
    next_move,
    unsent,
)

FRESH = Attempt("0" * 8, "100", "7")


def said(trouble: Trouble | None, contract: str = "") -> Said:
    return Said(200, {}, trouble, "words", 0.0, contract)


@pytest.mark.parametrize(
    ("heard", "stage", "move"),
    [
        (said(None, "5"), Stage.HELD, Move.KEEP),
        (said(None), Stage.UNCLEAR, Move.LOOK),
        (said(Trouble.BROKEN), Stage.UNCLEAR, Move.LOOK),
        (said(Trouble.ODD), Stage.UNCLEAR, Move.LOOK),
        (said(Trouble.PRICE, "5"), Stage.LEAKED, Move.RELEASE),
        (said(Trouble.BROKEN, "5"), Stage.LEAKED, Move.RELEASE),
        (said(Trouble.OFFER_GONE), Stage.REFUSED, Move.NEXT),
        (said(Trouble.PRICE), Stage.REFUSED, Move.NEXT),
        (said(Trouble.BUSY), Stage.REFUSED, Move.AGAIN),
        (said(Trouble.KEY), Stage.REFUSED, Move.STOP),
        (said(Trouble.FORBIDDEN), Stage.REFUSED, Move.STOP),
        (said(Trouble.CREDIT), Stage.REFUSED, Move.STOP),
        (said(Trouble.SPEND), Stage.REFUSED, Move.STOP),
        (said(Trouble.NO_SSH_KEY), Stage.REFUSED, Move.STOP),
        (said(Trouble.REFUSED), Stage.REFUSED, Move.STOP),
    ],
)
def test_what_an_answer_means(heard: Said, stage: Stage, move: Move) -> None:
    found = answered(FRESH, heard)
    assert found.stage is stage
    assert next_move(found, 0.0)[0] is move
    assert found.contracts == ((heard.contract,) if heard.contract else ())


def test_only_an_attempt_that_was_never_made_is_called() -> None:
    assert next_move(FRESH, 0.0) == (Move.CALL, 0.0)
    assert next_move(replace(FRESH, here=False), 0.0) == (Move.LOOK, 0.0), "after a crash nobody knows"
    assert next_move(lost(FRESH, "reset"), 0.0) == (Move.LOOK, 0.0)
    assert next_move(unsent(FRESH, "refused"), 0.0) == (Move.AGAIN, 0.0)
    assert lost(FRESH, "reset").said == "reset"
    assert unsent(FRESH, "refused").stage is Stage.REFUSED


def test_nothing_is_nothing_only_after_every_look() -> None:
    attempt = lost(FRESH, "reset")
    for n, at in enumerate(SETTLE):
        assert attempt.stage is Stage.UNCLEAR
        assert not attempt.settled
        if n:
            assert next_move(attempt, at - 1) == (Move.WAIT, 1.0)
        assert next_move(attempt, at)[0] is Move.LOOK
        attempt = looked(attempt, Look(at, ()))
    assert attempt.stage is Stage.ABSENT
    assert attempt.settled
    assert next_move(attempt, 100)[0] is Move.NEXT


def test_looks_in_a_hurry_prove_nothing() -> None:
    attempt = lost(FRESH, "reset")
    for _ in range(10):
        attempt = looked(attempt, Look(SETTLE[-1] - 1, ()))
    assert attempt.stage is Stage.UNCLEAR
    assert looked(attempt, Look(SETTLE[-1], ())).stage is Stage.ABSENT


def test_a_listing_that_fails_counts_for_nothing_and_is_asked_again_in_ten_seconds() -> None:
    attempt = looked(lost(FRESH, "reset"), Look(0.0, None))
    assert attempt.stage is Stage.UNCLEAR
    assert next_move(attempt, 0.0) == (Move.WAIT, 10.0)
    assert next_move(attempt, 10.0) == (Move.LOOK, 0.0)
    for at in (200, 300, 400):
        attempt = looked(attempt, Look(at, None))
    assert attempt.stage is Stage.UNCLEAR
    assert next_move(attempt, WAIT_FOR_LISTING - 1)[0] is Move.LOOK
    assert next_move(attempt, WAIT_FOR_LISTING) == (Move.LEAVE, 0.0)
    assert not attempt.settled


def test_a_machine_under_the_label_is_ours_and_several_go_back() -> None:
    attempt = lost(FRESH, "reset")
    one = looked(attempt, Look(5, ("31",)))
    assert (one.stage, one.contracts, next_move(one, 5)[0]) == (Stage.HELD, ("31",), Move.KEEP)
    two = looked(attempt, Look(5, ("200", "31")))
    assert (two.contracts, next_move(two, 5)[0]) == (("31", "200"), Move.RELEASE)


@pytest.mark.parametrize("stage", Stage)
def test_what_is_settled(stage: Stage) -> None:
    assert replace(FRESH, stage=stage).settled is (stage not in {Stage.INTENDED, Stage.UNCLEAR, Stage.LEAKED})


@given(st.sampled_from(Stage), st.lists(st.booleans(), max_size=6), st.floats(0, 2000))
def test_a_call_is_made_for_a_fresh_attempt_alone(stage: Stage, looks: list[bool], since: float) -> None:
    seen = tuple(Look(n * 20.0, () if worked else None) for n, worked in enumerate(looks))
    move, pause = next_move(replace(FRESH, stage=stage, looks=seen, here=False, contracts=("1",)), since)
    assert move is not Move.CALL
    assert pause >= 0


def test_the_bounds_are_those_that_people_were_told() -> None:
    assert SETTLE == (0.0, 15.0, 45.0, 90.0)
    assert WAIT_FOR_LISTING == 600.0


def test_looks_in_a_hurry_are_followed_by_one_at_the_end() -> None:
    attempt = lost(FRESH, "reset")
    for at in range(8):
        attempt = looked(attempt, Look(float(at), ()))
    assert next_move(attempt, 8.0) == (Move.WAIT, 82.0)


def test_why_an_answer_was_unclear_is_kept() -> None:
    assert answered(FRESH, said(None)).trouble is Trouble.ODD
    assert answered(FRESH, said(Trouble.BROKEN)).trouble is Trouble.BROKEN
    assert answered(FRESH, said(Trouble.PRICE, "5")).said == "words"


@pytest.mark.parametrize("stage", [Stage.LEAKED, Stage.HELD, Stage.ABSENT, Stage.RELEASED, Stage.REFUSED])
def test_what_is_known_waits_for_nothing(stage: Stage) -> None:
    for ids in (("1",), ("1", "2")):
        assert next_move(replace(FRESH, stage=stage, contracts=ids), 5.0)[1] == 0.0


def test_the_ledger_keeps_reading_what_it_wrote() -> None:
    """A stage is kept by its value, so that no value may change."""
    assert [one.value for one in Stage] == [
        "intended", "unclear", "held", "leaked", "refused", "absent", "released",
    ]  # fmt: skip
    assert [one.value for one in Move] == [one.name.lower() for one in Move]
    assert (Attempt("0" * 8, "1").machine, Attempt("0" * 8, "1").said) == ("", "")


def test_the_last_look_says_when_the_next_is_due() -> None:
    unclear = lost(FRESH, "reset")
    failed = looked(looked(unclear, Look(0.0, ())), Look(20.0, None))
    assert next_move(failed, 20.0) == (Move.WAIT, 10.0)
    worked = looked(looked(unclear, Look(14.0, None)), Look(20.0, ()))
    assert next_move(worked, 21.0) == (Move.LOOK, 0.0)
