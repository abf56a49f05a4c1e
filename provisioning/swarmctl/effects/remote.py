"""Headers of files on a hub, by range requests: a few MiB of a file of many GB, and no more."""

import io
import re
from collections.abc import Callable
from typing import Any, TypeVar

import requests

from swarmctl.core.architectures import from_config
from swarmctl.core.gguf import GgufFacts, facts
from swarmctl.core.model import Model
from swarmctl.core.safetensors import LARGEST, Published, header, index, loads
from swarmctl.effects.bytestream import ByteStream
from swarmctl.effects.gguf import walk
from swarmctl.effects.sources.bearer import bearer
from swarmctl.errors import HostError, SpecError

T = TypeVar("T")
MOST = 24 << 20
"""Bytes fetched of one file; a vocabulary of 260,000 entries takes 13 MiB of a GGUF header."""
_SMALL = 1 << 20
"""Bytes of a file that is taken whole from a server which cuts no such file into ranges."""
_PATIENCE = 15.0
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


def remote_gguf(url: str) -> GgufFacts:
    """The facts of a GGUF file at an address. Nothing is tried twice.

    Raises SpecError when it is none, HostError when the server does not answer or serves no ranges.
    """
    return _told(url, lambda file: facts(walk(ByteStream(file, file.size))))


def remote_tensors(url: str) -> dict[str, Published]:
    """The tensors that a safetensors file, or the index of several, at an address lists. Raises as `remote_gguf`."""
    return _told(url, lambda file: index(_whole(file)) if url.endswith(".index.json") else _safetensors(file))


def remote_config(url: str, name: str = "") -> Model:
    """The model that a config.json at an address describes. Raises as `remote_gguf`."""

    return _told(url, lambda file: from_config(_mapping(file), name))


def remote_json(url: str) -> dict[str, Any]:
    """The mapping that a small file of JSON at an address holds. Raises as `remote_gguf`."""
    return _told(url, _mapping)


class RangeFile(io.RawIOBase):
    """A file behind an address as something that can be read from anywhere; every read is one request.

    size: bytes of the whole file, as the server says with its first answer.
    """

    def __init__(self, http: requests.Session, url: str) -> None:
        super().__init__()
        self._http, self._url = http, url
        self._at = self._fetched = 0
        self.size = 0
        self._first = self._get(0, 1 << 16)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a byte from the start."""
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("only from the start")
        self._at = offset
        return offset

    def tell(self) -> int:
        """The byte that is read next."""
        return self._at

    def read(self, count: int = -1, /) -> bytes:
        """Up to `count` bytes; all that the budget allows would be a mistake, so a count is needed."""
        if count < 0:
            raise io.UnsupportedOperation("a count is needed")
        count = min(count, self.size - self._at)
        if self._at + count <= len(self._first):
            data = self._first[self._at : self._at + count]
        else:
            data = self._get(self._at, count) if count > 0 else b""
        self._at += len(data)
        return data

    def _get(self, start: int, count: int) -> bytes:
        if self._fetched + count > MOST:
            raise SpecError(f"its header is larger than {MOST >> 20} MiB")
        asked = {"Range": f"bytes={start}-{start + count - 1}", "Accept-Encoding": "identity"}
        with self._http.get(self._url, headers=asked, stream=True, timeout=_PATIENCE) as answer:
            _refuse(answer)
            if answer.status_code == 200 and start == 0 and _length(answer) <= _SMALL:
                return self._all(answer.raw.read(_SMALL))
            found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
            if answer.status_code != 206 or found is None or int(found[1]) != start:
                raise HostError("the server does not answer ranges; fetch the file to plan with it")
            self.size = int(found[3])
            data: bytes = answer.raw.read(count)
        self._fetched += len(data)
        if len(data) < min(count, self.size - start):
            raise HostError(f"the server sent {len(data):,} of {count:,} bytes at {start:,}")
        return data

    def _all(self, data: bytes) -> bytes:
        """A small file that came whole, from a server that cuts no small files into ranges."""
        self.size = len(data)
        self._fetched += len(data)
        return data


def _length(answer: requests.Response) -> int:
    said = answer.headers.get("Content-Length", "")
    return int(said) if said.isdecimal() and len(said) < 16 else _SMALL + 1


def _told(url: str, read: Callable[[RangeFile], T]) -> T:
    """What `read` makes of the file; every error names the address."""
    try:
        with requests.Session() as http:
            http.auth = bearer(url)
            return read(RangeFile(http, url))
    except SpecError as e:
        raise SpecError(f"{url}: {e.message}", detail=e.detail, hint=e.hint) from None
    except HostError as e:
        raise HostError(f"{url}: {e.message}", detail=e.detail, hint=e.hint) from None
    except (requests.RequestException, OSError) as e:
        raise HostError(f"{url} cannot be read: {type(e).__name__}") from e


def _refuse(answer: requests.Response) -> None:
    if answer.status_code in {401, 403}:
        raise SpecError("the hub wants a token for this", hint="HF_TOKEN=… swarmctl plan")
    if answer.status_code == 404:
        raise SpecError("the hub has no such file")
    if answer.status_code >= 400:
        raise HostError(f"the server answers {answer.status_code}")


def _mapping(file: RangeFile) -> dict[str, Any]:
    found = loads(_whole(file))
    if not isinstance(found, dict):
        raise SpecError("holds no mapping")
    return found


def _whole(file: RangeFile) -> bytes:
    if file.size > LARGEST:
        raise SpecError(f"has {file.size:,} bytes; up to {LARGEST:,} are read")
    return file.read(file.size)


def _safetensors(file: RangeFile) -> dict[str, Published]:
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= min(LARGEST, file.size - 8):
        raise SpecError(f"is no safetensors file: its header claims {length:,} bytes")
    return header(file.read(length))
