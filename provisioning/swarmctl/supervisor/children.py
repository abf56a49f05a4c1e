"""All programs of one supervisor: started in order, watched, stopped in reverse order."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress

from swarmctl.core.applying import Changes, changes
from swarmctl.core.labels import SUPERVISOR
from swarmctl.core.program import Program, ProgramStatus
from swarmctl.supervisor.child import Child, Start
from swarmctl.supervisor.journal import log
from swarmctl.supervisor.survivors import Survivor, kill

_WATCH = 0.5
"""Seconds between two looks at adopted processes."""


class Children:
    """The programs by name, in order. Times are monotonic seconds."""

    def __init__(self, programs: tuple[Program, ...], launch: Start, now: float) -> None:
        self._launch = launch
        self._all = {program.name: Child(program, now) for program in programs}
        self._look = now

    def adopt(self, survivors: list[Survivor], now: float) -> None:
        """Take over the survivors that run what is wanted; end the others."""
        ours = [item for item in survivors if item.service != SUPERVISOR]
        for found in (item for item in ours if item.leads):
            child = self._all.get(found.service)
            if child is not None and child.pid is not None:
                log(f"{found.service}: pid {found.pid} is one too many")
                kill(found)
                continue
            wanted = child.program if child else None
            if child is None or found.hash != child.program.hash:
                child = self._all[found.service] = Child(_as_it_was(found, wanted), now)
            child.adopt(found.pid, found.create_time, now)
            if child.program.hash != (wanted.hash if wanted else None):
                child.stop(now, wanted)
        for found in (item for item in ours if not item.leads):
            if found.service not in self._all or self._all[found.service].pid is None:
                kill(found)  # what a program had started for its own work, and the program is gone

    def apply(self, wanted: tuple[Program, ...], now: float) -> Changes:
        """Run exactly these from now on; what keeps its config hash keeps its process."""
        running = {name: child.program.hash for name, child in self._all.items() if child.wanted is not None}
        todo = changes(running, wanted)
        for name in todo.stopped:
            self._all[name].stop(now, None)
        for program in wanted:
            self._want(program, todo, now)
        order = [program.name for program in wanted]
        rest = [name for name in self._all if name not in order]
        self._all = {name: self._all[name] for name in (*order, *rest)}
        self.tidy()
        return todo

    def _want(self, program: Program, todo: Changes, now: float) -> None:
        child = self._all.get(program.name)
        if child is None:
            self._all[program.name] = Child(program, now)
        elif program.name in todo.restarted or child.wanted is None:
            child.stop(now, program)
        elif child.state == "stopping":
            child.wanted = program
        else:
            child.wanted = child.program = program

    def restart(self, name: str, now: float) -> None:
        """Stop and start one program. KeyError when there is none of this name."""
        child = self._all[name]
        if child.wanted is None:
            raise KeyError(name)
        child.stop(now, child.wanted)

    def stop(self, now: float) -> None:
        """Ask all to end, the last started first."""
        for child in reversed(self._all.values()):
            child.stop(now, None)

    def kill(self) -> None:
        """End all at once."""
        for child in self._all.values():
            child.kill()

    def start_next(self, now: float) -> bool:
        """Start one program whose time has come; gives whether there was one."""
        for child in self._all.values():
            if child.due is not None and child.due <= now:
                child.start(self._launch, now)
                return True
        return False

    def tend(self, now: float) -> None:
        """Notice deaths, and kill what outlived its grace."""
        by_pid = {child.pid: child for child in self._all.values() if child.pid and not child.adopted}
        for pid, how in _reap(by_pid):
            if child := by_pid.get(pid):
                child.ended(how, now)
        if now >= self._look:
            self._look = now + _WATCH
            for child in self._all.values():
                if child.lost():
                    child.sweep()
                    child.ended("ended, its exit code is not known (it was adopted)", now)
        for child in self._all.values():
            if child.kill_at is not None and child.kill_at <= now:
                child.kill()

    def tidy(self) -> None:
        """Forget programs that nobody wants and that have ended."""
        self._all = {n: c for n, c in self._all.items() if c.pid is not None or c.wanted is not None}

    def wake(self) -> float | None:
        """When something is due next, None when nothing is."""
        times = [t for c in self._all.values() for t in (c.due, c.kill_at) if t is not None]
        if any(child.adopted for child in self._all.values()):
            times.append(self._look)
        return min(times, default=None)

    @property
    def running(self) -> bool:
        """Some program still has a process."""
        return any(child.pid is not None for child in self._all.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(self._all)

    def status(self, now: float) -> list[ProgramStatus]:
        """All of them, in order."""
        return [child.status(now) for child in self._all.values()]


def _as_it_was(found: Survivor, wanted: Program | None) -> Program:
    """A stand-in for the program that a survivor runs, which no configuration names any more."""
    labels, grace = dict(found.tags.labels), wanted.stop_grace if wanted else 10.0
    return Program(found.service, "exec", found.command, labels, found.hash, stop_grace=grace)


def _reap(ours: Mapping[int, Child]) -> Iterator[tuple[int, str]]:
    """Every child that ended, with a sentence; its group is swept while the zombie still holds the number."""
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None:
            return
        if child := ours.get(ended.si_pid):
            child.sweep()
        with suppress(ChildProcessError):
            os.waitpid(ended.si_pid, 0)
        word = "exit" if ended.si_code == os.CLD_EXITED else "signal"
        yield ended.si_pid, f"{word} {ended.si_status}"
