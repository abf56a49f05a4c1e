"""Brings in a file of this machine: shared with its original where the file system can, copied otherwise."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import BinaryIO

from swarmctl.core.units import as_size
from swarmctl.errors import HostError, SpecError

CHUNK = 1 << 20
_FICLONE = 0x40049409
_MIB = 1024 * 1024

Progress = Callable[[int, int | None], None]


def bring(path: Path, target: Path, progress: Progress) -> tuple[Path, str]:
    """Have the file's content at `target`, on the store's file system; gives it and its sha256.

    A copy-on-write clone comes first; then a second name of the same file (the store notices when such a
    file is changed under it); then a copy. Raises SpecError when there is no such file, HostError.
    """
    target.unlink(missing_ok=True)
    try:
        size = path.stat().st_size
        if _clone(path, target) or _link(path, target):
            return target, sha256(target, progress)
        with disk(target.parent, size), path.open("rb") as source, target.open("wb") as copy:
            return target, pour(source, copy, size, progress)
    except FileNotFoundError:
        raise SpecError(f"there is no file {path}") from None
    except IsADirectoryError:
        raise SpecError(f"{path} is a folder, not a file") from None
    except PermissionError as e:
        raise HostError(f"{e.filename} cannot be used: {e.strerror}") from e


def pour(source: BinaryIO, copy: BinaryIO, size: int | None, progress: Progress) -> str:
    """Copy to the end, through to the disk; gives the sha256 of what was copied."""
    digest, done = hashlib.sha256(), 0
    while chunk := source.read(CHUNK):
        copy.write(chunk)
        digest.update(chunk)
        done += len(chunk)
        progress(done, size)
    copy.flush()
    os.fsync(copy.fileno())
    return digest.hexdigest()


def sha256(path: Path, progress: Progress) -> str:
    """The sha256 of a file, in hexadecimal."""
    size, digest, done = path.stat().st_size, hashlib.sha256(), 0
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            progress(done, size)
    return digest.hexdigest()


@contextmanager
def disk(folder: Path, needed: int) -> Iterator[None]:
    """Write into `folder` only if `needed` bytes are free; a disk that fills up anyway is a HostError too."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise HostError(
            f"the model store's disk has {as_size(free / _MIB)} free, {as_size(needed / _MIB)} are needed",
            detail=str(folder),
            hint="swarmctl models prune",
        )
    try:
        yield
    except OSError as e:
        if e.errno not in {ENOSPC, EDQUOT}:
            raise
        raise HostError("the model store's disk is full", detail=str(folder), hint="swarmctl models prune") from e


def _clone(path: Path, target: Path) -> bool:
    try:
        with path.open("rb") as source, target.open("wb") as copy:
            fcntl.ioctl(copy.fileno(), _FICLONE, source.fileno())
    except (FileNotFoundError, IsADirectoryError):
        raise
    except OSError:
        target.unlink(missing_ok=True)
        return False
    shutil.copystat(path, target)
    return True


def _link(path: Path, target: Path) -> bool:
    with suppress(OSError):
        target.hardlink_to(path.resolve())
        return True
    return False
