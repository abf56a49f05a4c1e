"""The runtime `process`: services run as processes under one supervisor of ours."""

import hashlib
import json
import os
import socket as sockets
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swarmctl.core.labels import SUPERVISOR, home_of, supervisor_labels, words
from swarmctl.core.program import ProgramStatus, SupervisorConfig
from swarmctl.effects import files
from swarmctl.effects.clock import Clock, wait_until
from swarmctl.effects.paths import private
from swarmctl.effects.process import Labelled, end, labelled, spawn_daemon
from swarmctl.effects.shortfolder import near_root, own
from swarmctl.errors import DeployError, HostError

SOCKET_BYTES = 103
"""The longest path of a socket that both Linux (107) and macOS (103) take."""
_START = 5.0
_ANSWER, _OBEY = 10.0, 60.0
"""Seconds: for a supervisor to listen, to say what runs, and to take an order. It does nothing else while it
loads the agents, which takes seconds, and many more from a cold disk."""


@dataclass(frozen=True, slots=True)
class SupervisorStatus:
    """What a supervisor says of itself and its programs; version is that of its code."""

    pid: int
    version: str
    programs: tuple[ProgramStatus, ...]


def socket_path(state: Path, swarm: str) -> Path:
    """Where the control socket of a swarm is: in the state folder, or, where that path would be longer
    than a socket's may be, in a short folder of this user's. Raises HostError when that one is not ours.
    """
    plain = state / f"{swarm}.sock"
    if len(os.fsencode(plain)) <= SOCKET_BYTES:
        return plain
    folder = own(_short_folder())
    return folder / f"{hashlib.sha256(os.fsencode(plain)).hexdigest()[:16]}.sock"


def _short_folder() -> Path:
    return near_root("swarmctl")


class ProcessRuntime:
    """Client of one swarm's supervisor. `state` is the swarm's own folder."""

    def __init__(self, swarm: str, state: Path, socket: Path, clock: Clock) -> None:
        self.swarm, self.state, self.socket = swarm, state, socket
        self.home = home_of(str(state))
        self._clock = clock
        self.reason = ""
        """Why the last `status` gave None."""

    @property
    def logs(self) -> Path:
        """The folder of the logs."""
        return self.state / "logs"

    @property
    def config_file(self) -> Path:
        """What the supervisor was last told; it reads this when it starts."""
        return self.state / "supervisor.json"

    def status(self) -> SupervisorStatus | None:
        """What runs; None when no supervisor answers, with the reason in `reason`."""
        try:
            answer = self._ask({"do": "status"})
            programs = tuple(ProgramStatus(**p) for p in answer["programs"])
            return SupervisorStatus(answer["pid"], answer["version"], programs)
        except (FileNotFoundError, ConnectionRefusedError):
            self.reason = f"no supervisor listens on {self.socket}"
        except TimeoutError:
            self.reason = f"the supervisor on {self.socket} did not answer within {_ANSWER:.0f} s"
        except (OSError, ValueError, KeyError, TypeError, DeployError) as e:
            self.reason = f"the supervisor on {self.socket} gave no sense: {e}"
        return None

    def apply(self, config: SupervisorConfig) -> dict[str, Any]:
        """Make the supervisor run exactly this; start one if there is none.

        Gives the names that it started, restarted, stopped and kept. Raises DeployError when it does
        not come up, with the last lines of its log, or refuses.
        """
        if (config.swarm, config.socket, config.logs) != (self.swarm, str(self.socket), str(self.logs)):
            raise ValueError("this configuration names another swarm, socket or log folder")
        private(self.logs)
        private(self.socket.parent)
        files.write_json(self.config_file, config.as_json())
        if self._listens():
            return self._told({"do": "apply", "config": config.as_json()})
        self._start()
        return {"started": [p.name for p in config.programs], "restarted": [], "stopped": [], "kept": []}

    def restart(self, name: str) -> None:
        """Stop and start one program. Raises DeployError when it is unknown or no supervisor answers."""
        self._told({"do": "restart", "name": name})

    def stop(self, timeout: float = 30.0) -> list[Labelled]:
        """Stop everything: ask the supervisor, wait, then end by label what is left, supervisor or not.

        timeout: seconds for the supervisor's own stop. Gives what is still alive after all of it.
        """
        pid = None
        with suppress(OSError, ValueError, DeployError):
            pid = self._ask({"do": "stop"}).get("pid")
        if pid is not None:
            with suppress(HostError):
                wait_until(
                    lambda: pid not in {item.pid for item in self.labelled()},
                    clock=self._clock, deadline=timeout, every=0.1, what="the supervisor to end",
                )  # fmt: skip
        left: list[Labelled] = []
        for _ in range(3):  # once more for what started while the last of them ended
            left = end(self.labelled(helpers=True), grace=5.0)
            if not self.labelled(helpers=True):
                self._tidy()
                return []
        return left or self.labelled(helpers=True)

    def strays(self, status: SupervisorStatus | None) -> list[Labelled]:
        """Labelled processes that the supervisor with this status does not own; all of them if there is none."""
        owned = {status.pid, *(p.pid for p in status.programs)} if status else set()
        return [item for item in self.labelled() if item.pid not in owned]

    def log_path(self, name: str) -> Path:
        """The log of a program; `supervisor` is the supervisor's own."""
        return self.logs / f"{name}.log"

    def tail(self, name: str, lines: int = 20) -> str:
        """The last lines of a program's log, reaching into the one before it; empty when there is none."""
        log, found = self.log_path(name), list[str]()
        for path in (log, log.with_name(f"{log.name}.1")):
            if len(found) < lines:
                found = [*_last(path), *found]
        return "\n".join(found[-lines:])

    def labelled(self, *, helpers: bool = False) -> list[Labelled]:
        """Every process that carries this swarm's labels, the supervisor among them."""
        return labelled(self.swarm, self.home, helpers=helpers)

    def _start(self) -> None:
        labels = words(supervisor_labels(self.swarm, self.home))
        log = self.log_path(SUPERVISOR)
        argv = [sys.executable, "-P", "-m", "swarmctl.supervisor", str(self.config_file), *labels]
        pid = spawn_daemon(argv, log)
        try:
            wait_until(
                lambda: self._listens() or _gone(pid),
                clock=self._clock, deadline=_START, every=0.02, what="the supervisor to listen",
            )  # fmt: skip
        except HostError as e:
            raise self._failed(e.message) from None
        if not self._listens():
            raise self._failed("the supervisor ended at once")

    def _failed(self, message: str) -> DeployError:
        hint = f"read {self.log_path(SUPERVISOR)}"
        return DeployError(f"{self.swarm}: {message}", detail=self.tail(SUPERVISOR, 12), hint=hint)

    def _listens(self) -> bool:
        with sockets.socket(sockets.AF_UNIX) as line:
            line.settimeout(_ANSWER)
            with suppress(OSError):
                line.connect(str(self.socket))
                return True
        return False

    def _told(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._ask(request, _OBEY)
        except (OSError, ValueError) as e:
            raise self._failed(f"the supervisor does not answer: {e}") from e

    def _ask(self, request: dict[str, Any], patience: float = _ANSWER) -> dict[str, Any]:
        """One question, one answer. Raises OSError, ValueError, DeployError when it says no."""
        with sockets.socket(sockets.AF_UNIX) as line:
            line.settimeout(patience)
            line.connect(str(self.socket))
            line.sendall(json.dumps(request).encode() + b"\n")
            with line.makefile("rb") as reader:
                answer = json.loads(reader.readline() or b"null")
        if not isinstance(answer, dict):
            raise ValueError("it hung up")  # noqa: TRY004 - a wrong value from outside, not a wrong call
        if not answer.get("ok"):
            raise DeployError(f"{self.swarm}: the supervisor refused: {answer.get('error')}")
        return answer

    def _tidy(self) -> None:
        self.socket.unlink(missing_ok=True)
        if self.socket.parent == _short_folder():
            with suppress(OSError):
                self.socket.parent.rmdir()


def _gone(pid: int) -> bool:
    """Our own child ended."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _last(path: Path, size: int = 64 * 1024) -> list[str]:
    """The lines in the last `size` bytes of a file; none when it is not there."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - size))
            return file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
