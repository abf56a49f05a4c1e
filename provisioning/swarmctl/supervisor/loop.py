"""The loop: signals, the control socket, due starts, deaths and full logs, all in one thread."""

import os
import selectors
import signal
import socket
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from swarmctl import __version__
from swarmctl.core.applying import problems
from swarmctl.core.labels import SUPERVISOR
from swarmctl.core.program import Program, SupervisorConfig
from swarmctl.supervisor import fork, spawn
from swarmctl.supervisor.children import Children
from swarmctl.supervisor.control import Control
from swarmctl.supervisor.journal import log
from swarmctl.supervisor.rotate import rotate
from swarmctl.supervisor.survivors import Survivor, kill, scan

_TICK = 2.0
"""Seconds between two looks at the logs and at idle clients."""
_STOP = (signal.SIGTERM, signal.SIGINT)


class Supervisor:
    """One swarm's supervisor, from its socket to its end. Must be made in the main thread."""

    def __init__(self, config: SupervisorConfig, line: socket.socket, lock: int) -> None:
        self._config, self._lock = config, lock
        self._selector = selectors.DefaultSelector()
        self._control = Control(self._selector, line, self._answer)
        self._wake, self._woken = socket.socketpair()
        for end in (self._wake, self._woken):
            end.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, self._signalled)
        self._children = Children(config.programs, self._launch, time.monotonic())
        self._stopping = False
        self._tick = 0.0

    def run(self, survivors: list[Survivor]) -> None:
        """Adopt, start, and keep alive, until told to stop; then the socket is gone and all have ended."""
        for number in (*_STOP, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda _number, _frame: None)  # the wake-up socket tells of them
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        self._children.adopt(survivors, time.monotonic())
        while not (self._stopping and not self._children.running):
            self._turn()
        for left in scan(self._config.swarm, self._config.home):
            if left.service != SUPERVISOR:
                log(f"{left.service}: left pid {left.pid} behind; killed")
                kill(left)
        Path(self._config.socket).unlink(missing_ok=True)
        log("stopped")

    def _turn(self) -> None:
        started = not self._stopping and self._children.start_next(time.monotonic())
        for key, events in self._selector.select(0 if started else self._patience()):
            key.data(events, time.monotonic())
        now = time.monotonic()
        self._children.tend(now)
        if not self._stopping:
            self._children.tidy()
        if now >= self._tick:
            self._tick = now + _TICK
            self._control.expire(now)
            self._rotate()

    def _patience(self) -> float:
        due = self._children.wake()
        until = self._tick if due is None else min(due, self._tick)
        return max(0.0, until - time.monotonic())

    def _launch(self, program: Program) -> int:
        path = Path(self._config.logs) / f"{program.name}.log"
        if program.how == "fork":
            return fork.start(program, path, self._let_go)
        return spawn.start(program, path)

    def _let_go(self) -> None:
        """In a forked child: close what belongs to the supervisor."""
        self._selector.close()
        self._control.close()
        self._wake.close()
        self._woken.close()
        os.close(self._lock)

    def _rotate(self) -> None:
        for name in (SUPERVISOR, *self._children.names):
            try:
                rotate(Path(self._config.logs) / f"{name}.log", self._config.log_bytes, self._config.log_keep)
            except OSError as e:
                log(f"{name}: its log cannot be rotated: {e}")

    def _signalled(self, _events: int, now: float) -> None:
        received = b""
        with suppress(BlockingIOError):
            received = self._woken.recv(4096)
        for number in received:
            if number in _STOP:
                self._stop(now)

    def _stop(self, now: float) -> None:
        if self._stopping:
            log("told to stop again: everything is killed")
            self._children.kill()
            return
        log("stopping")
        self._stopping = True
        self._children.stop(now)

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        verb = asked.get("do")
        if verb == "status":
            return self._status()
        if verb not in {"apply", "restart", "stop"}:
            return {"ok": False, "error": f"do is status, apply, restart or stop, not {verb!r}"}
        if verb == "stop":
            if not self._stopping:
                self._stop(time.monotonic())
            return {"ok": True, "pid": os.getpid()}
        if self._stopping:
            return {"ok": False, "error": "the supervisor is stopping"}
        return self._apply(asked.get("config")) if verb == "apply" else self._restart(asked.get("name"))

    def _status(self) -> dict[str, Any]:
        programs = [asdict(p) for p in self._children.status(time.monotonic())]
        return {"ok": True, "pid": os.getpid(), "version": __version__, "programs": programs}

    def _apply(self, raw: object) -> dict[str, Any]:
        try:
            config = SupervisorConfig.from_json(raw if isinstance(raw, dict) else {})
        except (ValueError, TypeError, KeyError) as e:
            return {"ok": False, "error": f"this configuration cannot be read: {e}"}
        fixed = (self._config.swarm, self._config.socket, self._config.logs)
        found = problems(config)
        if (config.swarm, config.socket, config.logs) != fixed:
            found.append("the swarm, socket and logs of a running supervisor stay as they are")
        if found:
            return {"ok": False, "error": "; ".join(found)}
        self._config = config
        return {"ok": True, **asdict(self._children.apply(config.programs, time.monotonic()))}

    def _restart(self, name: object) -> dict[str, Any]:
        try:
            self._children.restart(str(name), time.monotonic())
        except KeyError:
            return {"ok": False, "error": f"there is no program {name!r}"}
        return {"ok": True}
