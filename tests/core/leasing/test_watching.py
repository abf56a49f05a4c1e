"""The second watcher's decisions: nothing from no answer, results in time, an end where the guard made none."""

from dataclasses import replace

import pytest

from swarmctl.core.leasing.watching import AGAIN, EVERY, LATE, SAVE_EVERY, Before, Deed, Look, deeds

LOOK = Look(1000.0, "there", 5000.0, "ttl")
SAVED = Before(saved=1000.0)
SAVE, TELL, RELEASE, GONE = Deed.SAVE, Deed.TELL, Deed.RELEASE, Deed.GONE


def test_a_machine_that_is_there_is_told_of_and_its_results_are_fetched_each_minute() -> None:
    assert deeds(LOOK, Before()) == (SAVE, TELL)
    assert deeds(replace(LOOK, now=1000 + SAVE_EVERY - 1), SAVED) == (TELL,)
    assert deeds(replace(LOOK, now=1000 + SAVE_EVERY), SAVED) == (SAVE, TELL)
    assert deeds(replace(LOOK, stopped=True), Before()) == (TELL,), "what stands still has nothing to fetch from"


def test_a_machine_is_gone_when_two_looks_say_so() -> None:
    gone = replace(LOOK, there="gone", left=-5000.0)
    assert deeds(gone, Before()) == ()
    assert deeds(gone, Before(missed=1)) == (GONE,)
    assert deeds(gone, Before(missed=7)) == (GONE,)


@pytest.mark.parametrize("there", ["there", "unknown"])
def test_what_its_guard_does_not_end_is_ended_from_here(there: str) -> None:
    told = (TELL,) if there == "there" else ()
    late = replace(LOOK, there=there, left=-LATE)  # type: ignore[arg-type]
    assert deeds(replace(late, left=-LATE + 1), SAVED) == told
    assert deeds(late, SAVED) == (SAVE, *told, RELEASE), "what is fetched last is what is new"
    tried = replace(SAVED, tried=1000.0)
    assert deeds(replace(late, now=1000 + AGAIN - 1), tried)[-1:] != (RELEASE,)
    assert deeds(replace(late, now=1000 + AGAIN), tried)[-1] is RELEASE


def test_nothing_is_concluded_from_no_answer() -> None:
    assert deeds(replace(LOOK, there="unknown"), replace(SAVED, missed=1)) == ()


def test_what_was_to_be_stopped_may_stand_still_until_its_budget_is_used_up() -> None:
    still = replace(LOOK, left=-LATE, stopped=True, keeps=True)
    assert RELEASE not in deeds(still, SAVED)
    for other in (replace(still, by="budget"), replace(still, stopped=False), replace(still, keeps=False)):
        assert RELEASE in deeds(other, SAVED)


def test_what_holds_where_nobody_says_otherwise() -> None:
    assert (EVERY, SAVE_EVERY, LATE, AGAIN) == (30, 60, 60, 120)
    assert Before() == Before(None, None, 0)
    assert (LOOK.stopped, LOOK.keeps) == (False, False)


def test_deeds_are_called_what_people_read() -> None:
    assert [one.value for one in Deed] == ["save", "tell", "release", "gone"]
