"""Runs on another machine, by its own Python: makes one archive of an image's layers, and has its Docker take it up.

It stands on the standard library of Python 3.8 alone; `hosts/layers.py` sends its text, nothing imports it. Its stdin
is one line of JSON, the order: `layers` are pairs of an unpacked layer's digest and of the packed file that was sent
("" for one that was not), `donor` an image there that has those which were not sent. It answers {"ended": …} or
{"failed": kind, "said": words, "digests": of files that must be sent again}.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess  # noqa: TID251 - there is nothing of ours on this machine
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

Order = Any
Said = Any
_CHUNK = 1 << 20
_OLD = 24 * 3600
"""Seconds after which what was begun and never ended goes."""


class Refusal(Exception):  # noqa: N818 - reads as the fact it states
    """kind: `missing`, `damaged`, `donor`, `load`."""

    def __init__(self, kind: str, said: str, digests: list[str] | None = None) -> None:
        super().__init__(said)
        self.kind, self.digests = kind, digests or []


def sent(order: Order, digest: str) -> Path:
    """Where a file that was sent is."""
    return Path(order["folder"], "layer", f"{digest}.layer")


def check(order: Order) -> None:
    """Everything that was sent is there, with the bytes of its name; a file with others goes."""
    missing, damaged = [], []
    for _, digest in order["layers"]:
        path = sent(order, digest)
        if not digest:
            continue
        if not path.is_file():
            missing.append(digest)
        elif hashed(path) != digest:
            path.unlink()
            damaged.append(digest)
    if missing or damaged:
        raise Refusal("damaged" if damaged else "missing", f"{len(missing + damaged)} layers", missing + damaged)


def hashed(path: Path) -> str:
    """Of all its bytes."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(_CHUNK), b""):
            found.update(block)
    return found.hexdigest()


@contextmanager
def donated(order: Order) -> Iterator[dict[str, Any]]:
    """Layers of the image that has them, by the digest of each unpacked one; none where no image is named."""
    if not order["donor"]:
        yield {}
        return
    with tempfile.NamedTemporaryFile(dir=order["folder"], prefix="donor-") as spool:
        done = subprocess.run(
            ["docker", "save", "-o", spool.name, order["donor"]],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise Refusal("donor", done.stderr.decode("utf-8", "replace")[-500:])
        try:
            with tarfile.open(spool.name) as archive:
                (listed,) = json.loads(read(archive, "manifest.json"))
                diffs = json.loads(read(archive, listed["Config"]))["rootfs"]["diff_ids"]
                yield {diff: archive.extractfile(name) for diff, name in zip(diffs, listed["Layers"])}  # noqa: B905 - as below
        except (tarfile.TarError, KeyError, ValueError, TypeError) as e:
            raise Refusal("donor", f"{type(e).__name__}: {e}") from None


def read(archive: Any, name: str) -> bytes:
    """A small file of an archive."""
    found = archive.extractfile(name)
    if found is None:
        raise ValueError(name)
    return bytes(found.read())


def write(order: Order, given: dict[str, Any], target: Any) -> None:
    """The archive as `docker load` reads it; layers that are neither sent nor given are named and left out."""
    config = order["config"].encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    paths = [diff.partition(":")[2] + ".tar" for diff, _ in order["layers"]]
    listed = json.dumps([{"Config": name, "RepoTags": [order["tag"]], "Layers": paths}]).encode()
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.GNU_FORMAT) as archive:
        done = set()
        for (diff, digest), path in zip(order["layers"], paths):  # noqa: B905 - Python 3.8 knows no strict
            if path in done:
                continue
            done.add(path)
            if digest:
                with sent(order, digest).open("rb") as file:
                    add(archive, path, file)
            elif given.get(diff) is not None:
                add(archive, path, given[diff])
        for path, data in ((name, config), ("manifest.json", listed)):
            add(archive, path, io.BytesIO(data))


def add(archive: Any, name: str, file: Any) -> None:
    """One file."""
    entry = tarfile.TarInfo(name)
    entry.size = file.seek(0, os.SEEK_END)
    file.seek(0)
    archive.addfile(entry, file)


def load(order: Order) -> None:
    """Its Docker takes the image up."""
    with donated(order) as given, tempfile.TemporaryFile() as said:
        if order["donor"] and (
            lacking := [diff for diff, digest in order["layers"] if not digest and diff not in given]
        ):
            raise Refusal("donor", f"{order['donor'][:19]} has no {lacking[0][:19]}")
        argv = ["docker", "load", "-q"]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=said, stderr=said) as taking:
            broken = ""
            try:
                write(order, given, taking.stdin)
            except BrokenPipeError:
                broken = "it hung up"
            finally:
                close(taking.stdin)
        if taking.returncode or broken:
            said.seek(0)
            raise Refusal("load", said.read().decode("utf-8", "replace")[-1500:].strip() or broken)


def close(pipe: Any) -> None:
    """What is not written is not wanted."""
    with suppress(OSError):
        pipe.close()


def tidy(order: Order) -> None:
    """What was sent is in its Docker now; what others began and never ended goes after a day."""
    for _, digest in order["layers"]:
        if digest and sent(order, digest).exists():
            sent(order, digest).unlink()
    before = time.time() - _OLD
    for path in Path(order["folder"]).glob("*/*"):
        try:
            if path.is_file() and path.stat().st_mtime < before:
                path.unlink()
        except FileNotFoundError:
            continue


def main() -> None:
    """The order, carried out."""
    order = json.loads(sys.stdin.buffer.readline())
    try:
        check(order)
        load(order)
        tidy(order)
        said: Said = {"ended": {}}
    except Refusal as e:
        said = {"failed": e.kind, "said": str(e), "digests": e.digests}
    except OSError as e:
        said = {"failed": "other", "said": str(e), "digests": []}
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
