"""What one piece of work may still use of its model, and the notes taken on what it did use."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from swarmctl.agent import clock
from swarmctl.agent.ports import ModelFailed
from swarmctl.core.messages import Usage
from swarmctl.core.units import as_duration


class Allowance:
    """Requests and wall time of one piece of work, shared by all its calls."""

    def __init__(self, requests: int, seconds: float, *, later: Callable[[float], None] | None = None) -> None:
        """`later` is told the seconds by which the end moves because a model had to load."""
        self._requests = self._left = requests
        self._seconds = seconds
        self._later = later
        self.ends = clock.now() + seconds

    def take(self) -> None:
        """Count one request. Raises ModelFailed when the work has none, or no time, left."""
        if clock.now() >= self.ends:
            raise ModelFailed(f"the time of this piece of work ({as_duration(self._seconds)}) is used up")
        if self._left <= 0:
            raise ModelFailed(f"this piece of work has used all of its {self._requests} requests")
        self._left -= 1

    def not_counted(self, seconds: float) -> None:
        """Move the end: loading a model does not count."""
        self.ends += seconds
        if self._later is not None:
            self._later(seconds)


@dataclass(slots=True)
class Ledger:
    """What one question came to, over all its requests."""

    usage: Usage = field(default_factory=Usage)
    cut: list[str] = field(default_factory=list)
    transcript: list[dict[str, Any]] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """Remember that a limit or guard changed something; once for each sentence."""
        if sentence not in self.cut:
            self.cut.append(sentence)
