"""Commands about containers on a machine that SSH reaches, as root."""

from collections.abc import Callable, Sequence
from pathlib import Path

from swarmctl.effects import process
from swarmctl.effects.hosts.ssh import Line, environment
from swarmctl.effects.process import Completed


class RemoteShell:
    """Keeps Shell's promises. engine: as DOCKER_HOST says where the machine's Docker is asked from here."""

    root = True

    def __init__(self, line: Line, engine: str) -> None:
        self._line, self.docker = line, engine

    def run(self, argv: Sequence[str], *, seconds: float, check: bool = True) -> Completed:
        """As Shell has it."""
        return self._line.run(argv, seconds=seconds, root=True, check=check)

    def follow(
        self, argv: Sequence[str], tell: Callable[[str], None], *, seconds: float, source: Path | None = None
    ) -> Completed:
        """As Shell has it. Ctrl-C ends it here, and there as soon as it writes."""
        command = self._line.command(argv, root=True)
        return process.follow(command, tell, env=environment(), source=source, timeout=seconds)
