"""Work that goes on beside the steps of `up`: begun once by its name, waited for where it is needed, ended with it."""

import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from swarmctl.effects.clock import Clock, SystemClock
from swarmctl.errors import Cancelled

if TYPE_CHECKING:
    from swarmctl.effects.timeline import Timeline

_EVERY = 0.2
_ENDS = 15.0
"""Seconds in which what is under way ends once it is told to."""

Watch = Callable[[str, int, int | None], None]
"""What happens, bytes done, bytes in all."""


@dataclass(slots=True)
class Errand:
    """One of them. in_vain: what went wrong is not mended by another try, so that nothing else need go on."""

    name: str
    part: str
    ended: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)
    said: tuple[str, int, int | None] = ("", 0, None)
    failure: BaseException | None = None
    in_vain: bool = False

    def watch(self, what: str, done: int = 0, total: int | None = None) -> None:
        """How far it is. Raises Cancelled once it is not wanted any more."""
        self.go_on()
        self.said = (what, done, total)

    def go_on(self) -> None:
        """Raises Cancelled once it is not wanted any more."""
        if self.stopped.is_set():
            raise Cancelled(f"{self.name} is not wanted any more")


class Errands:
    """Use it as a context: at its end what is under way is ended, and what `at_end` was given is called.

    say: what a person should know of them is told it, from any thread.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock: Clock = clock or SystemClock()
        self._lock, self._room = threading.Lock(), threading.Semaphore(2)
        self._begun: dict[str, Errand] = {}
        self._threads: list[threading.Thread] = []
        self._after: list[Callable[[], object]] = []
        self._line: Timeline | None = None
        self.say: Callable[[str], None] = lambda _: None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None) -> None:
        self.stop()

    def beside(self, line: "Timeline") -> Self:
        """What they take is written down there, too."""
        self._line = line
        return self

    def begin(self, name: str, part: str, work: Callable[[Errand], object], *, alone: bool = False) -> None:
        """Start it, where it was not yet. part: what it counts as. alone: at most two of its kind go at once."""
        with self._lock:
            if name in self._begun:
                return
            mine = self._begun[name] = Errand(name, part)
        thread = threading.Thread(target=self._run, args=(mine, work, alone), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def begun(self, name: str) -> bool:
        """It was started since this began."""
        return name in self._begun

    def wait(self, name: str, tell: Watch) -> None:
        """Until one has ended; what the main thread waits is no part of its own step.

        Raises what it raised; a new try may then be begun.
        """
        mine, begun = self._begun[name], self._clock.monotonic()
        try:
            while not mine.ended.wait(_EVERY):
                if mine.said[0]:
                    tell(*mine.said)
        finally:
            if self._line is not None and threading.current_thread() is threading.main_thread():
                self._line.waited(begun, self._clock.monotonic())
        if mine.failure is not None:
            self._begun.pop(name, None)
            raise mine.failure

    def check(self) -> None:
        """Raises what is known by now to make all the rest in vain."""
        for mine in list(self._begun.values()):
            if mine.ended.is_set() and mine.in_vain and mine.failure is not None:
                raise mine.failure

    def at_end(self, act: Callable[[], object]) -> None:
        """Call this when all has ended."""
        self._after.append(act)

    def stop(self) -> None:
        """End what is under way, and wait for it for a while."""
        for mine in self._begun.values():
            mine.stopped.set()
        end = self._clock.monotonic() + _ENDS
        for thread in self._threads:
            thread.join(max(0.0, end - self._clock.monotonic()))
        with ExitStack() as stack:
            for act in self._after:
                stack.callback(act)
        self._begun, self._threads, self._after = {}, [], []

    def _run(self, mine: Errand, work: Callable[[Errand], object], alone: bool) -> None:
        with ExitStack() as stack:
            if alone:
                stack.enter_context(self._room)
            begun = self._clock.monotonic()
            try:
                mine.go_on()
                work(mine)
            except BaseException as e:  # noqa: BLE001 - raised by whoever waits
                mine.failure = e
            with suppress(Cancelled):
                mine.go_on()
                if self._line is not None:
                    self._line.span(mine.part, begun, self._clock.monotonic())
            mine.ended.set()
