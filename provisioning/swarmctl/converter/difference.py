"""One tensor of an edited model beside its base's: their difference, in blocks of rows."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from swarmctl.converter.rounding import energy, noise, rounded, steps
from swarmctl.converter.tensors import Array, Tensor

_BLOCK = 1 << 24
"""Values of a block: 64 MiB as f32."""
_HELD = 1 << 26
"""A difference of up to so many values (256 MiB) is kept between passes; larger ones are read again."""

Block = tuple[slice, Array, Array]
"""Rows, the base's values, the edited values."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Squares summed over a tensor. noise: what rounding to the edited tensor's type is expected to leave."""

    weight: float
    change: float
    noise: float


@dataclass
class Difference:
    """Two tensors of one shape."""

    base: Tensor
    edited: Tensor
    _held: Array | None = field(default=None, repr=False)
    _trust: Array | None = field(default=None, repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns; a vector is one row."""
        return self.base.rows, self.base.columns

    @property
    def count(self) -> int:
        """Values."""
        return self.base.rows * self.base.columns

    def same(self) -> bool:
        """Byte for byte equal: most tensors of most specialists are."""
        if self.base.kind != self.edited.kind:
            return False
        return all(self.base.raw(r.start, r.stop) == self.edited.raw(r.start, r.stop) for r in self._rows())

    def blocks(self) -> Iterator[Block]:
        """Both tensors, row by row. Raises Refused for types that are not read."""
        for rows in self._rows():
            yield rows, self.base.read(rows.start, rows.stop), self.edited.read(rows.start, rows.stop)

    def changes(self) -> Iterator[tuple[slice, Array]]:
        """What was added to the base, row by row."""
        if self._held is not None:
            yield slice(0, self.shape[0]), self._held
            return
        for rows, base, edited in self.blocks():
            yield rows, edited - base

    def sums(self) -> Sums:
        """One pass; what is small enough is kept. A value that is no number makes the change infinite."""
        weight = change = floor = 0.0
        kept: list[Array] = []
        for _, base, edited in self.blocks():
            moved = edited - base
            weight += max(energy(base), energy(edited))
            change += energy(moved)
            floor += noise(edited, self.edited.kind)
            if self.count <= _HELD:
                kept.append(moved)
        self._held = np.concatenate(kept) if kept else None
        return Sums(weight, change if np.isfinite(change) else float("inf"), floor)

    def right(self, matrix: Array) -> Array:
        """The change times a matrix with a row for each column."""
        found = np.empty((self.shape[0], matrix.shape[1]), np.float32)
        for rows, moved in self.changes():
            found[rows] = moved @ matrix
        return found

    def left(self, matrix: Array) -> Array:
        """A matrix with a row for each row, transposed, times the change."""
        found = np.zeros((matrix.shape[1], self.shape[1]), np.float32)
        for rows, moved in self.changes():
            found += matrix[rows].T @ moved
        return found

    def leftover(self, b: Array, a: Array) -> tuple[float, float]:
        """What the edit B·A leaves of the change, and what saving the edited tensor in its type explains of that."""
        left = explained = 0.0
        for rows, base, edited in self.blocks():
            made = base + b[rows] @ a
            left += energy(edited - made)
            lost = energy(rounded(made, self.edited.kind) - made) if self.rounds else noise(edited, self.edited.kind)
            explained += lost
        return left, explained

    @property
    def rounds(self) -> bool:
        """The edited tensor's type loses more of a number than f32 does."""
        return self.edited.kind not in {"F32", "F64"}

    def weighed(self, least: float) -> Iterator[tuple[slice, Array, Array]]:
        """The change, and the trust in each of its values: one over the squared step of its type and the least one.

        least: the same in every pass.
        """
        if self._held is not None and self._trust is not None:
            yield slice(0, self.shape[0]), self._held, self._trust
            return
        kept: list[Array] = []
        for rows, base, edited in self.blocks():
            trust = np.reciprocal(np.square(steps(edited, self.edited.kind)) + np.float32(least**2))
            if self._held is not None:
                kept.append(trust)
            yield rows, edited - base, trust
        self._trust = np.concatenate(kept) if kept else None

    def forget(self) -> None:
        """Give the memory back."""
        self._held = self._trust = None

    def _rows(self) -> Iterator[slice]:
        rows, columns = self.shape
        step = max(1, _BLOCK // max(1, columns))
        for first in range(0, rows, step):
            yield slice(first, min(rows, first + step))
