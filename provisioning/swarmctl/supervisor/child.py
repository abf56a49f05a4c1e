"""One program through its life: waiting, running, dying, waiting longer."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from swarmctl.core.program import Program, ProgramStatus
from swarmctl.core.restart import after_death
from swarmctl.supervisor.journal import log
from swarmctl.supervisor.spawn import StartError
from swarmctl.supervisor.survivors import alive, vacant

Start = Callable[[Program], int]


class Child:
    """A program and its process. Times called `now`, `due` and `kill_at` are monotonic seconds.

    `program` is what runs; `wanted` what shall run once the process has ended, None for nothing.
    """

    def __init__(self, program: Program, now: float) -> None:
        self.program = program
        self.wanted: Program | None = program
        self.state = "starting"
        self.pid: int | None = None
        self.adopted = False
        self.due: float | None = now
        self.kill_at: float | None = None
        self._starts = self._failures = 0
        self._born = self._since = 0.0
        self._last_exit = ""

    def start(self, launch: Start, now: float) -> None:
        """Start it; a program that cannot start has died at once, for the reason that is given."""
        self._starts += 1
        self.due, self.adopted, self._since = None, False, now
        try:
            self.pid = launch(self.program)
        except StartError as e:
            self.ended(f"cannot start: {e}", now)
            return
        self.state, self._born = "running", time.time()
        log(f"{self.program.name}: started, pid {self.pid}")

    def adopt(self, pid: int, create_time: float, now: float) -> None:
        """Take over a process that another supervisor started."""
        self.pid, self.adopted, self.due, self.state = pid, True, None, "running"
        self._starts, self._born, self._since = 1, create_time, now - max(0.0, time.time() - create_time)
        log(f"{self.program.name}: pid {pid} was left running; adopted")

    def lost(self) -> bool:
        """An adopted process is gone (the kernel tells of our own children, not of it)."""
        return self.adopted and self.pid is not None and not alive(self.pid, self._born)

    def stop(self, now: float, wanted: Program | None) -> None:
        """Ask it to end; afterwards `wanted` is started, or nothing."""
        self.wanted = wanted
        if self.pid is None:
            self._settle(now)
        elif self.state != "stopping":
            self.state, self.kill_at = "stopping", now + self.program.stop_grace
            log(f"{self.program.name}: stopping pid {self.pid}")
            self._send(signal.SIGTERM)
            self._send(signal.SIGCONT)  # a stopped process would not hear it

    def kill(self) -> None:
        """SIGKILL for it and everything in its process group."""
        self.kill_at = None
        if self.pid is not None and not self.lost():
            log(f"{self.program.name}: killing pid {self.pid} and its group")
            self.sweep()
            self._send(signal.SIGKILL)

    def sweep(self) -> None:
        """SIGKILL for its process group: what a program leaves behind would hold its ports."""
        if self.pid is not None and (not self.lost() or vacant(self.pid)):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def ended(self, how: str, now: float) -> None:
        """Its process is gone; `how` is a sentence."""
        told = self.state == "stopping"
        self.pid, self.kill_at, self.adopted, self._last_exit = None, None, False, how
        if told:
            log(f"{self.program.name}: {how}")
            self._settle(now)
            return
        after = after_death(self._failures, now - self._since)
        self._failures, self.due, self.state = after.failures, now + after.delay, "backoff"
        log(f"{self.program.name}: {how}; starts again in {after.delay:g} s")

    def status(self, now: float) -> ProgramStatus:
        """What there is to say of it."""
        return ProgramStatus(
            name=self.program.name,
            state=self.state,
            pid=self.pid,
            hash=self.program.hash,
            restarts=max(0, self._starts - 1),
            started=self._born if self.pid is not None else None,
            last_exit=self._last_exit,
            next_start=None if self.due is None else time.time() + max(0.0, self.due - now),
            adopted=self.adopted,
        )

    def _settle(self, now: float) -> None:
        """Without a process, at a person's wish: start what is wanted at once, or rest."""
        if self.wanted is None:
            self.state, self.due = "stopped", None
            return
        if self.wanted.hash != self.program.hash:
            self._starts, self._last_exit = 0, ""
        self.program, self._failures, self.state, self.due = self.wanted, 0, "starting", now

    def _send(self, number: signal.Signals) -> None:
        if self.pid is not None and not self.lost():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, number)
