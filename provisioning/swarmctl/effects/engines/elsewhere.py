"""Weights that do not lie on this machine: their server is given them by whoever knows how."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Tell = Callable[[int, int], None]
"""Bytes that are there, and bytes in all."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """bytes: of the file. give: has it in the server's store under its hash, and returns when it is there."""

    bytes: int
    give: Callable[[Tell], None]


class Blobs(Protocol):
    """A server's store that is not on this machine. Every method may raise HostError."""

    def rewritten(self, origin: str, stored: str) -> None:
        """It keeps what was given under another hash: the bytes that were given go."""
        ...

    def remove(self, digest: str) -> None:
        """Bytes of this hash go."""
        ...

    def damaged(self, model: str) -> bool:
        """The bytes of a model are not those of their names."""
        ...


def size(file: "Path | Elsewhere") -> int:
    """Bytes of weights, wherever they are."""
    return file.bytes if isinstance(file, Elsewhere) else file.stat().st_size
