"""Whether stored tensors hold the published numbers, by moments that no reordering changes; one piece in memory."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from swarmctl.converter.gguffile import GGUF, Stored
from swarmctl.converter.tensors import FLOATS, Array, Tensor

_PIECE = 1 << 22
"""Values in memory at a time."""
_NORM = 1 << 17
"""Vectors up to this size may be norms, which some families store as what is beyond 1."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Of many numbers: how many, their sums of powers 1 to 3, and how many are none (NaN) or infinite."""

    count: int = 0
    first: float = 0.0
    second: float = 0.0
    third: float = 0.0
    broken: int = 0

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(
            self.count + other.count, self.first + other.first, self.second + other.second,
            self.third + other.third, self.broken + other.broken,
        )  # fmt: skip

    def shifted(self, by: float) -> "Moments":
        """Of the same numbers, each larger by this."""
        n, a, b, c = self.count, self.first, self.second, self.third
        third = c + 3 * by * b + 3 * by**2 * a + n * by**3
        return Moments(n, a + n * by, b + 2 * by * a + n * by**2, third, self.broken)


def moments(values: Array) -> Moments:
    """Of one piece. What is no number counts as broken, and as 0 in the sums."""
    flat = values.ravel().astype(np.float64)
    good = np.isfinite(flat)
    broken = int(flat.size - good.sum())
    if broken:
        flat = np.where(good, flat, 0.0)
    square = flat * flat
    return Moments(flat.size, float(flat.sum()), float(square.sum()), float((square * flat).sum()), broken)


def apart(stored: Moments, published: Moments) -> float:
    """How far apart, in units in which two tensors drawn alike differ by about 1, and rounding to bf16 by about 0.004.

    Infinite where they do not hold equally many numbers.
    """
    if stored.count != published.count:
        return float("inf")
    mean_square = max(stored.second, published.second) / max(stored.count, 1)
    if mean_square == 0:
        return 0.0
    unit = math.sqrt(mean_square * stored.count)
    return max(
        abs(stored.first - published.first) / unit,
        abs(stored.second - published.second) / (unit * math.sqrt(mean_square)),
        # Of a normal distribution the sixth moment is 15 times the cube of the second.
        abs(stored.third - published.third) / (unit * mean_square * math.sqrt(15)),
    )


def of_published(tensor: Tensor, limit: int | None = None) -> Moments | None:
    """Of a published tensor, or of its first `limit` values; None where its type holds no plain numbers."""
    if tensor.kind not in FLOATS:
        return None
    rows = tensor.rows if limit is None else min(tensor.rows, limit // max(tensor.columns, 1))
    step = max(1, _PIECE // max(tensor.columns, 1))
    return _sum(tensor.read(at, min(at + step, rows)) for at in range(0, rows, step))


def of_stored(file: GGUF, tensor: Stored, limit: int | None = None) -> Moments | None:
    """Of a stored tensor, or of its first `limit` values; None for a quantised type."""
    if not tensor.kind:
        return None
    count = tensor.count if limit is None else min(limit, tensor.count)
    return _sum(file.read(tensor, at, min(at + _PIECE, count)) for at in range(0, count, _PIECE))


def distance(stored: Moments, published: Moments) -> float:
    """`apart`, for small vectors also as norms that were stored as what is beyond 1."""
    plain = apart(stored, published)
    if stored.count > _NORM or not np.isfinite(plain):
        return plain
    return min(plain, apart(stored, published.shifted(1.0)))


def _sum(pieces: Iterator[Array]) -> Moments:
    total = Moments()
    for piece in pieces:
        total += moments(piece)
    return total
