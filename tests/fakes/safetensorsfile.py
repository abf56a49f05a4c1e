"""Safetensors files written and read with numpy alone, bf16 by its bits."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
INDEX = "model.safetensors.index.json"
_KINDS = {"bf16": "BF16", "f16": "F16", "f32": "F32"}
_SIZES = {"BF16": np.uint16, "F16": np.float16, "F32": np.float32}


def write(folder: Path, tensors: Mapping[str, Array], dtype: str = "bf16", shards: int = 1) -> None:
    """model.safetensors, or numbered shards with an index; what was there before goes."""
    for old in (*folder.glob("model*.safetensors"), folder / INDEX):
        old.unlink(missing_ok=True)
    if shards == 1:
        _file(folder / "model.safetensors", tensors, dtype)
        return
    names = list(tensors)
    where: dict[str, str] = {}
    for n in range(shards):
        file = f"model-{n + 1:05}-of-{shards:05}.safetensors"
        part = names[n * len(names) // shards : (n + 1) * len(names) // shards]
        _file(folder / file, {name: tensors[name] for name in part}, dtype)
        where |= dict.fromkeys(part, file)
    size = sum(t.size for t in tensors.values()) * (4 if dtype == "f32" else 2)
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": size}, "weight_map": where}, indent=1))


def read(folder: Path) -> dict[str, Array]:
    """All tensors as float32, from however many files."""
    found: dict[str, Array] = {}
    for path in sorted(folder.glob("model*.safetensors")):
        raw = path.read_bytes()
        start = 8 + int.from_bytes(raw[:8], "little")
        for name, entry in json.loads(raw[8:start]).items():
            if name != "__metadata__":
                begin, end = entry["data_offsets"]
                flat = np.frombuffer(raw[start + begin : start + end], _SIZES[entry["dtype"]])
                found[name] = _single(flat, entry["dtype"]).reshape(entry["shape"])
    return found


def _file(path: Path, tensors: Mapping[str, Array], dtype: str) -> None:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    at, parts = 0, []
    for name, tensor in tensors.items():
        data = _packed(tensor, dtype)
        header[name] = {"dtype": _KINDS[dtype], "shape": list(tensor.shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
        parts.append(data)
    said = json.dumps(header).encode()
    said += b" " * (-len(said) % 8)
    with path.open("wb") as out:
        out.write(len(said).to_bytes(8, "little") + said)
        for data in parts:
            out.write(data)


def _packed(tensor: Array, dtype: str) -> bytes:
    if dtype == "f32":
        return tensor.astype("<f4").tobytes()
    if dtype == "f16":
        return tensor.astype("<f2").tobytes()
    bits = np.ascontiguousarray(tensor, np.float32).view(np.uint32)
    # Round to the nearest, ties to even, as PyTorch does; what is no number stays none.
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(tensor), np.uint32(0x7FC0), rounded).astype("<u2").tobytes()


def _single(flat: npt.NDArray[np.generic], kind: str) -> Array:
    if kind == "BF16":
        return (flat.astype(np.uint32) << 16).view(np.float32)
    return flat.astype(np.float32)
