"""Tensors of a folder of safetensors, read row by row: no file is mapped, and no tensor is held whole."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

_HEADER = 64 << 20
"""Bytes of a header; those of the largest models have 9 MB."""
_PLAIN = re.compile(r"[\w.-]{1,200}\.safetensors", re.ASCII)
_WIDTH = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I8": 1, "U8": 1, "I32": 4, "I64": 8}
FLOATS = ("F64", "F32", "F16", "BF16")
"""Types whose values are read; others can only be compared byte by byte."""


class Refused(Exception):  # noqa: N818 - what it means to whoever gave the folder
    """These files cannot be used; the message is a sentence that names the file."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where one tensor lies. start: byte of its first value in the file."""

    name: str
    file: Path
    kind: str
    shape: tuple[int, ...]
    start: int

    @property
    def rows(self) -> int:
        """The first dimension; a vector is one row."""
        return self.shape[0] if len(self.shape) > 1 else 1

    @property
    def columns(self) -> int:
        """Values in a row."""
        return prod(self.shape) // self.rows if prod(self.shape) else 0

    @property
    def size(self) -> int:
        """Bytes."""
        return prod(self.shape) * _WIDTH[self.kind]

    def raw(self, first: int, last: int) -> bytes:
        """Bytes of the rows from first up to last. Raises Refused where the file has become shorter."""
        width = self.columns * _WIDTH[self.kind]
        with self.file.open("rb") as file:
            file.seek(self.start + first * width)
            data = file.read((last - first) * width)
        if len(data) != (last - first) * width:
            raise Refused(f"{self.file.name}: ends in the middle of {self.name}")
        return data

    def read(self, first: int = 0, last: int | None = None) -> Array:
        """Rows from first up to last as f32. Raises Refused for a type that holds no plain numbers."""
        last = self.rows if last is None else last
        data = self.raw(first, last)
        if self.kind == "BF16":
            wide = np.frombuffer(data, "<u2").astype("<u4") << 16
            found = wide.view("<f4")
        elif self.kind in FLOATS:
            found = np.frombuffer(data, {"F16": "<f2", "F32": "<f4", "F64": "<f8"}[self.kind]).astype(np.float32)
        else:
            raise Refused(f"{self.file.name}: {self.name} has type {self.kind}; {', '.join(FLOATS)} are read")
        return found.reshape(last - first, self.columns)


def tensors(folder: Path) -> dict[str, Tensor]:
    """All tensors of a model or of an adapter, by name; only headers are read. Raises Refused."""
    index = folder / "model.safetensors.index.json"
    files = _sharded(folder, index) if index.is_file() else sorted(folder.glob("*.safetensors"))
    if not files:
        pickled = any(folder.glob(pattern) for pattern in ("*.bin", "*.pt", "*.pth"))
        why = "; its weights are pickle files, which are never opened: save it as safetensors" if pickled else ""
        raise Refused(f"{folder.name}: holds no safetensors{why}")
    found: dict[str, Tensor] = {}
    for file in files:
        for tensor in _headed(file):
            if tensor.name in found:
                raise Refused(f"{file.name}: {tensor.name} is also in {found[tensor.name].file.name}")
            found[tensor.name] = tensor
    return found


def document(path: Path) -> dict[str, Any]:
    """A JSON file that holds one object. Raises Refused."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as e:
        raise Refused(f"{path.parent.name}/{path.name}: {str(e)[:120]}") from None
    if not isinstance(value, dict):
        raise Refused(f"{path.parent.name}/{path.name}: is no object")
    return value


def _sharded(folder: Path, index: Path) -> list[Path]:
    listed = document(index).get("weight_map")
    names = set(listed.values()) if isinstance(listed, dict) else set()
    if not names or not all(isinstance(name, str) and _PLAIN.fullmatch(name) for name in names):
        raise Refused(f"{index.name}: does not list plain names of safetensors files")
    missing = sorted(name for name in names if not (folder / name).is_file())
    if missing:
        raise Refused(f"{folder.name}: {len(missing)} of {len(names)} files are missing: {', '.join(missing[:4])}")
    return [folder / name for name in sorted(names)]


def _headed(file: Path) -> list[Tensor]:
    size = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if size < 8 or not 2 <= length <= min(_HEADER, size - 8):
            raise Refused(f"{file.name}: {size:,} bytes are no safetensors file, or only the beginning of one")
        try:
            listed = json.loads(opened.read(length))
        except (ValueError, RecursionError):
            raise Refused(f"{file.name}: its header is no JSON") from None
    if not isinstance(listed, dict):
        raise Refused(f"{file.name}: its header lists no tensors")
    entries = {name: value for name, value in listed.items() if name != "__metadata__"}
    return [_entry(file, name, value, 8 + length, size) for name, value in entries.items()]


def _entry(file: Path, name: str, value: object, data: int, size: int) -> Tensor:
    said = value if isinstance(value, Mapping) else {}
    kind, shape, span = said.get("dtype"), _counts(said.get("shape"), 8), _counts(said.get("data_offsets"), 2)
    if not isinstance(kind, str) or kind not in _WIDTH or shape is None or span is None or len(span) != 2:
        raise Refused(f"{file.name}: {name[:80]!r} has no type, shape and place that can be read")
    tensor = Tensor(name, file, kind, shape, data + span[0])
    if span[1] - span[0] != tensor.size or data + span[1] > size:
        raise Refused(f"{file.name}: {name[:80]} lies beyond the end of the file, or has another size than it says")
    return tensor


def _counts(value: object, most: int) -> tuple[int, ...] | None:
    """Whole numbers of a list that is not longer than this; None for anything else."""
    if not isinstance(value, list) or len(value) > most or not all(type(n) is int and 0 <= n < 1 << 44 for n in value):
        return None
    return tuple(value)
