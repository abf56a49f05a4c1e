"""A machine that SSH reaches, as swarms in containers see it."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from swarmctl.core.composesite import USER
from swarmctl.core.hostports import listening
from swarmctl.core.machine import Machine
from swarmctl.core.placed import BASE, Placed, models_of, root_of
from swarmctl.core.processtable import table
from swarmctl.core.tunnel import DOCKER, Wanted
from swarmctl.effects.bringing.depot import Depot, File
from swarmctl.effects.clock import Clock
from swarmctl.effects.dockerapi import Ask, asking
from swarmctl.effects.hosts import facts
from swarmctl.effects.hosts.remoteshell import RemoteShell
from swarmctl.effects.hosts.ssh import Line
from swarmctl.effects.hosts.tunnel import Tunnel
from swarmctl.errors import PortTakenError

_SHORT = 60.0
"""Seconds for a command."""
_PATIENCE = 20.0
"""Seconds in which a tunnel that was away must be back, or it is said why it is not."""
_FOLDERS = 'umask 077; owner=$1; shift; mkdir -p "$@" && chown -R "$owner" "$@"'
_TEXTS = """\
cd "$1" 2>/dev/null || exit 0
for f in *.yml services/*.json; do
  if [ -f "$f" ]; then printf '%s\\0' "$f"; cat "$f"; printf '\\0'; fi
done
"""
_GONE = 'rm -rf -- "$@"; for f; do [ ! -e "$f" ] || echo "$f"; done'


class DistantConnection:
    """Keeps Connection's promises over one line and one tunnel, both made when they are first needed.

    state: the swarm's folder here. ports: the loopback ports that are forwarded from the start.
    """

    user = USER

    def __init__(self, swarm: str, placed: Placed, state: Path, ports: Sequence[int], clock: Clock) -> None:
        host = placed.reached
        self.name, self.root, self.models = host.name, root_of(swarm), models_of(swarm)
        self.line = Line(host, state / "tunnels")
        self.tunnel = Tunnel(swarm, placed.slot, host, state, clock)
        self._wanted, self._stands = tuple(sorted(set(ports))), False
        self._docker = DOCKER if placed.runtime == "compose" else ""
        self._ask: Ask | None = None
        self._processes: dict[int, tuple[int, int]] | None = None
        self.shell = RemoteShell(self.line, f"unix://{self.tunnel.engine}")

    def ask(self, path: str, **query: Any) -> Any:
        """The Engine's API there. Raises HostError when the machine or its Engine does not answer."""
        self._open()
        if self._ask is None:
            self._ask = asking(self.shell.docker)
        return self._ask(path, **query)

    def machine(self) -> Machine:
        """As Connection has it."""
        self._processes = None
        return facts.look(self.line, folder=self.models).machine

    def written(self) -> Mapping[str, str]:
        """As Connection has it."""
        done = self.shell.run(["sh", "-c", _TEXTS, "sh", self.root], seconds=_SHORT)
        parts = done.stdout.split("\0")
        return dict(zip(parts[::2], parts[1::2], strict=False))

    def bring(self, folder: Path, *names: str) -> None:
        """As Connection has it; a file is there whole or not at all."""
        found = [path for name in names for path in _all(folder / name)]
        files = {self._there(folder, path): path for path in found if path.is_file()}
        folders = [self.root, *(self._there(folder, path) for path in found if path.is_dir())]
        modes = {there: path.stat().st_mode & 0o777 for there, path in files.items()}
        self.line.put(dict(files), modes=modes, folders=0o700, root=True)
        self.shell.run(["sh", "-c", _FOLDERS, "sh", self.user, *folders], seconds=_SHORT)

    def forget(self, name: str) -> None:
        """As Connection has it."""
        self.shell.run(["rm", "-f", "--", f"{self.root}/{name}"], seconds=_SHORT)

    def lend(self, blob: Path, place: str) -> None:
        """As Connection has it."""
        if self.shell.run(["test", "-e", place], seconds=_SHORT, check=False).code:
            file = File(blob.name.removeprefix("sha256-"), blob.stat().st_size)
            self.depot().push(file, blob)
            self.depot().lend(file.digest, place.removeprefix(f"{self.models}/"))

    def depot(self) -> Depot:
        """As Connection has it."""
        return Depot(self.line, self.name, self.models, self.user)

    def images(self) -> Depot:
        """As Connection has it."""
        return Depot(self.line, self.name, f"{BASE}/images", "0:0", "layer")

    def settle(self) -> None:
        """As Connection has it."""
        folders = [self.models, *(f"{self.models}/{name}" for name in ("gguf", "ollama"))]
        self.shell.run(["sh", "-c", _FOLDERS, "sh", self.user, *folders], seconds=_SHORT)

    def listening(self) -> Sequence[tuple[str, int]] | None:
        """As Connection has it."""
        done = self.shell.run(["cat", "/proc/net/tcp", "/proc/net/tcp6"], seconds=_SHORT, check=False)
        return listening(done.stdout) or None

    def processes(self) -> Mapping[int, tuple[int, int]]:
        """As Connection has it; asked again after `machine`."""
        if self._processes is None:
            done = self.shell.run(["ps", "-eo", "pid=,ppid=,rss="], seconds=_SHORT, check=False)
            self._processes = table(done.stdout)
        return self._processes

    def held(self) -> frozenset[int]:
        """As Connection has it."""
        return frozenset(self.tunnel.ends.ports.values())

    def forward(self, ports: Sequence[int]) -> None:
        """As Connection has it."""
        self._wanted, self._stands = tuple(sorted({*self._wanted, *ports})), False
        self._open()

    def remove(self, *, models: bool) -> list[str]:
        """As Connection has it."""
        paths = [self.root, *([self.models] if models else [])]
        done = self.shell.run(["sh", "-c", _GONE, "sh", *paths], seconds=_SHORT * 5)
        return [f"{path} on {self.name}" for path in done.stdout.split()]

    def close(self) -> None:
        """Nothing of the way there is left here: no tunnel, no connection."""
        self.tunnel.down()
        self.line.close()

    def _open(self) -> None:
        """The tunnel stands; a port of it that is somebody else's here is said, since it would be another one."""
        if self._stands:
            return
        ends = self.tunnel.up(Wanted(self._docker, self._wanted))
        if moved := [there for there, here in ends.ports.items() if there != here]:
            raise PortTakenError(
                f"port {moved[0]} of this machine belongs to another program", hint="swarmctl up   (finds another one)"
            )
        self.tunnel.wait(_PATIENCE)
        self._stands = True

    def _there(self, folder: Path, path: Path) -> str:
        within = path.relative_to(folder)
        return self.root if not within.parts else f"{self.root}/{within.as_posix()}"


def _all(path: Path) -> list[Path]:
    """A file, or a folder with all that is in it; no link is followed."""
    if path.is_file():
        return [path]
    return (
        [path, *(Path(top, one) for top, folders, files in os.walk(path) for one in (*folders, *files))]
        if path.is_dir()
        else []
    )
