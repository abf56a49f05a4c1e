"""Tests that wait: one holder at a time, given out again when that one is silent for a lease."""

import pytest
from pydantic import ValidationError

from swarmctl.core.messages import CheckOrder, CheckTake
from swarmctl.core.team.checkqueue import REMEMBERED, CheckQueue


def order(number: int = 1, run: str = "r1", lease: float = 15.0) -> CheckOrder:
    return CheckOrder(id=f"{number:016x}", run=run, commit=f"{number:040x}", command="true", lease=lease)


@pytest.fixture
def queue() -> CheckQueue:
    made = CheckQueue()
    made.add(order())
    return made


def test_one_that_is_held_is_not_given_to_another_before_its_lease_ends(queue: CheckQueue) -> None:
    assert queue.take("r1", "ada", 100.0) == order()
    assert queue.take("r1", "bob", 114.9) is None
    assert queue.free_at("r1", 100.0) == 115.0
    assert queue.take("r1", "bob", 115.0) == order()
    assert not queue.renew(order().id, "ada", 115.1)
    assert not queue.finish(order().id, "ada")
    assert queue.finish(order().id, "bob")
    assert queue.take("r1", "eve", 999.0) is None


def test_renewing_keeps_it(queue: CheckQueue) -> None:
    queue.take("r1", "ada", 0.0)
    for now in range(3, 300, 3):
        assert queue.renew(order().id, "ada", float(now))
        assert queue.take("r1", "bob", now + 2.0) is None


def test_whoever_asks_again_did_not_get_the_answer(queue: CheckQueue) -> None:
    queue.add(order(2))
    assert queue.take("r1", "ada", 0.0) == order()
    assert queue.take("r1", "ada", 1.0) == order()
    assert queue.take("r1", "bob", 1.0) == order(2)


def test_a_late_result_counts_while_nobody_else_began(queue: CheckQueue) -> None:
    queue.take("r1", "ada", 0.0)
    assert queue.renew(order().id, "ada", 40.0)
    assert queue.finish(order().id, "ada")


def test_nobody_without_a_name_and_no_test_that_was_not_taken(queue: CheckQueue) -> None:
    assert not queue.renew(order().id, "", 0.0)
    assert not queue.finish(order().id, "")
    assert not queue.finish("none", "ada")


def test_runs_do_not_mix_and_end(queue: CheckQueue) -> None:
    queue.add(order(2, "r2"))
    assert queue.take("r2", "ada", 0.0) == order(2, "r2")
    queue.end("r2")
    assert not queue.renew(order(2).id, "ada", 1.0)
    assert (queue.over("r2"), queue.over("r1"), queue.over("r3")) == (True, False, False)
    for number in range(REMEMBERED):
        queue.end(f"later-{number}")
    assert not queue.over("r2")


@pytest.mark.parametrize(
    "change",
    [
        {"id": "../../etc"},
        {"id": "0" * 16 + "\n"},
        {"commit": "--upload-pack=x"},
        {"commit": "HEAD"},
        {"lease": 0},
        {"lease": float("nan")},
        {"lease": 1e18},
        {"more": 1},
    ],
    ids=str,
)
def test_an_order_that_no_agent_of_ours_wrote_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CheckOrder.model_validate({**order().model_dump(), **change})


@pytest.mark.parametrize("wait", [-1, 11, float("inf"), float("nan"), "long"])
def test_nobody_waits_for_ever(wait: object) -> None:
    with pytest.raises(ValidationError):
        CheckTake.model_validate({"run": "r1", "holder": "somebody", "wait": wait})
