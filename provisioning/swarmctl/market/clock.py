"""Time as the market sees it: a person's, moved on when asked, or one that tests drive."""

import time
from typing import Protocol


class Clock(Protocol):
    """What the market knows of time."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    def advance(self, seconds: float) -> None:
        """Moves it on."""
        ...


class DrivenClock:
    """Stands still until it is moved."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        """Seconds since 1970."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Moves it on."""
        self._now += seconds


class RealClock:
    """This machine's clock, ahead of it by what it was moved on."""

    def __init__(self, ahead: float = 0.0) -> None:
        self.ahead = ahead

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.ahead

    def advance(self, seconds: float) -> None:
        """Moves it on."""
        self.ahead += seconds
