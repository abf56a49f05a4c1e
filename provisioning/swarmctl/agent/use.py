"""Whether what passes through a connection to an engine is somebody's use of it, told from how its requests begin."""

import asyncio
import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from swarmctl.agent.clock import now
from swarmctl.agent.marks import EVERY, Marks
from swarmctl.core.ownheader import OWN

PATIENCE = 1800.0
"""Seconds for which a question without any answer counts: an engine that hangs must not bill for ever."""
_HEAD = 16 * 1024
_METHOD = re.compile(rb"(GET|HEAD|OPTIONS|POST|PUT|PATCH|DELETE) ")
_OWN = OWN.lower().encode() + b":"


class Use:
    """One connection. A GET asks no model anything, and our own checks say what they are; all else is use.

    A request begins where its client begins to write a method, as with every client that does not send two at once.
    """

    def __init__(self) -> None:
        """Nothing has passed yet."""
        self._counts, self._asked = True, 0.0

    def asked(self, chunk: bytes, at: float) -> bool:
        """A piece from the client at a time in seconds: whether it is use."""
        if found := _METHOD.match(chunk):
            head = chunk[:_HEAD].split(b"\r\n\r\n", 1)[0].lower()
            self._counts = found[1] not in {b"GET", b"HEAD", b"OPTIONS"} and _OWN not in head
        self._asked = at if self._counts else 0.0
        return self._counts

    def answered(self) -> bool:
        """A piece from the engine: whether it answers use."""
        self._asked = 0.0
        return self._counts

    def waits(self, at: float) -> bool:
        """Somebody's question is with the engine, and has been for no longer than is believed."""
        return self._asked > 0.0 and at < self._asked + PATIENCE


class Watch:
    """Marks use of the engines, in a folder of its own; without one, nothing is watched."""

    def __init__(self, folder: Path | None) -> None:
        """Touches nothing yet."""
        self._marks = Marks(folder) if folder else None
        self._open: set[Use] = set()
        self._last = -EVERY

    @contextlib.contextmanager
    def connection(self, *, counts: bool) -> Iterator[Use | None]:
        """What one connection comes to; None where nobody watches, or it does not count."""
        use = Use() if self._marks and counts else None
        if use is None:
            yield None
            return
        self._open.add(use)
        try:
            yield use
        finally:
            self._open.discard(use)

    def used(self) -> None:
        """An engine is at work; a mark every second says as much as one for every word."""
        if self._marks and now() - self._last >= 1.0:
            self._last = now()
            self._marks.touch()

    async def keep(self) -> None:
        """Touch for as long as somebody's question waits for its answer."""
        while True:
            await asyncio.sleep(EVERY)
            if any(use.waits(now()) for use in self._open):
                self.used()
