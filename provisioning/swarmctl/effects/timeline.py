"""What went on when in a long story, from its beginning on; parts may go on beside each other."""

from collections.abc import Iterator
from contextlib import contextmanager

from swarmctl.core.chain import Chain, Span, chain
from swarmctl.effects.clock import Clock


class Timeline:
    """Parts of one story; a part that comes again is added to."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._begun = clock, clock.monotonic()
        self._spans: list[Span] = []
        self._waits: list[tuple[float, float]] = []

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What happens inside counts as this part, also where it fails."""
        begun = self._clock.monotonic()
        try:
            yield
        finally:
            self.span(name, begun, self._clock.monotonic())

    def add(self, name: str, seconds: float) -> None:
        """So much more of a part, which ends now; what of it was waiting for another one does not count."""
        now = self._clock.monotonic()
        begun = now - seconds
        for away, back in sorted(self._waits):
            if away < now and back > begun:
                self.span(name, begun, max(begun, away))
                begun = max(begun, back)
        self.span(name, begun, max(begun, now))

    def waited(self, begun: float, ended: float) -> None:
        """Between these moments of the clock whoever walks the steps waited for what goes on beside them."""
        self._waits.append((begun, ended))

    def span(self, name: str, begun: float, ended: float) -> None:
        """A part went on from one moment of the clock to another; any thread may say so."""
        self._spans.append(Span(name, begun - self._begun, ended - self._begun))

    @property
    def chain(self) -> Chain:
        """All of it, until now."""
        return chain(tuple(self._spans), self.whole)

    @property
    def parts(self) -> tuple[tuple[str, float], ...]:
        """Every part with its seconds, in the order in which they were first told."""
        found: dict[str, float] = {}
        for one in self._spans:
            found[one.part] = found.get(one.part, 0.0) + one.seconds
        return tuple(found.items())

    @property
    def whole(self) -> float:
        """Seconds since it began."""
        return self._clock.monotonic() - self._begun
