"""The supervisor here of what a swarm elsewhere needs kept: its tunnels, and the watcher of its rented machine."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from swarmctl.core.program import Program, ProgramStatus, SupervisorConfig
from swarmctl.effects import files
from swarmctl.effects.clock import Clock, wait_until
from swarmctl.effects.paths import private
from swarmctl.effects.process import Labelled
from swarmctl.effects.runtimes.process import ProcessRuntime, socket_path

_ALONE = 30.0


class Keeper:
    """One supervisor for all of one swarm's programs of this kind. state: the swarm's own folder."""

    def __init__(self, swarm: str, state: Path, clock: Clock) -> None:
        """Changes nothing."""
        self.swarm, self.folder, self._clock = swarm, state / "tunnels", clock
        self.runtime = ProcessRuntime(swarm, self.folder, socket_path(self.folder, "keeper"), clock)

    def programs(self) -> tuple[Program, ...]:
        """What the supervisor was last told to keep."""
        raw = files.read_json(self.runtime.config_file)
        with suppress(ValueError, TypeError, KeyError):
            return SupervisorConfig.from_json(raw if isinstance(raw, dict) else {}).programs
        return ()

    def keep(self, program: Program) -> None:
        """Keep it, instead of one of the same name. Raises DeployError when there is no supervisor."""
        self._tell([*self._others(program.name), program])

    def leave(self, name: str, what: str) -> list[Labelled]:
        """Keep it no more, and wait until it has ended; what of the last one cannot be ended. Raises HostError."""
        others = self._others(name)
        if others:
            self._tell(others)
            wait_until(lambda: self.status(name) is None, clock=self._clock, deadline=15, every=0.05, what=what)
            return []
        left = self.runtime.stop()
        if not left:
            self.runtime.config_file.unlink(missing_ok=True)
        return left

    def status(self, name: str) -> ProgramStatus | None:
        """What the supervisor says of one program; None where none answers, or it keeps none of this name."""
        found = self.runtime.status()
        if found is None:
            return None
        self.runtime.reason = "no tunnel to it is kept"
        return next((one for one in found.programs if one.name == name), None)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Programs of one swarm are told of one at a time."""
        path = private(self.folder) / "lock"
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            wait_until(lambda: _locked(handle), clock=self._clock, deadline=_ALONE, every=0.05, what=f"{path}")
            yield
        finally:
            os.close(handle)

    def _others(self, name: str) -> list[Program]:
        return [one for one in self.programs() if one.name != name]

    def _tell(self, programs: list[Program]) -> None:
        ordered = tuple(sorted(programs, key=lambda one: one.name))
        logs, socket = private(self.runtime.logs), str(self.runtime.socket)
        self.runtime.apply(SupervisorConfig(self.swarm, socket, str(logs), ordered, home=self.runtime.home))


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
