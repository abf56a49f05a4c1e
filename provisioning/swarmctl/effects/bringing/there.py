"""Runs on another machine, by its own Python: keeps models' files by their sha256, fetched there or sent to it.

It stands on the standard library of Python 3.8 alone; `depot.py` sends its text, nothing imports it. Its stdin begins
with one line of JSON, the order; what is sent follows. It answers in lines of JSON: {"done", "total"} while it works,
and at the end {"ended": …} or {"failed": kind, "said": words}. `gguf/<sha256>.gguf` is a whole file, checked;
`incoming/<sha256>` one that is not whole; `gguf/<sha256>.as` names what a server rewrote it as. It has more than
300 lines, since it travels as one text.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import http.client
import json
import os
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Order = Any
Said = Any
_CHUNK = 1 << 18
_TELL = 0.5
_WAITS = (0.0, 1.0, 2.0, 4.0)
"""Seconds before each new try after one that brought nothing."""
_SILENCE = 30
"""Seconds after which a hub that sends nothing is given up."""
_NO_USE = {401: "refused", 403: "refused", 404: "missing"}
"""HTTP statuses after which another try is of no use."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Refusal(Exception):  # noqa: N818 - reads as the fact it states
    """kind: `unreachable`, `refused`, `missing`, `slow`, `damaged`, `full`, `cut`."""

    def __init__(self, kind: str, said: str) -> None:
        super().__init__(said)
        self.kind = kind


class Part:
    """A file that is not whole yet; one process at a time writes it."""

    def __init__(self, order: Order) -> None:
        self.order, self.digest, self.size = order, str(order["digest"]), int(order["size"])
        self.path = made(order, "incoming") / self.digest
        self.file = self.path.open("a+b")
        self.said = 0.0
        while not self._mine():
            self.progress()
            time.sleep(_TELL)  # noqa: TID251 - there is nothing of ours on this machine

    def _mine(self) -> bool:
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def have(self) -> int:
        """Bytes that are here."""
        return os.fstat(self.file.fileno()).st_size

    def hash(self) -> Any:
        """Of all that is here."""
        found = hashlib.sha256()
        self.file.seek(0)
        for block in iter(lambda: self.file.read(_CHUNK), b""):
            found.update(block)
            self.progress()
        return found

    def room(self) -> None:
        """The disk has place for the rest."""
        free, needed = shutil.disk_usage(self.path.parent).free, self.size - self.have()
        if needed > free:
            raise Refusal("full", f"{needed} bytes are needed, and {free} are free")

    def add(self, block: bytes) -> None:
        """The next bytes."""
        self.file.write(block)
        self.file.flush()
        self.progress()

    def progress(self) -> None:
        """Said twice a second."""
        now = time.monotonic()
        if now - self.said >= _TELL:
            self.said = now
            tell(done=self.have(), total=self.size)

    def whole(self, digest: str) -> None:
        """All is here: it gets its name where it is what was asked for."""
        if digest != self.digest:
            self.file.truncate(0)
            raise Refusal("damaged", f"its sha256 is {digest}")
        os.fsync(self.file.fileno())
        os.fchmod(self.file.fileno(), 0o644)
        made(self.order, kind(self.order))
        self.path.replace(whole(self.order))
        give(self.order, whole(self.order))
        tell(done=self.size, total=self.size)


def look(order: Order) -> Said:
    """Digests of whole files, and bytes of those that are not."""
    top = Path(order["folder"])
    mine = top / kind(order)
    found = {path.stem for path in mine.glob(f"*.{kind(order)}")}
    found |= {p.stem for p in mine.glob("*.as") if blob(order, p.read_text(encoding="ascii").strip()).exists()}
    return {"whole": sorted(found), "parts": {path.name: path.stat().st_size for path in top.glob("incoming/*")}}


def pull(order: Order) -> Said:
    """The whole file from an address; what an earlier try left is gone on with."""
    if from_beside(order):
        return {"from": "beside", "bytes": 0}
    part = Part(order)
    if whole(order).exists():  # another that we waited for has it
        return {"from": "beside", "bytes": 0}
    part.room()
    waits, digest, came = iter(_WAITS), part.hash(), -part.have()
    while (before := part.have()) < part.size:
        try:
            digest = receive(order, part, digest)
        except (OSError, http.client.HTTPException) as e:
            why = again(e)
            tell(done=part.have(), total=part.size)
            waits = iter(_WAITS) if part.have() > before else waits
            wait(waits, why)
    part.whole(digest.hexdigest())
    return {"from": "hub", "bytes": came + part.size}


def receive(order: Order, part: Part, digest: Any) -> Any:
    """What comes in one answer; gives the hash of all that is there."""
    have = part.have()
    asked = urllib.request.Request(  # noqa: S310 - https, or a hub that the user has named
        order["url"], headers={"Range": f"bytes={have}-", "Accept-Encoding": "identity"}
    )
    if order.get("token"):
        # Not passed on where the hub sends us to its storage.
        asked.add_unredirected_header("Authorization", "Bearer " + order["token"])
    begun = time.monotonic(), have
    with urllib.request.urlopen(asked, timeout=_SILENCE) as answer:  # noqa: S310 - as above
        if have and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.file.truncate(0)
            digest, begun = hashlib.sha256(), (begun[0], 0)
        for block in iter(lambda: answer.read(_CHUNK), b""):
            digest.update(block)
            part.add(block)
            begun = fast_enough(order, part, begun)
    return digest


def fast_enough(order: Order, part: Part, begun: tuple[float, int]) -> tuple[float, int]:
    """When and where the window that is measured now began."""
    if part.have() > part.size:
        part.file.truncate(0)
        raise Refusal("damaged", f"more than {part.size} bytes come")
    now = time.monotonic()
    if now - begun[0] < order["window"]:
        return begun
    rate = (part.have() - begun[1]) / (now - begun[0])
    if rate < order["least"]:
        raise Refusal("slow", f"{rate / 1000:.0f} kB/s")
    return now, part.have()


def again(error: Exception) -> str:
    """Why a try failed, in words. Raises Refusal where another is of no use."""
    if isinstance(error, urllib.error.HTTPError):
        if error.code in _NO_USE:
            raise Refusal(_NO_USE[error.code], f"HTTP {error.code}") from None
        return f"HTTP {error.code}"
    if isinstance(error, OSError) and error.errno in _FULL:
        raise Refusal("full", str(error)) from None
    return str(getattr(error, "reason", "")) or str(error) or type(error).__name__


def wait(waits: Iterator[float], why: str) -> None:
    """Until the next try, where there is one."""
    seconds = next(waits, None)
    if seconds is None:
        raise Refusal("unreachable", why)
    time.sleep(seconds)  # noqa: TID251 - there is nothing of ours on this machine


def push(order: Order) -> Said:
    """The whole file from stdin; we say at which byte it is gone on with."""
    if from_beside(order):
        return {"from": "beside", "bytes": 0}
    part = Part(order)
    if whole(order).exists():
        return {"from": "beside", "bytes": 0}
    begun = part.have()
    part.room()
    digest = part.hash()
    tell(ready=begun)
    sent: Any = sys.stdin.buffer
    for block in iter(lambda: sent.read1(_CHUNK), b""):
        digest.update(block)
        part.add(block)
    if part.have() < part.size:
        raise Refusal("cut", f"{part.have()} of {part.size} bytes came")
    part.whole(digest.hexdigest())
    return {"from": "here", "bytes": part.size - begun}


def from_beside(order: Order) -> bool:
    """It is there, or another swarm's folder has it: then it is a second name of the same file."""
    if whole(order).exists():
        return True
    top = Path(order["folder"])
    for other in top.parent.glob(f"*/{kind(order)}/{order['digest']}.{kind(order)}"):
        made(order, kind(order))
        try:
            os.link(other, whole(order))
        except OSError:
            continue
        return True
    return False


def lend(order: Order) -> Said:
    """A whole file stands in a server's store under its hash, or under another name of its folder."""
    to = Path(order["folder"], order["name"]) if order.get("name") else blob(order, order["digest"])
    made(order, str(to.parent.relative_to(order["folder"])))
    if not to.exists():
        if not whole(order).exists():
            raise Refusal("missing", str(whole(order)))
        os.link(whole(order), to)
    return {}


def rewritten(order: Order) -> Said:
    """A server stores it under another hash: what came is not needed any more, except by those that read files."""
    note = whole(order).with_suffix(".as")
    note.write_text(order["stored"], encoding="ascii")
    give(order, note)
    gone = [blob(order, order["digest"]), *([] if order["read"] else [whole(order)])]
    freed = 0
    for path in (one for one in gone if one.exists()):
        info = path.stat()
        freed += info.st_size if info.st_nlink == 1 else 0
        path.unlink()
    return {"bytes": freed}


def remove(order: Order) -> Said:
    """A server's stored bytes under these hashes, and what was kept of the files they came from, are gone."""
    for digest in order["digests"]:
        file = whole({**order, "digest": digest})
        for path in (blob(order, digest), file, file.with_suffix(".as")):
            if path.exists():
                path.unlink()
    return {}


def damaged(order: Order) -> Said:
    """Whether the bytes of a server's model are not those of their names, or gone."""
    place = Path(order["folder"], "ollama/manifests/registry.ollama.ai/library", order["model"], "latest")
    try:
        layers = json.loads(place.read_text(encoding="utf-8"))["layers"]
        digests = [str(one["digest"])[7:] for one in layers if one["mediaType"].endswith(".image.model")]
    except (OSError, ValueError, KeyError, TypeError):
        return {"damaged": False}
    return {"damaged": not all(sound(blob(order, digest), digest) for digest in digests)}


def sound(path: Path, digest: str) -> bool:
    """A stored blob's bytes are those of its name."""
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            for block in iter(lambda: file.read(_CHUNK), b""):
                found.update(block)
    except OSError:
        return False
    return found.hexdigest() == digest


def kind(order: Order) -> str:
    """What it is a file of: `gguf`, or another that only comes and goes."""
    return str(order.get("kind", "gguf"))


def whole(order: Order) -> Path:
    """Where a whole file is."""
    return Path(order["folder"], kind(order), f"{order['digest']}.{kind(order)}")


def blob(order: Order, digest: str) -> Path:
    """Where Ollama keeps bytes of this hash."""
    return Path(order["folder"], "ollama", "blobs", f"sha256-{digest}")


def made(order: Order, name: str) -> Path:
    """A folder below, which belongs to those whom containers run as."""
    top = Path(order["folder"])
    for one in (top, *reversed([top / part for part in Path(name).parents if part.name]), top / name):
        if not one.is_dir():
            one.mkdir(mode=0o755, parents=True, exist_ok=True)
            give(order, one)
    return top / name


def give(order: Order, path: Path) -> None:
    """It belongs to those whom containers run as."""
    if os.geteuid() == 0:
        os.chown(path, *order["owner"])


def tell(**said: object) -> None:
    """A line to whoever sent us; where nobody hears it any more, there is nobody to work for."""
    try:
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
    except OSError:
        os._exit(1)


_ORDERS: dict[str, Callable[[Order], Said]] = {
    one.__name__: one for one in (look, pull, push, lend, rewritten, remove, damaged)
}


def main() -> None:
    """One order, carried out."""
    order = json.loads(sys.stdin.buffer.readline())
    try:
        tell(ended=_ORDERS[order["do"]](order))
    except Refusal as e:
        tell(failed=e.kind, said=str(e))
    except OSError as e:
        tell(failed="full" if e.errno in _FULL else "other", said=str(e))


if __name__ == "__main__":
    main()
