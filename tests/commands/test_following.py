"""A run is followed through lost connections, for as long as its orchestrator comes back."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from swarmctl.commands.following import PATIENCE, Following
from swarmctl.core.messages import RunEvent
from swarmctl.effects.a2a import AgentClient
from swarmctl.errors import HostError, RunError

GONE = HostError("agent 'orchestrator' does not answer")
DONE, WORKING = "TASK_STATE_COMPLETED", "TASK_STATE_WORKING"


class Clock:
    """Time passes by sleeping alone."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


class Leader(AgentClient):
    """An orchestrator that streams and answers what it is told, in order; the last answer again and again."""

    def __init__(self, streams: list[list[Any]], states: list[Any]) -> None:
        super().__init__("orchestrator", "http://127.0.0.1:1", "token")
        self.streams, self.states = streams, states
        self.cancelled: list[str] = []

    def stream(self) -> Iterator[dict[str, Any]]:
        for item in self.streams.pop(0):
            if isinstance(item, BaseException):
                raise item
            yield item

    def follow(self, task: str) -> Iterator[dict[str, Any]]:
        assert task == "t1"
        return self.stream()

    def task(self, task: str) -> dict[str, Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, BaseException):
            raise state
        return {"id": task, "status": {"state": state}}

    def cancel(self, task: str) -> dict[str, Any]:
        self.cancelled.append(task)
        return {}


def event(text: str) -> dict[str, Any]:
    data = RunEvent(event="note", text=text).model_dump(mode="json")
    return {"statusUpdate": {"taskId": "t1", "status": {"message": {"parts": [{"data": data}]}}}}


TASK = {"task": {"id": "t1"}}


def followed(leader: Leader, clock: Clock) -> tuple[dict[str, Any], list[str]]:
    said: list[str] = []
    found = Following(leader, clock, lambda e: said.append(e.text)).to_the_end(leader.stream())
    return found, said


def test_events_are_told_to_the_end() -> None:
    found, said = followed(Leader([[TASK, event("one"), event("two")]], [DONE]), Clock())
    assert (found["id"], said) == ("t1", ["one", "two"])


def test_a_lost_stream_is_taken_up_again() -> None:
    leader = Leader([[TASK, event("one"), GONE], [GONE], [event("two")]], [WORKING, GONE, WORKING, DONE])
    found, said = followed(leader, Clock())
    assert found["status"]["state"] == DONE
    assert [text for text in said if "connection" not in text] == ["one", "two"]
    assert sum("connection was lost" in text for text in said) == 1


def test_a_stream_that_ends_before_its_task_is_taken_up_again() -> None:
    _, said = followed(Leader([[TASK, event("one")], [event("two")]], [WORKING, DONE]), Clock())
    assert said == ["one", "two"]


def test_one_that_comes_and_goes_is_followed() -> None:
    clock, flaps = Clock(), [[event(f"e{n}"), GONE] for n in range(99)]
    found, said = followed(Leader([[TASK], *flaps], [*[WORKING] * 99, DONE]), clock)
    assert found["status"]["state"] == DONE
    assert clock.at > PATIENCE
    assert [text for text in said if text.startswith("e")] == [f"e{n}" for n in range(99)]


def test_an_orchestrator_that_stays_away_is_given_up() -> None:
    clock = Clock()
    with pytest.raises(HostError, match="does not answer"):
        followed(Leader([[TASK, GONE]], [GONE]), clock)
    assert PATIENCE <= clock.at <= PATIENCE + 2


def test_one_that_refuses_for_ever_is_given_up_too() -> None:
    clock = Clock()
    with pytest.raises(HostError):
        followed(Leader([[TASK], *[[GONE] for _ in range(99)]], [WORKING]), clock)
    assert clock.at <= PATIENCE + 2


def test_what_never_began_is_an_error_at_once() -> None:
    clock = Clock()
    with pytest.raises(HostError):
        followed(Leader([[GONE]], [DONE]), clock)
    with pytest.raises(RunError, match="without giving it a number"):
        followed(Leader([[]], [DONE]), clock)
    assert clock.at == 0


def test_ctrl_c_cancels_the_task() -> None:
    leader = Leader([[TASK, KeyboardInterrupt()]], [DONE])
    with pytest.raises(KeyboardInterrupt):
        followed(leader, Clock())
    assert leader.cancelled == ["t1"]
