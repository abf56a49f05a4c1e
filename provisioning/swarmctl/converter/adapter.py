"""Writes an adapter as llama.cpp's loader wants it: a GGUF with a pair of small matrices for each edited one."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np

from swarmctl.converter.names import EMBEDDING
from swarmctl.converter.tensors import Array


@dataclass(frozen=True, slots=True)
class Pair:
    """What is added to one matrix: B·A. target: the GGUF name. b: rows × rank. a: rank × columns."""

    target: str
    b: Array
    a: Array


def write(path: Path, arch: str, name: str, pairs: Iterable[Pair], half: bool = False) -> int:
    """Bytes of the file; it appears under its name when it is complete. half: f16 instead of f32.

    The loader scales every pair by alpha / rank of that pair, and pairs differ in rank here: each B carries the
    factor that takes this away. Of the embedding it wants the factors the other way round, since it looks rows of
    the first up instead of multiplying by it.
    """
    listed = sorted(pairs, key=lambda pair: pair.target)
    alpha = float(max(pair.b.shape[1] for pair in listed))
    part = path.with_name(path.name + ".part")
    kind = np.float16 if half else np.float32
    try:
        writer = gguf.GGUFWriter(part, arch)
        writer.add_type(gguf.GGUFType.ADAPTER)
        writer.add_name(name)
        writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
        writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha)
        for pair in listed:
            first, second = pair.a, pair.b * np.float32(pair.b.shape[1] / alpha)
            if pair.target == EMBEDDING:
                first, second = second, first.T
            writer.add_tensor(f"{pair.target}.lora_a", np.ascontiguousarray(first, kind))
            writer.add_tensor(f"{pair.target}.lora_b", np.ascontiguousarray(second, kind))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        size = part.stat().st_size
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return size


def size_of(pairs: Iterable[tuple[int, int, int]], half: bool = False) -> int:
    """Bytes of values for (rows, columns, rank) of each matrix."""
    return sum((rows + columns) * rank for rows, columns, rank in pairs) * (2 if half else 4)
