"""Time: the one place that reads a clock or waits."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from swarmctl.errors import HostError

T = TypeVar("T")


class Clock(Protocol):
    """What the rest of the edge knows of time; tests hand in one that does not wait."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; less than zero is zero."""
        ...


class SystemClock:
    """This machine's clock."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait; less than zero is zero."""
        time.sleep(max(0.0, seconds))


def wait_until(
    condition: Callable[[], T], *, clock: Clock, deadline: float, every: float = 0.05, what: str = "it"
) -> T:
    """Ask until the answer is true, and give that answer.

    deadline and every are in seconds from now; the condition is asked at least once, and once more
    when the time is up. Raises HostError that says what was waited for.
    """
    end = clock.monotonic() + deadline
    while True:
        late = clock.monotonic() >= end
        if answer := condition():
            return answer
        if late:
            raise HostError(f"waited {deadline:g} s for {what}, in vain")
        clock.sleep(min(every, max(0.0, end - clock.monotonic())))
