"""How long each part of a long story took, in the order in which they began."""

from collections.abc import Iterator
from contextlib import contextmanager

from swarmctl.effects.clock import Clock


class Timeline:
    """Parts of one story, which follow each other; a part that comes again is added to."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._begun = clock, clock.monotonic()
        self._parts: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What happens inside counts as this part, also where it fails."""
        begun = self._clock.monotonic()
        try:
            yield
        finally:
            self.add(name, self._clock.monotonic() - begun)

    def add(self, name: str, seconds: float) -> None:
        """So much more of a part."""
        self._parts[name] = self._parts.get(name, 0.0) + seconds

    @property
    def parts(self) -> tuple[tuple[str, float], ...]:
        """Every part with its seconds."""
        return tuple(self._parts.items())

    @property
    def whole(self) -> float:
        """Seconds since it began."""
        return self._clock.monotonic() - self._begun
