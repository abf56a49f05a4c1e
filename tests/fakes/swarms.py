"""A swarm of tiny real programs under a real supervisor."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from swarmctl.core.program import Program, ProgramStatus, SupervisorConfig
from swarmctl.effects.clock import SystemClock, wait_until
from swarmctl.effects.runtimes.process import ProcessRuntime, socket_path

T = TypeVar("T")
SLEEP = "import time\nwhile True: time.sleep(60)"
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""
CLOCK = SystemClock()


def until(condition: Callable[[], T], what: str, deadline: float = 10.0) -> T:
    """Wait for a condition, and give its value."""
    return wait_until(condition, clock=CLOCK, deadline=deadline, every=0.02, what=what)


def gone(pid: int) -> bool:
    """No such process, or only its zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return text.rpartition(")")[2].split()[0] == "Z"


class Swarm:
    """One supervisor and its programs, in a folder of the test's own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name, self.folder = name, folder
        self.runtime = ProcessRuntime(name, folder / "swarm", socket_path(folder, name), CLOCK)
        self.settings: dict[str, Any] = {}

    def labels(self, service: str, digest: str) -> dict[str, str]:
        """What a service of this swarm carries."""
        return {
            "swarmctl.swarm": self.name,
            "swarmctl.slot": "slot-0",
            "swarmctl.gpu": "cpu",
            "swarmctl.service": service,
            "swarmctl.config-hash": digest,
        }

    def script(self, name: str, code: str = SLEEP, digest: str = "a", **more: Any) -> Program:
        """A program that runs a few lines of Python; its labels are in its environment."""
        argv = (sys.executable, "-u", "-c", code)
        return Program(name, "exec", argv, self.labels(name, digest), digest, **more)

    def fork(self, name: str, entry: str, *argv: str, digest: str = "a", **more: Any) -> Program:
        """A program forked from the supervisor."""
        return Program(name, "fork", argv, self.labels(name, digest), digest, entry=entry, **more)

    def config(self, *programs: Program) -> SupervisorConfig:
        """A configuration with the test's settings."""
        return SupervisorConfig(self.name, str(self.runtime.socket), str(self.runtime.logs), programs, **self.settings)

    def up(self, *programs: Program) -> dict[str, Any]:
        """Apply, and wait until every program was started, or could not be."""
        told = self.runtime.apply(self.config(*programs))
        wanted = {p.name: p.hash for p in programs}

        def settled() -> bool:
            now = {p.name: p.hash for p in self.programs().values() if p.state in {"running", "backoff"}}
            return wanted.items() <= now.items()

        until(settled, "the first starts")
        return told

    def programs(self) -> dict[str, ProgramStatus]:
        """The programs by name, as the supervisor says now."""
        status = self.runtime.status()
        assert status is not None, self.runtime.reason
        return {p.name: p for p in status.programs}

    def pid(self, name: str) -> int:
        """The process of a running program."""
        found = until(lambda: self.programs()[name].pid, f"a process of {name}")
        assert found is not None
        return found

    def supervisor(self) -> int:
        """The supervisor's process."""
        status = self.runtime.status()
        assert status is not None, self.runtime.reason
        return status.pid

    def murder(self) -> int:
        """kill -9 of the supervisor alone; gives the number it had."""
        pid = self.supervisor()
        os.kill(pid, signal.SIGKILL)
        until(lambda: gone(pid), "the supervisor's end")
        return pid

    def log(self, name: str) -> str:
        """What a program has written."""
        path = self.runtime.log_path(name)
        return path.read_text() if path.exists() else ""


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stopwatch() -> Callable[[], float]:
    """Seconds since this call."""
    begun = time.perf_counter()
    return lambda: time.perf_counter() - begun
