"""Files of conversions that are not whole yet: on this machine's disk, or on that of the machine that converts."""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from swarmctl.effects.gguf import read_header
from swarmctl.errors import SpecError


class Shelf(Protocol):
    """Every path is one of the work folder here, wherever its file lies."""

    def whole(self, path: Path) -> str:
        """Why a file is not there whole; "" where it is."""
        ...

    def take(self, part: Path, done: Path) -> None:
        """A file or folder that is whole gets its name."""
        ...

    def drop(self, path: Path) -> None:
        """It gives its space back, if it is there."""
        ...

    def size(self, path: Path) -> int:
        """Bytes that it takes, 0 where it is not there."""
        ...

    def bring(self, path: Path) -> Path:
        """The file on the store's own disk."""
        ...

    def free(self) -> int | None:
        """Bytes that are left where they lie; None where that cannot be told."""
        ...


class Near:
    """On this machine. work: the folder that they lie in."""

    def __init__(self, work: Path) -> None:
        self._work = work

    def whole(self, path: Path) -> str:
        """As Shelf has it; a GGUF file must have all the bytes that its header promises."""
        if not path.is_file():
            return "it is not there"
        if path.suffix == ".gguf":
            try:
                read_header(path)
            except SpecError as e:
                return e.message
        return ""

    def take(self, part: Path, done: Path) -> None:
        """As Shelf has it; a file is on the disk before it has its name."""
        if part.is_file():
            with part.open("rb") as file:
                os.fsync(file.fileno())
        part.replace(done)

    def drop(self, path: Path) -> None:
        """As Shelf has it."""
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def size(self, path: Path) -> int:
        """As Shelf has it; holes count nothing."""
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                return sum(self.size(inner) for inner in path.iterdir())
            return path.lstat().st_blocks * 512
        return 0

    def bring(self, path: Path) -> Path:
        """As Shelf has it."""
        return path

    def free(self) -> int | None:
        """As Shelf has it."""
        return shutil.disk_usage(self._work).free
