"""Searches every layer of an image for words, as a stream: deleted files of lower layers are in it too."""

import io
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from swarmctl.errors import HostError

_CHUNK = 1 << 20
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, slots=True)
class Searched:
    """found: (name of a word, file of the archive). size: bytes read, unpacked. unread: files that were not."""

    found: tuple[tuple[str, str], ...]
    size: int
    unread: tuple[str, ...]


def search(image: str, words: Mapping[str, bytes]) -> Searched:
    """Search an image of this Engine by its ID. Raises HostError when the Engine does not hand it out."""
    from docker.errors import DockerException  # noqa: PLC0415 - the SDK takes 0.2 s to import

    from swarmctl.effects.dockersdk import client  # noqa: PLC0415 - as above

    try:
        return searched(client().images.get(image).save(chunk_size=_CHUNK), words)
    except (DockerException, OSError, tarfile.TarError, zlib.error) as e:
        raise HostError(f"the layers of {image[:80]} cannot be read", detail=f"{type(e).__name__}: {e}"[:300]) from None


def searched(archive: Iterable[bytes], words: Mapping[str, bytes]) -> Searched:
    """Search what `docker save` writes. Raises tarfile.TarError, zlib.error."""
    found, unread, size = list[tuple[str, str]](), list[str](), 0
    with tarfile.open(fileobj=_Stream(iter(archive)), mode="r|") as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() else None
            if file is None:
                continue
            pieces = _unpacked(file)
            if pieces is None:
                unread.append(member.name)
                continue
            hits, length = _in(pieces, words)
            found += [(name, member.name) for name in hits]
            size += length
    return Searched(tuple(found), size, tuple(unread))


def _in(pieces: Iterable[bytes], words: Mapping[str, bytes]) -> tuple[list[str], int]:
    """Names of the words that are there, and the bytes read; a word may lie across two pieces."""
    overlap = max((len(word) for word in words.values()), default=1) - 1
    tail, size, hits = b"", 0, dict[str, None]()
    for piece in pieces:
        size += len(piece)
        window = tail + piece
        hits |= {name: None for name, word in words.items() if word in window}
        tail = window[-overlap:] if overlap else b""
    return list(hits), size


def _unpacked(file: IO[bytes]) -> Iterator[bytes] | None:
    """The bytes of a layer, unpacked; None for a form that is not known here."""
    head = file.read(_CHUNK)
    if head.startswith(_ZSTD):
        return None
    pieces = _pieces(head, file)
    return _gunzipped(pieces) if head.startswith(_GZIP) else pieces


def _pieces(head: bytes, file: IO[bytes]) -> Iterator[bytes]:
    while head:
        yield head
        head = file.read(_CHUNK)


def _gunzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    unpack = zlib.decompressobj(31)
    for piece in pieces:
        yield unpack.decompress(piece)
    yield unpack.flush()


class _Stream(io.RawIOBase):
    """An iterator of bytes as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._left = chunks, b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, which is never less but at the end."""
        parts, missing = [], size
        while missing:
            if not self._left:
                self._left = next(self._chunks, b"")
                if not self._left:
                    break
            parts.append(self._left[:missing])
            self._left = self._left[missing:]
            missing -= len(parts[-1])
        return b"".join(parts)
