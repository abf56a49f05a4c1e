"""Runs `swarmctl` for each part of a swarm at the same time, tells what they say as it comes, and ends all as one."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from swarmctl.effects.process import beside, outlasted

Tell = Callable[[str, str], None]
"""Slot and line."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How one ended. answer: the JSON that it printed; None for none."""

    code: int
    answer: Any


OURS = (sys.executable, "-P", "-m", "swarmctl")


def side_by_side(words: Mapping[str, Sequence[str]], tell: Tell, program: Sequence[str] = OURS) -> dict[str, Ended]:
    """Run one for each slot to its end. words: what follows `program`. Raises HostError where one cannot be started.

    Whatever interrupts this is told to all of them once, as Ctrl-C; it goes on when they have cleaned up.
    """
    running: dict[str, _Child] = {}
    try:
        for slot, line in words.items():
            running[slot] = _Child(slot, [*program, *line], tell)
        return {slot: one.wait() for slot, one in running.items()}
    except BaseException:
        for one in running.values():
            one.cancel()
        for one in running.values():
            one.wait()
        raise


class _Child:
    """One of them; in a session of its own, so that a terminal's Ctrl-C reaches it through us alone."""

    def __init__(self, slot: str, argv: Sequence[str], tell: Tell) -> None:
        env = {**os.environ, "NO_COLOR": "1"}
        self._process = beside(argv, env=env)
        assert self._process.stdout is not None and self._process.stderr is not None  # noqa: S101, PT018 - asked for
        self._said = bytearray()
        self._threads = (
            threading.Thread(target=self._keep, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._tell, args=(self._process.stderr, slot, tell), daemon=True),
        )
        for thread in self._threads:
            thread.start()

    def cancel(self) -> None:
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGINT)

    def wait(self) -> Ended:
        code = outlasted(self._process)
        for thread in self._threads:
            thread.join()
        try:
            answer = json.loads(self._said.decode("utf-8", "replace"))
        except ValueError:
            answer = None
        return Ended(code, answer)

    def _keep(self, stream: IO[bytes]) -> None:
        with stream:
            self._said += stream.read()

    def _tell(self, stream: IO[bytes], slot: str, tell: Tell) -> None:
        with stream:
            for raw in stream:
                if text := raw.decode("utf-8", "replace").rstrip():
                    tell(slot, text)
