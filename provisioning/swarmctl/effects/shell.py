"""Where commands about containers run: on this machine, or on another one that stands in for it."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from swarmctl.core.compose import client_environment
from swarmctl.effects import process
from swarmctl.effects.process import Completed


class Shell(Protocol):
    """Runs commands on the machine that has the containers. docker: as DOCKER_HOST says where its Engine is asked from
    here; empty for what this user's own environment says. root: it is root, or may become it.
    """

    def __hash__(self) -> int:
        """One machine is asked once what it can do."""
        ...

    @property
    def docker(self) -> str:
        """As above."""
        ...

    @property
    def root(self) -> bool:
        """As above."""
        ...

    def run(self, argv: Sequence[str], *, seconds: float, check: bool = True) -> Completed:
        """Run to the end. Raises HostError with the last lines, as process.run does."""
        ...

    def follow(
        self, argv: Sequence[str], tell: Callable[[str], None], *, seconds: float, source: Path | None = None
    ) -> Completed:
        """Run to the end and tell each line as it comes. source: file here that is its stdin. As process.follow."""
        ...


class Here:
    """This machine, with what Docker's client may know of this user's environment."""

    docker = ""

    @property
    def root(self) -> bool:
        """This user is root."""
        return os.geteuid() == 0

    def run(self, argv: Sequence[str], *, seconds: float, check: bool = True) -> Completed:
        """As Shell has it."""
        return process.run(argv, env=client_environment(os.environ), timeout=seconds, check=check)

    def follow(
        self, argv: Sequence[str], tell: Callable[[str], None], *, seconds: float, source: Path | None = None
    ) -> Completed:
        """As Shell has it."""
        env = client_environment(os.environ)
        return process.follow(argv, tell, env=env, source=source, timeout=seconds)


HERE: Shell = Here()
