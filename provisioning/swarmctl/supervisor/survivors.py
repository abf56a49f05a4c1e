"""Processes that a supervisor which was killed has left running: found by label, watched by pid and start."""

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass

import psutil

from swarmctl.core.labels import HASH, SERVICE, Carried, belongs, carried

_SAME = 1.5


@dataclass(frozen=True, slots=True)
class Survivor:
    """One labelled process; create_time in seconds since the epoch."""

    pid: int
    create_time: float
    tags: Carried
    command: tuple[str, ...]

    @property
    def service(self) -> str:
        """Which program it is, or works for."""
        return self.tags.labels[SERVICE]

    @property
    def hash(self) -> str:
        """The config hash it was started with."""
        return self.tags.labels.get(HASH, "")

    @property
    def leads(self) -> bool:
        """It is a program itself: none that a program started for its own work."""
        if self.tags.helper:
            return False
        try:
            return self.tags.by_title or os.getsid(self.pid) == self.pid
        except OSError:
            return False


def scan(swarm: str, home: str = "") -> list[Survivor]:
    """This user's processes with the swarm's labels, oldest first, without this one and its ancestors."""
    here = psutil.Process()
    skip = {here.pid, *(parent.pid for parent in here.parents())}
    found = (_read(process) for process in psutil.process_iter() if process.pid not in skip)
    ours = (item for item in found if item is not None and belongs(item.tags.labels, swarm, home))
    return sorted(ours, key=lambda item: item.create_time)


def _read(process: psutil.Process) -> Survivor | None:
    try:
        with process.oneshot():
            if process.uids().real != os.getuid() or process.status() == psutil.STATUS_ZOMBIE:
                return None
            command = tuple(process.cmdline())
            tags = carried(command, process.environ())
            return None if tags is None else Survivor(process.pid, process.create_time(), tags, command)
    except psutil.Error:
        return None


def born(pid: int) -> float:
    """When a process started, in seconds since the epoch; now, if it is gone already."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return time.time()


def alive(pid: int, create_time: float) -> bool:
    """The same process still runs, and is no zombie."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - create_time) < _SAME and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def vacant(pid: int) -> bool:
    """No process has this number, so a group of this number holds only what its leader left behind."""
    return not psutil.pid_exists(pid)


def kill(found: Survivor) -> None:
    """SIGKILL, unless the number already belongs to another process."""
    if alive(found.pid, found.create_time):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(found.pid, signal.SIGKILL)
