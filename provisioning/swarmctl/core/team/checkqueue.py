"""Tests that wait for somebody to run them: one holder each, and given out again when that one is gone."""

from dataclasses import dataclass

from swarmctl.core.messages import CheckOrder

LEASE = 15.0
"""Seconds that a holder may be silent."""
REMEMBERED = 256
"""Ended runs that are told from those that have not begun."""


@dataclass(slots=True)
class _Waiting:
    order: CheckOrder
    holder: str = ""
    until: float = 0.0


class CheckQueue:
    """The tests of all runs of an orchestrator. `now` is in seconds on a clock that never goes back."""

    def __init__(self) -> None:
        """Empty."""
        self._waiting: dict[str, _Waiting] = {}
        self._over: dict[str, None] = {}

    def add(self, order: CheckOrder) -> None:
        """One more test; it is free."""
        self._waiting[order.id] = _Waiting(order)

    def take(self, run: str, holder: str, now: float) -> CheckOrder | None:
        """The oldest test of a run that is free, now held; None when there is none.

        A holder that asks again gets its own again: the answer to its first question was lost.
        """
        of_run = [w for w in self._waiting.values() if w.order.run == run]
        mine = [w for w in of_run if w.holder == holder]
        found = next(iter(mine or [w for w in of_run if not self._held(w, now)]), None)
        if found is None:
            return None
        found.holder, found.until = holder, now + found.order.lease
        return found.order

    def renew(self, order: str, holder: str, now: float) -> bool:
        """Whether the test is still this holder's, who then has it for another lease."""
        found = self._waiting.get(order)
        if found is None or not holder or found.holder != holder:
            return False
        found.until = now + found.order.lease
        return True

    def finish(self, order: str, holder: str) -> bool:
        """Whether this holder's result counts; the test is gone if so. A late one counts while nobody else began."""
        found = self._waiting.get(order)
        if found is None or not holder or found.holder != holder:
            return False
        self.drop(order)
        return True

    def drop(self, order: str) -> None:
        """The result is no longer wanted."""
        self._waiting.pop(order, None)

    def free_at(self, run: str, now: float) -> float | None:
        """When the next test of a run that is held now is free again, if its holder stays silent."""
        held = [w.until for w in self._waiting.values() if w.order.run == run and self._held(w, now)]
        return min(held, default=None)

    def end(self, run: str) -> None:
        """The run is over: there will be no more of its tests."""
        for order in [w.order.id for w in self._waiting.values() if w.order.run == run]:
            self.drop(order)
        self._over[run] = None
        while len(self._over) > REMEMBERED:
            del self._over[next(iter(self._over))]

    def over(self, run: str) -> bool:
        """Whether a run has ended here. One that is not known has not begun."""
        return run in self._over

    @staticmethod
    def _held(waiting: _Waiting, now: float) -> bool:
        return bool(waiting.holder) and now < waiting.until
