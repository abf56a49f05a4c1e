"""Conversions on another machine: sources are sent there, its Docker runs the converter, and results come back."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, ClassVar

from swarmctl.core.lock import Lock
from swarmctl.core.machine import Machine
from swarmctl.effects.clock import Clock
from swarmctl.effects.connections.distant import DistantConnection
from swarmctl.effects.converting.tools import ASKING, IMAGE, InContainer, asked_of, walls
from swarmctl.effects.converting.toolversion import PROGRAMS, of_image
from swarmctl.effects.hosts.images import provide
from swarmctl.effects.hosts.ssh import environment
from swarmctl.errors import HostError

ROOT = "/var/lib/swarmctl/convert"
"""Its own there: emptied when a conversion begins, and removed when it ends."""
_NOBODY = 65534
_SHORT, _LONG = 60.0, 6 * 3600.0
"""Seconds: for a command, and for weights to be sent."""
_FRESH = 'rm -rf -- "$1" && mkdir -p "$1/work" "$1/in" "$1/converter" && chown "$2:$2" "$1/work" && chmod 755 "$1"'
_SIZE = 'if [ -e "$1" ]; then du -sk -- "$1" | cut -f1; else echo 0; fi'
_ABOUT = 2.0
"""Seconds for which a size that was asked for is good enough."""


@dataclass
class OnHost(InContainer):
    """The converter image on a machine that SSH reaches. over: the way there, which whoever made it closes."""

    name: str = "llama.cpp in the converter container"
    over: DistantConnection = field(kw_only=True)
    _laid: int = 0

    def argv(self, work: Path, memory: int) -> list[str]:  # noqa: ARG002 - the folder there is meant
        """`docker run` there, by SSH; its stdin is ours, so it ends when we do."""
        mounts = [
            *("--mount", f"type=bind,source={ROOT}/converter,target=/opt/swarmctl/swarmctl/converter,readonly"),
            *("--mount", f"type=bind,source={ROOT}/work,target=/work"),
            *("--mount", f"type=bind,source={ROOT}/in,target=/in,readonly"),
        ]
        return self.over.line.command(walls(self.container, f"{_NOBODY}:{_NOBODY}", memory, mounts), root=True)

    def environment(self) -> dict[str, str]:
        """OpenSSH's."""
        return environment()

    def lay(self, work: Path, folder: str, files: Mapping[str, Path]) -> str:  # noqa: ARG002 - as above
        """Sent file by file; each is there whole or not at all."""
        place = f"{self._laid}/{folder}"
        self._laid += 1
        sent = {f"{ROOT}/in/{place}/{name}": path.resolve() for name, path in files.items()}
        self.over.line.put(dict(sent), mode=0o644, seconds=_LONG, root=True)
        return f"/in/{place}"

    def away(self) -> None:
        """The container there is removed, if it is still there."""
        with suppress(HostError):
            self.over.shell.run(["docker", "rm", "-f", self.container], seconds=_SHORT, check=False)


class There:
    """Keeps Shelf's promises for files on that machine. work: the folder here that paths are of."""

    def __init__(self, over: DistantConnection, work: Path, clock: Clock) -> None:
        self._over, self._work, self._clock = over, work, clock
        self._gone: set[str] = set()
        self._sizes: dict[str, tuple[float, int]] = {}

    def whole(self, path: Path) -> str:
        """As Shelf has it; what is in it is seen when it comes back."""
        done = self._run("test", "-s", self._there(path), check=False)
        return "" if done else "it is not there"

    def take(self, part: Path, done: Path) -> None:
        """As Shelf has it."""
        self._run("mv", "-f", "--", self._there(part), self._there(done))
        self._gone.discard(done.name)

    def drop(self, path: Path) -> None:
        """As Shelf has it; what lies here of the same name goes, too."""
        if path.is_file():
            path.unlink()
        if path.name not in self._gone:
            self._run("rm", "-rf", "--", self._there(path))
            self._gone.add(path.name)

    def size(self, path: Path) -> int:
        """As Shelf has it, a second or two late."""
        there, now = self._there(path), self._clock.monotonic()
        known = self._sizes.get(there)
        if known is None or now - known[0] > _ABOUT:
            known = now, self._size(there)
            self._sizes[there] = known
        return known[1]

    def bring(self, path: Path) -> Path:
        """As Shelf has it. Raises HostError where it does not come."""
        if path.is_file():
            return path
        part = path.with_name(f"{path.name}.part")
        with part.open("wb") as file:

            def keep(data: bytes) -> None:
                file.write(data)

            argv = ["cat", "--", self._there(path)]
            done = self._over.line.converse(argv, feed=_nothing, hear=keep, seconds=_LONG, root=True)
            file.flush()
            os.fsync(file.fileno())
        if done.code:
            part.unlink()
            raise HostError(f"{self._over.name}: a result does not come back", detail=done.stderr[-400:])
        return part.replace(path)

    def free(self) -> int | None:
        """As Shelf has it."""
        with suppress(HostError):
            return self._over.machine().disk_free << 20
        return None

    def _there(self, path: Path) -> str:
        return f"{ROOT}/work/{path.relative_to(self._work)}".removesuffix("/.")

    def _size(self, there: str) -> int:
        with suppress(HostError, ValueError):
            return int(self._over.shell.run(["sh", "-c", _SIZE, "sh", there], seconds=_SHORT).stdout.strip()) << 10
        return 0

    def _run(self, *argv: str, check: bool = True) -> bool:
        return self._over.shell.run(list(argv), seconds=_SHORT, check=check).code == 0


@dataclass(frozen=True)
class HostBench:
    """A machine to convert on. over: the way there."""

    over: DistantConnection
    clock: Clock
    far: ClassVar[bool] = True

    def machine(self, folder: Path) -> Machine:  # noqa: ARG002 - the folder there is meant
        """Its cores, memory and disk. Raises HostError where it cannot be reached, or has no Docker."""
        self.over.ask("/version")
        return self.over.machine()

    def tools(self) -> OnHost:
        """The converter there; its version is "" where the image is not there yet."""
        listed = self.over.ask("/images/json")
        found = next((str(row["Id"]) for row in listed if IMAGE in (row.get("RepoTags") or ())), "")

        def said(query: tuple[str, ...]) -> str:
            return self.over.shell.run([*asked_of(found), *query], seconds=ASKING).stdout

        version = of_image(found, said)
        return OnHost(version, f"llama.cpp in the converter container on {self.over.name}", over=self.over)

    def provided(self, _found: object, tell: object = None) -> OnHost:
        """The same with its image there, and an empty folder with our programs. Raises DeployError, HostError."""
        say = tell if callable(tell) else (lambda _line: None)
        provide(IMAGE, Lock(), say, self.over)
        self.over.shell.run(["sh", "-c", _FRESH, "sh", ROOT, str(_NOBODY)], seconds=_SHORT)
        programs = {f"{ROOT}/converter/{path.name}": path for path in sorted(PROGRAMS.glob("*.py"))}
        self.over.line.put(dict(programs), mode=0o644, seconds=_LONG, root=True)
        return self.tools()

    def shelf(self, work: Path) -> There:
        """Where unfinished files lie."""
        return There(self.over, work, self.clock)

    def done(self) -> None:
        """Nothing of it is left there."""
        with suppress(HostError):
            self.over.shell.run(["rm", "-rf", "--", ROOT], seconds=_SHORT * 5)


def _nothing(_pipe: IO[bytes]) -> None:
    pass
