"""A run at the orchestrator followed to its end: events told, tests done here, a lost stream taken up again."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from swarmctl.core.messages import RunEvent
from swarmctl.effects.a2a import FINAL, AgentClient, data_parts
from swarmctl.effects.clock import Clock
from swarmctl.errors import HostError, RunError

if TYPE_CHECKING:
    from swarmctl.commands.testing import Runner

Follow = Callable[[RunEvent], None]
Stream = Iterator[dict[str, Any]]
PATIENCE = 30.0
"""Seconds for which an orchestrator that does not answer is asked again."""
PAUSE = 0.5
"""Seconds between two questions."""


class Following:
    """Somebody who follows one task."""

    def __init__(self, leader: AgentClient, clock: Clock, follow: Follow, runner: "Runner | None" = None) -> None:
        """runner: does the task's tests on this machine meanwhile."""
        self._leader, self._clock, self._follow, self._runner = leader, clock, follow, runner
        self._task: str | None = None
        self._lost_at: float | None = None

    def to_the_end(self, stream: Stream, task: str | None = None) -> dict[str, Any]:
        """Tell every event of a task until it ends, and give the task. Ctrl-C cancels it.

        Raises HostError when the orchestrator stays away, RunError when it gave the task no number.
        """
        self._task = task
        with self._runner or contextlib.nullcontext():
            try:
                return self._followed(stream)
            except KeyboardInterrupt:
                if self._runner is not None:
                    self._runner.stop()
                if self._task is not None:
                    self._note("cancelling; press Ctrl-C again to leave it running")
                    self._leader.cancel(self._task)
                raise

    def _followed(self, stream: Stream) -> dict[str, Any]:
        while True:
            try:
                self._tell(stream)
                if self._task is None:
                    raise RunError("the orchestrator took the task without giving it a number")
                found = self._leader.task(self._task)
                if found["status"]["state"] in FINAL:
                    return found
                stream = self._leader.follow(self._task)
            except HostError as lost:
                if self._task is None:
                    raise
                self._away(lost)
                stream = iter(())
            self._clock.sleep(PAUSE)

    def _tell(self, stream: Stream) -> None:
        for item in stream:
            self._task, self._lost_at = _task_id(item) or self._task, None
            for event in _events(item):
                self._follow(event)

    def _away(self, lost: HostError) -> None:
        """Say that the orchestrator is gone, once. Raises the HostError when it was heard too long ago."""
        now = self._clock.monotonic()
        if self._lost_at is None:
            self._note(f"the connection was lost ({lost.message}); trying to come back")
            self._lost_at = now
        elif now - self._lost_at >= PATIENCE:
            raise lost

    def _note(self, text: str) -> None:
        self._follow(RunEvent(event="note", text=text))


def _task_id(item: dict[str, Any]) -> str | None:
    update = item.get("statusUpdate") or item.get("artifactUpdate") or {}
    found: str | None = item.get("task", {}).get("id") or update.get("taskId")
    return found


def _events(item: dict[str, Any]) -> Iterator[RunEvent]:
    message = item.get("statusUpdate", {}).get("status", {}).get("message") or {}
    for data in data_parts(message):
        if data.get("kind") == "event":
            yield RunEvent.model_validate(data)
