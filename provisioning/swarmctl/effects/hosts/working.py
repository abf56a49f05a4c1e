"""Marks on a rented machine that it is made ready from here, which its guard must not take for idle."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from swarmctl.effects.hosts.ssh import Line
from swarmctl.errors import HostError

EVERY = 15.0
"""Seconds between two marks, as often as the guard looks."""
_FOLDER = "/run/swarmctl"
_TOUCH = 'mkdir -p -m 700 "$1" && touch "$1/activity"'
_SECONDS = 20.0


@contextmanager
def at_work(line: Line, *, every: float = EVERY) -> Iterator[None]:
    """Touch the mark now and again until the block ends; when this computer dies, nobody does any more."""
    over = threading.Event()

    def keep() -> None:
        while True:
            with suppress(HostError):
                line.run(["sh", "-c", _TOUCH, "sh", _FOLDER], seconds=_SECONDS, root=True)
            if over.wait(every):
                return

    thread = threading.Thread(target=keep, name="at work", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_SECONDS)
