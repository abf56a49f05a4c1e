"""Processes as they are this moment: one that ends while it is looked at is gone, not an error."""

from collections.abc import Iterable
from typing import NamedTuple

import psutil


class Alive(NamedTuple):
    pid: int
    name: str
    words: list[str]


def children(of: int | None = None) -> list[Alive]:
    """All that a process (without `of`: this one) has begun, near and far, and that still runs."""
    try:
        return alive(one.pid for one in psutil.Process(of).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def alive(pids: Iterable[int]) -> list[Alive]:
    return [found for pid in pids if (found := _look(pid))]


def _look(pid: int) -> Alive | None:
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            return Alive(pid, process.name(), process.cmdline())
    except psutil.NoSuchProcess:
        return None
