"""Commands about containers on a machine that SSH reaches, as root."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from swarmctl.effects import process
from swarmctl.effects.hosts.ssh import Line, environment
from swarmctl.effects.process import Completed

_BLOCK = 1 << 18


class RemoteShell:
    """Keeps Shell's promises. engine: as DOCKER_HOST says where the machine's Docker is asked from here.

    pulse: called ten times a second while something is followed, and ends it by raising.
    """

    root = True

    def __init__(self, line: Line, engine: str, pulse: Callable[[], None] | None = None) -> None:
        self._line, self.docker, self._pulse = line, engine, pulse

    def run(self, argv: Sequence[str], *, seconds: float, check: bool = True) -> Completed:
        """As Shell has it."""
        return self._line.run(argv, seconds=seconds, root=True, check=check)

    def follow(
        self, argv: Sequence[str], tell: Callable[[str], None], *, seconds: float, source: Path | None = None
    ) -> Completed:
        """As Shell has it. Ctrl-C ends it here, and there as soon as it writes."""
        if self._pulse is not None:
            return self._beside(argv, tell, seconds, source, self._pulse)
        command = self._line.command(argv, root=True)
        return process.follow(command, tell, env=environment(), source=source, timeout=seconds)

    def _beside(
        self,
        argv: Sequence[str],
        tell: Callable[[str], None],
        seconds: float,
        source: Path | None,
        pulse: Callable[[], None],
    ) -> Completed:
        """The same, broken off from another thread."""
        rest = b""

        def hear(data: bytes) -> None:
            nonlocal rest
            pulse()
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                tell(line.decode("utf-8", "replace").rstrip())

        def feed(pipe: IO[bytes]) -> None:
            if source is not None:
                with source.open("rb") as file:
                    shutil.copyfileobj(file, pipe, _BLOCK)

        both = ["sh", "-c", 'exec "$@" 2>&1', "sh", *argv]
        done = self._line.converse(both, feed=feed, hear=hear, seconds=seconds, root=True)
        return Completed("\n".join(done.stdout.splitlines()[-200:]), "", done.code)
