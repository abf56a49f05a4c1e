"""The story of an end: a machine is gone when that was seen twice, and until then somebody is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmctl.core.leasing.answers import Said, Trouble
from swarmctl.core.leasing.releasing import (
    DELETES,
    DENIALS,
    PATIENCE,
    SURE,
    Deed,
    Result,
    Tried,
    next_deed,
    result_of,
)

D, L, S = Deed.DELETE, Deed.LOOK, Deed.STOP
DONE, GONE, THERE, FAILED, NEVER = Result.DONE, Result.GONE, Result.THERE, Result.FAILED, Result.NEVER


def tried(*steps: tuple[Deed, Result, float]) -> list[Tried]:
    return [Tried(*step) for step in steps]


def test_it_is_stopped_then_deleted_then_looked_at_twice() -> None:
    seen: list[Tried] = []
    assert next_deed(seen, 0) == (S, 0.0)
    seen += tried((S, DONE, 1.0))
    assert next_deed(seen, 1) == (D, 0.0)
    seen += tried((D, DONE, 2.0))
    assert next_deed(seen, 2) == (L, 0.0)
    seen += tried((L, GONE, 3.0))
    assert next_deed(seen, 3) == (L, SURE)
    assert next_deed(seen, 4) == (L, SURE - 1)
    assert next_deed([*seen, *tried((L, GONE, 7.9))], 7.9)[0] is L, "not yet five seconds"
    assert next_deed([*seen, *tried((L, GONE, 8.0))], 8.0) == (Deed.GONE, 0.0)


@pytest.mark.parametrize("stopped", Result)
def test_a_stop_that_fails_keeps_nobody_from_deleting(stopped: Result) -> None:
    assert next_deed(tried((S, stopped, 1.0)), 1) == (D, 0.0)


def test_a_delete_that_fails_is_ordered_again() -> None:
    seen = tried((S, DONE, 0.0), (D, FAILED, 1.0))
    assert next_deed(seen, 1) == (D, 6.0)
    assert next_deed(seen, 20) == (D, 0.0)


def test_a_machine_that_is_still_there_or_comes_back_is_deleted_again() -> None:
    assert next_deed(tried((S, DONE, 0.0), (D, DONE, 1.0), (L, THERE, 2.0)), 2) == (D, 3.0)
    back = tried((S, DONE, 0.0), (D, DONE, 1.0), (L, GONE, 2.0), (L, THERE, 7.0))
    assert next_deed(back, 7)[0] is D
    twice = [*back, *tried((D, DONE, 8.0), (L, GONE, 9.0))]
    assert next_deed(twice, 9) == (L, SURE), "the look before it came back counts for nothing"


def test_a_look_that_fails_is_no_sign_of_anything() -> None:
    seen = tried((S, DONE, 0.0), (D, DONE, 1.0), (L, GONE, 2.0), (L, FAILED, 7.0))
    assert next_deed(seen, 7) == (L, 6.0)
    assert next_deed([*seen, *tried((L, GONE, 13.0))], 13) == (L, SURE)


def test_a_key_that_is_refused_three_times_is_believed() -> None:
    seen = tried((S, NEVER, 0.0), *((D, NEVER, float(n)) for n in range(1, DENIALS)))
    assert next_deed(seen, 10)[0] is D
    assert next_deed([*seen, *tried((D, NEVER, 10.0))], 10) == (Deed.MAY_BILL, 0.0)
    assert next_deed(tried((S, NEVER, 0.0), (D, DONE, 1.0)), 1)[0] is L


def test_a_refusal_now_and_then_is_no_denial() -> None:
    mixed = [(D, NEVER if n % 3 else FAILED, float(n)) for n in range(7)]
    assert sum(result is NEVER for _, result, _ in mixed) > DENIALS
    assert next_deed(tried((S, NEVER, 0.0), *mixed), 7)[0] is D


def test_patience_ends_and_so_do_orders() -> None:
    seen = tried((S, DONE, 0.0), (D, FAILED, 1.0))
    assert next_deed(seen, PATIENCE - 1)[0] is D
    assert next_deed(seen, PATIENCE) == (Deed.MAY_BILL, 0.0)
    many = tried((S, DONE, 0.0), *((D, FAILED, 1.0) for _ in range(DELETES)))
    assert next_deed(many, 2) == (Deed.MAY_BILL, 0.0)
    assert next_deed(many[:-1], 2)[0] is D
    lies = tried((S, DONE, 0.0), *((D, DONE, 1.0) for _ in range(DELETES)), (L, THERE, 2.0))
    assert next_deed(lies, 2)[0] is Deed.MAY_BILL


@pytest.mark.parametrize(
    ("said", "result"),
    [
        (None, FAILED),
        (Said(200, {}), DONE),
        (Said(404, {}, Trouble.GONE), GONE),
        (Said(404, {}, Trouble.KEY), NEVER),
        (Said(403, {}, Trouble.FORBIDDEN), NEVER),
        (Said(404, {}, Trouble.REFUSED), FAILED),
        (Said(410, {}, Trouble.OUTDATED), FAILED),
        (Said(500, {}, Trouble.BROKEN), FAILED),
        (Said(429, {}, Trouble.BUSY), FAILED),
    ],
)
def test_what_an_answer_to_a_delete_says(said: Said | None, result: Result) -> None:
    assert result_of(said) is result


steps = st.lists(
    st.tuples(st.sampled_from((S, D, L)), st.sampled_from(Result), st.floats(0, 400)), min_size=1, max_size=12
)


@given(steps, st.floats(0, 600))
def test_nothing_is_gone_that_was_not_seen_gone_twice_over_five_seconds(
    steps: list[tuple[Deed, Result, float]], now: float
) -> None:
    seen = tried(*sorted(steps, key=lambda step: step[2]))
    deed, pause = next_deed(seen, now)
    assert pause >= 0
    if deed is Deed.GONE:
        last = [one for one in seen[-2:] if one.deed is L and one.result is GONE]
        assert len(last) == 2
        times = [one.at for one in seen if one.deed is L and one.result is GONE]
        assert max(times) - min(times) >= SURE


def test_the_bounds_are_those_that_people_were_told() -> None:
    assert (SURE, PATIENCE, DELETES, DENIALS) == (5.0, 300.0, 8, 3)


def test_a_pause_that_is_over_is_none() -> None:
    assert next_deed(tried((S, DONE, 0.0), (D, DONE, 1.0), (L, GONE, 2.0)), 50) == (L, 0.0)
    assert next_deed(tried((S, DONE, 0.0), (D, DONE, 1.0), (L, FAILED, 2.0)), 50) == (L, 0.0)


def test_steps_are_called_what_people_read() -> None:
    assert [one.value for one in Deed] == ["stop", "delete", "look", "wait", "gone", "may still bill"]
    assert [one.value for one in Result] == ["done", "gone", "there", "failed", "never"]
