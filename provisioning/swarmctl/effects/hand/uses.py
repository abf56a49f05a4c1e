"""`python -m swarmctl.effects.hand.uses BASE`: marks use of the engines for the machine's guard, until it is ended."""

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from swarmctl.core.enginework import Work
from swarmctl.effects.clock import Clock, SystemClock
from swarmctl.effects.paths import private

EVERY = 5.0
_MOST = 4 * 1024 * 1024
_OWN = "proving"
"""Name of the file that is locked while we ask models ourselves, in a swarm's folder."""


class Uses:
    """Engines of all swarms below a folder. A server's log that was rotated is read from its start."""

    def __init__(self, swarms: Path, clock: Clock) -> None:
        """Nothing was seen yet; what was written before is no use."""
        self._swarms, self._clock = swarms, clock
        self._at: dict[Path, int] = {log: _size(log) for log in self._logs()}
        self._work: dict[Path, Work] = {}
        self._looked = clock.now().timestamp()

    def look(self) -> list[str]:
        """Touch the marks of the engines that were at work since the last look; gives their names."""
        since, self._looked = self._looked, self._clock.now().timestamp()
        used = []
        for log in self._logs():
            root = log.parent.parent
            own = _proved(root / _OWN, since)
            work = self._work.setdefault(log, Work())
            size, before = _size(log), self._at.get(log, 0)
            if size < before:
                before = 0
                work.again()
            self._at[log] = size
            if work.read(_text(log, before, size), self._clock.monotonic(), own=own):
                used.append(log.stem)
                with suppress(OSError):
                    (private(root / "data" / log.stem) / "activity").touch(mode=0o600)
        return used

    def _logs(self) -> list[Path]:
        return sorted(self._swarms.glob("*/logs/engine-*.log"))


@contextmanager
def own(root: Path) -> Iterator[None]:
    """What engines do meanwhile is for our proofs, and no use. root: the swarm's folder."""
    handle = os.open(private(root) / _OWN, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield
    finally:
        with suppress(OSError):
            os.utime(handle)
        os.close(handle)


def _proved(file: Path, since: float) -> bool:
    """Proofs go on, or ended since then."""
    try:
        with file.open("rb") as held:
            if os.fstat(held.fileno()).st_mtime >= since:
                return True
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _size(log: Path) -> int:
    try:
        return log.stat().st_size
    except OSError:
        return 0


def _text(log: Path, since: int, until: int) -> str:
    try:
        with log.open("rb") as written:
            written.seek(max(since, until - _MOST))
            return written.read(until - written.tell()).decode("utf-8", "replace")
    except OSError:
        return ""


def main(argv: list[str]) -> int:
    """Look for ever."""
    clock = SystemClock()
    uses = Uses(Path(argv[0]) / "swarms", clock)
    while True:
        clock.sleep(EVERY)
        uses.look()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
