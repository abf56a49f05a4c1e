"""Tests that this agent may not run itself: they wait here for whoever follows the run."""

import asyncio
import contextlib
import secrets

from swarmctl.agent.clock import now
from swarmctl.core.messages import CheckOrder, TestResult
from swarmctl.core.team.checkqueue import LEASE, CheckQueue


class RunOver(Exception):  # noqa: N818 - reads as the fact it states
    """The run has ended; there will be no more tests of it."""


class Elsewhere:
    """What is to be tested, on one side; who takes it and brings a result, on the other."""

    def __init__(self, lease: float = LEASE) -> None:
        """lease: seconds that somebody who took a test may be silent."""
        self._lease = lease
        self._queue = CheckQueue()
        self._results: dict[str, asyncio.Future[TestResult]] = {}
        self._pulse = asyncio.Event()

    async def ask(self, run: str, commit: str, command: str) -> TestResult:
        """What somebody's test of a commit came to; waits for as long as nobody comes."""
        order = CheckOrder(id=secrets.token_hex(8), run=run, commit=commit, command=command, lease=self._lease)
        result: asyncio.Future[TestResult] = asyncio.get_running_loop().create_future()
        self._results[order.id] = result
        self._queue.add(order)
        self._changed()
        try:
            return await result
        finally:
            self._queue.drop(order.id)
            del self._results[order.id]
            self._changed()

    async def take(self, run: str, holder: str, wait: float) -> CheckOrder | None:
        """A test of a run, now this holder's; None when none came within `wait` seconds. Raises RunOver."""
        end = now() + wait
        while True:
            pulse = self._pulse
            if self._queue.over(run):
                raise RunOver
            if (order := self._queue.take(run, holder, now())) is not None:
                return order
            if now() >= end:
                return None
            free = self._queue.free_at(run, now())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, min(end, free or end) - now())):
                    await pulse.wait()

    def renew(self, order: str, holder: str) -> bool:
        """Whether a test is still this holder's; it is for another lease, then."""
        return self._queue.renew(order, holder, now())

    def done(self, order: str, holder: str, result: TestResult) -> bool:
        """Hand a result in; whether it was wanted."""
        if not self._queue.finish(order, holder):
            return False
        waiting = self._results[order]
        if not waiting.done():
            waiting.set_result(result)
        return True

    def end(self, run: str) -> None:
        """The run is over."""
        self._queue.end(run)
        self._changed()

    def _changed(self) -> None:
        pulse, self._pulse = self._pulse, asyncio.Event()
        pulse.set()
