"""Giving one machine back, step by step: which word is asked when, and what is said where it may still bill."""

import pytest

from fakes.tinymarket import Hours
from swarmctl.core.leasing.releasing import Result
from swarmctl.effects.providers.releasing import release
from swarmctl.errors import LeakError

DONE, GONE, THERE, FAILED, NEVER = Result.DONE, Result.GONE, Result.THERE, Result.FAILED, Result.NEVER


class Script:
    """Says what it is told to, the last answer for ever; each call takes a second."""

    def __init__(self, clock: Hours, **says: list[Result]) -> None:
        self.clock, self.says = clock, says
        self.asked: list[tuple[str, float]] = []

    def _next(self, word: str, kind: str) -> Result:
        self.asked.append((word, self.clock.seconds))
        self.clock.seconds += 1
        rest = self.says.get(kind, [DONE])
        return rest.pop(0) if len(rest) > 1 else rest[0]

    def stop(self, _lease: str) -> Result:
        return self._next("stop", "stop")

    def delete(self, _lease: str) -> Result:
        return self._next("delete", "delete")

    def look(self, _lease: str, *, thorough: bool) -> Result:
        return self._next("look well" if thorough else "look", "look")


def test_it_is_stopped_deleted_and_seen_gone_twice_over_five_seconds() -> None:
    clock = Hours()
    clock.seconds = 1000.0
    ends = Script(clock, look=[GONE])
    release(ends, "7", clock)
    assert ends.asked == [("stop", 1000), ("delete", 1001), ("look", 1002), ("look well", 1008)]


def test_only_a_look_that_found_nothing_is_followed_by_a_thorough_one() -> None:
    clock = Hours()
    ends = Script(clock, delete=[GONE, DONE], look=[THERE, FAILED, GONE])
    release(ends, "7", clock)
    assert [word for word, _ in ends.asked] == ["stop", "delete", "look", "delete", "look", "look", "look well"]
    assert [at for _, at in ends.asked] == [0, 1, 2, 6, 7, 14, 20]


DENIED, UNSHOWN = "the key does not allow it to be destroyed", "it could not be shown to be gone"
NO, BAD = "delete: never", "delete: failed"


@pytest.mark.parametrize(
    ("says", "why", "steps"),
    [
        ([NEVER], DENIED, ["stop: done", NO, NO, NO]),
        ([FAILED, NEVER], DENIED, ["stop: done", BAD, NO, NO, NO]),
        ([FAILED], UNSHOWN, ["stop: done", *[BAD] * 8]),
    ],
)
def test_what_cannot_be_ended_is_said_with_its_last_six_steps(says: list[Result], why: str, steps: list[str]) -> None:
    clock = Hours()
    with pytest.raises(LeakError) as leak:
        release(Script(clock, delete=list(says)), "7", clock)
    assert leak.value.message == f"machine 7 MAY STILL BILL: {why}"
    assert leak.value.detail == f"{len(steps)} steps, the last: {', '.join(steps[-6:])}"
    assert leak.value.hint.startswith("swarmctl down --lease 7 ")
