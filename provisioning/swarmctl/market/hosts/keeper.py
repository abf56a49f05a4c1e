"""Keeps guests as the market wants them: it compares, and does the one thing that is missing, over and over."""

import threading
from collections.abc import Callable
from contextlib import suppress

from swarmctl.market.hosts.engine import Engine, EngineError
from swarmctl.market.hosts.guest import Guest

EVERY = 0.2
"""Seconds between two looks at what the market wants."""
READ = 10.0
"""Seconds between two readings of a guest's counters."""


class Keeper:
    """wanted: what there is to be. failed: told of a guest that Docker cannot make. moved: told of bytes down and up.

    It takes up guests that it finds: it remembers nothing that Docker does not know.
    """

    def __init__(
        self,
        engine: Engine,
        wanted: Callable[[], list[Guest]],
        failed: Callable[[int, str], None],
        moved: Callable[[int, int, int], None],
    ) -> None:
        self.engine, self._wanted, self._failed, self._moved = engine, wanted, failed, moved
        self._known = engine.found()
        self._keys: dict[int, tuple[str, ...]] = {}
        self._counted: dict[int, tuple[int, int]] = {}
        self._lost: set[int] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def end(self) -> list[int]:
        """Removes every guest. Returns those that could not be removed."""
        self._stop.set()
        self._thread.join()
        left = []
        for id_ in self.engine.found():
            try:
                self.engine.remove(id_)
            except EngineError:
                left.append(id_)
        return left

    def step(self) -> None:
        """Brings every guest one step nearer."""
        wanted = {one.id: one for one in self._wanted()}
        for id_ in [one for one in self._known if one not in wanted]:
            with suppress(EngineError):
                self._remove(id_)
        for guest in wanted.values():
            if guest.id not in self._lost:
                self._try(guest)

    def count(self) -> None:
        """Reads what running guests have moved since the last time."""
        for id_, runs in list(self._known.items()):
            if runs:
                now, last = self.engine.traffic(id_), self._counted.get(id_, (0, 0))
                fresh = now[0] < last[0] or now[1] < last[1]
                down, up = now if fresh else (now[0] - last[0], now[1] - last[1])
                self._counted[id_] = now
                if down or up:
                    self._moved(id_, down, up)

    def _run(self) -> None:
        turns = 0
        while not self._stop.wait(EVERY):
            self.step()
            turns += 1
            if turns % round(READ / EVERY) == 0:
                self._known = self.engine.found()
                self.count()

    def _near(self, guest: Guest) -> None:
        runs = self._known.get(guest.id)
        if runs is None:
            self.engine.make(guest)
            self._known[guest.id], self._keys[guest.id] = False, guest.ssh_keys
        elif guest.state == "running" and not runs:
            self.engine.start(guest.id)
            self._known[guest.id] = True
            self._counted.pop(guest.id, None)
        elif guest.state != "running" and runs:
            self.count()
            self.engine.stop(guest.id)
            self._known[guest.id] = False
        elif runs and self._keys.get(guest.id) != guest.ssh_keys:
            self.engine.let_in(guest)
            self._keys[guest.id] = guest.ssh_keys

    def _remove(self, id_: int) -> None:
        self.engine.remove(id_)
        self._known.pop(id_, None)
        self._counted.pop(id_, None)

    def _try(self, guest: Guest) -> None:
        try:
            self._near(guest)
        except EngineError as e:
            self._known = self.engine.found()
            self._lost.add(guest.id)
            self._failed(guest.id, str(e))
