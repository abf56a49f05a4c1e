"""The hand of swarmctl on another machine, as it is asked from here: one command over SSH for each order."""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from swarmctl.core.handtalk import Said, raised, read
from swarmctl.core.placed import Placed
from swarmctl.effects import process
from swarmctl.effects.connections.distant import DistantConnection
from swarmctl.effects.hosts.ssh import environment
from swarmctl.effects.process import Completed
from swarmctl.errors import HostError

Tell = Callable[[Any], None]
_SECONDS = 120.0
_SHORT = 60.0
_LAST = 12


class Hand:
    """swarmctl on the machine that one swarm of processes is on. over: the way there."""

    def __init__(self, swarm: str, placed: Placed, over: DistantConnection) -> None:
        """Changes nothing, and reaches nothing."""
        self.swarm, self.placed, self.over = swarm, placed, over

    @property
    def name(self) -> str:
        """The machine's."""
        return self.over.name

    @property
    def folder(self) -> str:
        """The swarm's own there."""
        return f"{self.placed.base}/swarms/{self.swarm}"

    def ask(self, do: str, *, tell: Tell = lambda _: None, seconds: float = _SECONDS, **fields: Any) -> Any:
        """Give one order, and tell what is said while it is carried out; gives what it came to.

        Fields may be secret: they go over stdin. Raises the error that it ended with there, and HostError where the
        machine is not reached, or does not answer in time or in this language.
        """
        heard = _Heard(tell)
        argv = [self.placed.python, "-P", "-m", "swarmctl.effects.hand", self.placed.base]
        order = json.dumps({"do": do, **fields}).encode()
        done = self.over.line.converse(
            ["env", "LC_ALL=C.UTF-8", *argv], feed=lambda pipe: _fed(pipe, order), hear=heard.hear, seconds=seconds
        )
        heard.hear(b"\n")
        return self._answer(do, done, heard)

    def log(self, service: str, lines: int) -> list[str]:
        """The last lines that a service wrote; none when nothing was written yet."""
        argv = ["tail", "-n", str(lines), f"{self.folder}/logs/{service}.log"]
        return self.over.line.run(argv, seconds=_SHORT).stdout.splitlines()

    def follow(self, service: str) -> Iterator[str]:
        """Lines as they are written, until the machine cannot be reached any more; a rotated log goes on."""
        command = self.over.line.command(["tail", "-n", "0", "-F", f"{self.folder}/logs/{service}.log"])
        with tempfile.NamedTemporaryFile(prefix="swarmctl-follow-") as other:
            running = process.converse(command, env=environment(), log=Path(other.name))
            try:
                for raw in running.stdout or ():
                    yield raw.decode("utf-8", "replace").rstrip("\n")
            finally:
                process.hang_up(running, 1.0)

    def _answer(self, do: str, done: Completed, heard: "_Heard") -> Any:
        last = heard.last
        if last is not None and last.kind == "done":
            return last.value
        if last is not None and last.kind == "failed":
            raise raised(last.value, self.name)
        raise HostError(
            f"{self.name}: swarmctl there did not answer '{do}' (exit {done.code})",
            detail="\n".join([*heard.others, *done.stderr.splitlines()][-_LAST:]),
            hint="swarmctl up   (installs it anew)",
        )


class _Heard:
    """What comes back, line by line. last: how it ended. others: lines that are none of the hand's."""

    def __init__(self, tell: Tell) -> None:
        self.last: Said | None = None
        self.others: list[str] = []
        self._tell, self._rest = tell, b""

    def hear(self, data: bytes) -> None:
        """Some bytes of it."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for text in (line.decode("utf-8", "replace") for line in lines if line):
            said = read(text)
            if said is None:
                self.others = [*self.others, text[:500]][-_LAST:]
            elif said.kind == "tell":
                self._tell(said.value)
            else:
                self.last = said


def _fed(pipe: IO[bytes], order: bytes) -> None:
    pipe.write(order)
