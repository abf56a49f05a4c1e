"""A GGUF file's metadata without its long arrays, and its tensors as numbers; the package's reader needs 5 s."""

import mmap
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from swarmctl.converter.tensors import Refused

Array = npt.NDArray[np.float32]

_SIMPLE = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_KEPT = 64
"""Entries of an array that are kept; tokens and merges are not."""
_PLAIN = {0: (4, "F32"), 1: (2, "F16"), 30: (2, "BF16")}
"""ggml type: bytes of a value, and its name."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One tensor of the file. shape: as the file has it, the fastest dimension first. kind: "" for a quantised type."""

    name: str
    shape: tuple[int, ...]
    kind: str
    type: int
    start: int

    @property
    def count(self) -> int:
        """Values."""
        return prod(self.shape)


class GGUF:
    """An open file. Raises Refused for one that is none, or that ends early."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            if path.stat().st_size < 32:
                raise Refused(f"{path.name}: is no GGUF file")
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._at = 0
        self._spans: dict[str, tuple[int, int]] = {}
        try:
            self._read()
        except (struct.error, UnicodeDecodeError, MemoryError):
            raise Refused(f"{path.name}: its header ends early or is damaged") from None

    def _read(self) -> None:
        if self._data[:4] != b"GGUF" or self._take("I", 4) not in {2, 3}:
            raise Refused(f"{self.path.name}: is no GGUF file of version 2 or 3")
        count, self.pairs = self._take("Q"), self._take("Q")
        begin = self._at
        self.values: dict[str, Any] = {}
        for _ in range(self.pairs):
            name = self._string()
            from_ = self._at
            self.values[name] = self._value(self._take("I"))
            self._spans[name] = (from_, self._at)
        self.metadata = self._data[begin : self._at]
        listed = [self._entry() for _ in range(count)]
        grain = int(self.values.get("general.alignment", 32)) or 32
        self.begin = -(-self._at // grain) * grain
        self.tensors = {t.name: Stored(t.name, t.shape, t.kind, t.type, self.begin + t.start) for t in listed}
        for tensor in self.tensors.values():
            width = _PLAIN.get(tensor.type, (0, ""))[0]
            if tensor.start + tensor.count * width > len(self._data):
                raise Refused(f"{self.path.name}: {tensor.name} lies beyond the end of the file")

    @property
    def architecture(self) -> str:
        """llama.cpp's name of it."""
        return str(self.values.get("general.architecture", ""))

    @property
    def layers(self) -> int:
        """Blocks of the decoder."""
        return int(self.values.get(f"{self.architecture}.block_count", 0))

    def raw(self, name: str) -> bytes | None:
        """A value of the metadata as its bytes, its long arrays too."""
        span = self._spans.get(name)
        return self._data[slice(*span)] if span else None

    def text(self, name: str) -> str:
        """A string of the metadata, "" where there is none."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def strings(self, name: str) -> list[str]:
        """All of an array of strings; empty where there is none. Raises Refused for bytes that are no text."""
        raw, found = self.raw(name), []
        if raw is None or raw[:8] != struct.pack("<II", _ARRAY, _STRING):
            return []
        at = 16
        while at < len(raw):
            end = at + 8 + int.from_bytes(raw[at : at + 8], "little")
            found.append(raw[at + 8 : end])
            at = end
        try:
            return [one.decode() for one in found]
        except UnicodeDecodeError:
            raise Refused(f"{self.path.name}: {name} holds what is no text") from None

    def size(self, tensor: Stored) -> int:
        """Bytes of a tensor that is not quantised. Raises Refused for one that is."""
        if not tensor.kind:
            raise Refused(f"{self.path.name}: {tensor.name} is quantised; it is the unquantised file that is proved")
        return tensor.count * _PLAIN[tensor.type][0]

    def read(self, tensor: Stored, first: int = 0, last: int | None = None) -> Array:
        """Values from first up to last, in the file's order, as f32."""
        last = tensor.count if last is None else last
        width, kind = _PLAIN[tensor.type]
        raw = self._data[tensor.start + first * width : tensor.start + last * width]
        if kind == "BF16":
            return (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4").astype(np.float32)
        return np.frombuffer(raw, "<f4" if kind == "F32" else "<f2").astype(np.float32)

    def _entry(self) -> Stored:
        name = self._string()
        shape = tuple(self._take("Q") for _ in range(min(self._take("I"), 8)))
        kind = self._take("I")
        return Stored(name, shape, _PLAIN.get(kind, (0, ""))[1], kind, self._take("Q"))

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._array()
        if kind not in _SIMPLE:
            raise struct.error
        return self._take(_SIMPLE[kind])

    def _array(self) -> list[Any]:
        kind, count = self._take("I"), self._take("Q")
        if kind in _SIMPLE:
            size = struct.calcsize(_SIMPLE[kind])
            kept = [self._take(_SIMPLE[kind]) for _ in range(min(count, _KEPT))]
            self._at += size * (count - len(kept))
            return kept
        kept = [self._value(kind) for _ in range(min(count, _KEPT))]
        for _ in range(count - len(kept)):
            if kind != _STRING:
                raise struct.error
            self._at += 8 + int.from_bytes(self._data[self._at : self._at + 8], "little")
            if self._at > len(self._data):
                raise struct.error
        return kept

    def _string(self) -> str:
        length = self._take("Q")
        raw = self._data[self._at : self._at + length]
        if len(raw) != length:
            raise struct.error
        self._at += length
        return raw.decode("utf-8")

    def _take(self, kind: str, at: int | None = None) -> Any:
        begin = self._at if at is None else at
        found = struct.unpack_from(f"<{kind}", self._data, begin)[0]
        self._at = begin + struct.calcsize(f"<{kind}")
        return found
