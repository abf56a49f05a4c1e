"""This machine, as swarms in containers see it."""

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from swarmctl.core.composesite import USER
from swarmctl.core.machine import Machine
from swarmctl.core.processtable import of_stat
from swarmctl.effects import lending, machine
from swarmctl.effects.dockerapi import Ask
from swarmctl.effects.paths import private
from swarmctl.effects.shell import HERE, Shell

_PAGE = os.sysconf("SC_PAGE_SIZE")
"""Bytes."""


@dataclass(frozen=True, slots=True)
class LocalConnection:
    """root: the swarm's own folder. models: where its engines read."""

    root: str
    models: str
    name: str = ""
    shell: Shell = HERE
    ask: Ask | None = None

    @property
    def user(self) -> str:
        """Where root writes, all belongs to the user of the agent image."""
        return USER if os.geteuid() == 0 else f"{os.geteuid()}:{os.getegid()}"

    def machine(self) -> Machine:
        """As Connection has it."""
        return machine.look(Path(self.root))

    def written(self) -> Mapping[str, str]:
        """As Connection has it."""
        root = Path(self.root)
        paths = (*root.glob("*.yml"), *root.glob("services/*.json"))
        return {str(path.relative_to(root)): path.read_text(encoding="utf-8", errors="replace") for path in paths}

    def bring(self, folder: Path, *names: str) -> None:
        """They lie there already."""
        lending.give(self.user, *(path for name in names or (".",) if (path := folder / name).exists()))

    def forget(self, name: str) -> None:
        """As Connection has it."""
        (Path(self.root) / name).unlink(missing_ok=True)

    def lend(self, blob: Path, place: str) -> None:
        """As Connection has it."""
        lending.lend(self.user, blob, Path(place))

    def depot(self) -> None:
        """As Connection has it."""

    def images(self) -> None:
        """As Connection has it."""

    def settle(self) -> None:
        """As Connection has it."""
        for name in ("gguf", "ollama"):
            private(Path(self.models) / name)
        lending.give(self.user, Path(self.models))

    def listening(self) -> Sequence[tuple[str, int]] | None:
        """As Connection has it."""
        try:
            rows = psutil.net_connections(kind="tcp")
        except (psutil.Error, OSError):
            return None
        return [(row.laddr.ip, row.laddr.port) for row in rows if row.status == psutil.CONN_LISTEN and row.laddr]

    def processes(self) -> Mapping[int, tuple[int, int]]:
        """As Connection has it; nothing where there is no /proc."""
        found = {}
        with suppress(OSError):
            for place in (one for one in Path("/proc").iterdir() if one.name.isdecimal()):
                with suppress(OSError):  # it ended meanwhile
                    if (seen := of_stat((place / "stat").read_text(errors="replace"), _PAGE)) is not None:
                        found[int(place.name)] = seen
        return found

    def held(self) -> frozenset[int]:
        """There is no way."""
        return frozenset()

    def forward(self, ports: Sequence[int]) -> None:
        """They are here."""

    def close(self) -> None:
        """There is no way."""

    def remove(self, *, models: bool) -> list[str]:
        """The swarm's folder goes with the rest of its state."""
        if models:
            shutil.rmtree(self.models, ignore_errors=True)
        return []
