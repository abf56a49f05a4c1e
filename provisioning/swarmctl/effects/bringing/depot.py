"""The models' files of one swarm on a machine that SSH reaches: looked at, fetched, sent, lent to its servers."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from swarmctl.core.units import as_size
from swarmctl.effects.hosts.talk import Feed, Hear
from swarmctl.effects.process import Completed
from swarmctl.errors import HostError

Watch = Callable[[int, int], None]
"""Bytes that are there, and bytes in all; it may raise, which ends what it is told of."""
_PROGRAM = Path(__file__).with_name("there.py")
_START = "import sys;exec(sys.stdin.buffer.read(int(sys.argv[1])))"
_SHORT, _LONG = 120.0, 24 * 3600.0
"""Seconds: for a look, and for a file of many GB."""
_BLOCK = 1 << 18
_MIB = 1024 * 1024
LEAST, WINDOW = 200_000, 30.0
"""Bytes a second under which a machine is too slow to fetch by itself, and the seconds over which that is measured."""


class Spoken(Protocol):
    """A machine with which a program is spoken."""

    def converse(self, argv: list[str], *, feed: Feed, hear: Hear, seconds: float, root: bool) -> Completed:
        """As Line has it."""
        ...


class CannotFetchError(HostError):
    """The machine cannot have a file from its address by itself: it must be sent. far: nor any other of that hub."""

    far = False


class DiskFullError(HostError):
    """The machine has no room for a file, whichever way it comes."""


class DamagedError(HostError):
    """What was sent came with other bytes: what came is gone there."""


class MissingError(HostError):
    """A file that should be whole there is not."""


@dataclass(frozen=True, slots=True)
class Stock:
    """whole: sha256 of the files that are there. parts: bytes of those that are not whole."""

    whole: frozenset[str] = frozenset()
    parts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class File:
    """One file by its content. size: bytes."""

    digest: str
    size: int


def _unwatched(_done: int, _total: int) -> None:
    pass


class Depot:
    """line: to the machine. folder: of the swarm's models there. owner: whom containers run as, `10001:10001`. kind: of
    files, where they are others than models.

    All methods raise HostError: not reached, no Python 3 there, disk full. What was begun is
    kept there and gone on with.
    """

    def __init__(self, line: Spoken, name: str, folder: str, owner: str, kind: str = "gguf") -> None:
        self.name, self.folder, self._kind = name, folder, kind
        self._line, self._owner = line, [int(part) for part in owner.split(":")]

    def place(self, digest: str) -> str:
        """Where a whole file is there."""
        return f"{self.folder}/{self._kind}/{digest}.{self._kind}"

    def look(self) -> Stock:
        """What is there now; nothing is made."""
        said = self._order({"do": "look"}, _SHORT)
        parts = said.get("parts")
        whole = frozenset(one for one in said.get("whole") or () if isinstance(one, str))
        return Stock(whole, {key: _number(parts[key]) for key in parts} if isinstance(parts, dict) else {})

    def pull(self, file: File, url: str, token: str = "", watch: Watch = _unwatched) -> int:
        """Have the machine fetch it, and give the bytes that came. token: lent for this time, never written down there.

        Raises CannotFetchError where it has to be sent instead.
        """
        order = {"do": "pull", "url": url, "token": token, "least": LEAST, "window": WINDOW}
        return _number(self._order(order | _named(file), _LONG, watch).get("bytes"))

    def push(self, file: File, path: Path, watch: Watch = _unwatched) -> int:
        """Send it, from the byte on that is missing there; gives how many went."""
        return _number(self._order({"do": "push"} | _named(file), _LONG, watch, path).get("bytes"))

    def lend(self, digest: str, name: str = "") -> None:
        """A whole file stands in Ollama's store, or under another name of the folder: no second copy."""
        self._order({"do": "lend", "digest": digest, "name": name}, _SHORT)

    def rewritten(self, digest: str, stored: str, *, read: bool) -> int:
        """Ollama keeps it under another hash: what came goes, and stays only where a server of files reads it.

        Gives the bytes that this freed.
        """
        order = {"do": "rewritten", "digest": digest, "stored": stored, "read": read}
        return _number(self._order(order, _SHORT).get("bytes"))

    def remove(self, digests: list[str]) -> None:
        """No stored bytes of these hashes are left."""
        self._order({"do": "remove", "digests": digests}, _SHORT)

    def damaged(self, model: str) -> bool:
        """The stored bytes of one of Ollama's models are not those of their name. Takes as long as hashing."""
        return self._order({"do": "damaged", "model": model}, _LONG).get("damaged") is True

    def _order(
        self, order: dict[str, Any], seconds: float, watch: Watch = _unwatched, path: Path | None = None
    ) -> dict[str, Any]:
        program = _PROGRAM.read_bytes()
        talk = _Talk(
            watch,
            path,
            program
            + json.dumps(order | {"folder": self.folder, "owner": self._owner, "kind": self._kind}).encode()
            + b"\n",
        )
        argv = ["python3", "-I", "-c", _START, str(len(program))]
        try:
            done = self._line.converse(argv, feed=talk.feed, hear=talk.hear, seconds=seconds, root=True)
        finally:
            talk.ready.set()
        ended = talk.last.get("ended")
        if isinstance(ended, dict):
            return ended
        raise self._failed(order, talk.last, done)

    def _failed(self, order: dict[str, Any], last: dict[str, Any], done: Completed) -> HostError:
        kind, said = str(last.get("failed", "")), str(last.get("said", ""))
        if done.code == 127:
            return HostError(f"{self.name} has no Python 3 yet, by which it takes files", hint="swarmctl up")
        if kind == "full":
            needed = (
                f"{as_size(order['size'] / _MIB)} of a file do not fit" if "size" in order else "a file does not fit"
            )
            return DiskFullError(
                f"{self.name}: its disk is full: {needed}",
                detail=said,
                hint=f"make room below {self.folder}, then: swarmctl up",
            )
        if order["do"] == "pull" and kind in _WORDS:
            found = CannotFetchError(f"{self.name} {_WORDS[kind]}", detail=said)
            found.far = kind in {"unreachable", "slow"}
            return found
        if order["do"] == "lend" and kind == "missing":
            return MissingError(f"{self.name}: a model's file is not there any more", detail=said, hint="swarmctl up")
        detail = said or done.stderr.strip()[-500:] or f"exit {done.code}"
        kinds = DamagedError if kind == "damaged" else HostError
        return kinds(
            f"{self.name}: a file did not arrive whole ({kind or 'broken off'})", detail=detail, hint="swarmctl up"
        )


_WORDS = {
    "unreachable": "does not reach the hub",
    "refused": "is refused by the hub",
    "missing": "does not find the file on the hub",
    "slow": "has a slow way to the hub",
    "damaged": "was given other bytes by the hub",
}


class _Talk:
    """One order and what is answered. data: what goes first. path: a file that is sent from where the answer says."""

    def __init__(self, watch: Watch, path: Path | None, data: bytes) -> None:
        self._watch, self._path, self._data, self._rest = watch, path, data, b""
        self.ready, self.last, self._from = threading.Event(), dict[str, Any](), -1

    def feed(self, pipe: IO[bytes]) -> None:
        """The order, then the file."""
        pipe.write(self._data)
        pipe.flush()
        if self._path is None:
            return
        self.ready.wait(_LONG)
        if self._from < 0:
            return
        with self._path.open("rb") as file:
            file.seek(self._from)
            while block := file.read(_BLOCK):
                pipe.write(block)

    def hear(self, data: bytes) -> None:
        """Lines of JSON; anything else is not ours."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if isinstance(said, dict):
                self._take(said)
        if not lines:
            self._watched(0, 0)

    def _watched(self, done: int, total: int) -> None:
        try:
            self._watch(done, total)
        except BaseException:
            self.ready.set()  # nothing more is sent
            raise

    def _take(self, said: dict[str, Any]) -> None:
        if "ready" in said:
            self._from = _number(said["ready"])
            self.ready.set()
        elif "done" in said:
            self._watched(_number(said["done"]), _number(said.get("total")))
        else:
            self.last = said
            self.ready.set()


def _named(file: File) -> dict[str, Any]:
    return {"digest": file.digest, "size": file.size}


def _number(value: object) -> int:
    """A machine that is not ours may say anything."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
