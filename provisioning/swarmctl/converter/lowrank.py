"""The rank of an edit: B·A that an edited tensor adds to its base's, found without being told how it was made."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from swarmctl.converter.difference import Difference, Sums
from swarmctl.converter.refining import refined
from swarmctl.converter.tensors import Array

Form = Literal["same", "rounding", "projection", "svd", "unexplained", "broken"]
"""unexplained: it changed, and no B·A was found in it. broken: it holds what is no number."""

_SPARE = 8
"""Directions sketched beyond those wanted: they make the sketch of those exact."""
_TURNS = 2
"""Power iterations: they separate an edit from the noise of its type."""
_FINE = 1e-4
"""Share of a change (as a norm) below which no further direction is worth its bytes."""
_EDGE = 1.1
"""Largest singular value of pure noise, as a multiple of its expectation, that is still taken for noise."""
_CLOSE = 5e-3
"""Share of a change (as a norm) that rounding need not explain for the rank to be found."""
_ENOUGH = 0.02
"""Share of a change that may be left out by a rank that is said to do."""
_NEAR = 0.02
"""The same of a direction that a projection has removed: of numbers in few bits some of it comes back."""
_SEED = 20260401


@dataclass(frozen=True, slots=True)
class Edit:
    """One tensor's edit. b: rows × rank. a: rank × columns. Energies are sums of squares.

    left: what B·A leaves of the change. noise: what rounding to the tensor's type explains of that.
    wanted: the rank that would leave nothing but noise; None where none was found within what was looked at.
    """

    form: Form
    b: Array
    a: Array
    weight: float
    change: float
    left: float
    noise: float
    wanted: int | None

    @property
    def rank(self) -> int:
        """Directions that the adapter takes."""
        return int(self.b.shape[1])

    @property
    def excess(self) -> float:
        """Energy that neither B·A nor rounding explains; below nothing by chance where nothing is left."""
        return self.left - self.noise


def edit_of(difference: Difference, max_rank: int, wide: int) -> Edit:
    """The edit of a matrix in at most `max_rank` directions; up to `wide` are looked at to say what would do."""
    if difference.same():
        return _none(difference, "same", Sums(0.0, 0.0, 0.0))
    sums = difference.sums()
    try:
        if not math.isfinite(sums.change):
            return _none(difference, "broken", Sums(1.0, 1.0, 0.0))
        if sums.change <= 1.5 * sums.noise:
            return _none(difference, "rounding", sums)
        return _factored(difference, sums, max_rank, wide)
    finally:
        difference.forget()


def vector_edit(difference: Difference) -> Edit:
    """Vectors (norms, biases) fit no adapter: theirs is no edit, or one that is left out."""
    if difference.same():
        return _none(difference, "same", Sums(0.0, 0.0, 0.0))
    sums = difference.sums()
    difference.forget()
    if not math.isfinite(sums.change):
        return _none(difference, "broken", Sums(1.0, 1.0, 0.0))
    return _none(difference, "rounding" if sums.change <= 1.5 * sums.noise else "unexplained", sums)


def _none(difference: Difference, form: Form, sums: Sums) -> Edit:
    rows, columns = difference.shape
    lost = form in {"unexplained", "broken"}
    known = min(sums.noise, sums.change) if lost else sums.change
    nothing = np.zeros((rows, 0), np.float32), np.zeros((0, columns), np.float32)
    wanted = None if lost else 0
    return Edit(form, *nothing, sums.weight, sums.change, sums.change, known, wanted)


def _factored(difference: Difference, sums: Sums, max_rank: int, wide: int) -> Edit:
    left, values, right = _sketch(difference, max_rank + _SPARE)
    signal = _signal(difference, sums, values)
    if signal == 0:
        return _none(difference, "unexplained", sums)
    few = _steepest(values, min(signal, max_rank)) if difference.rounds else signal
    found = _none(difference, "unexplained", sums)
    for rank in sorted({min(few, max_rank), min(signal, max_rank)}):
        for form, b, a in _products(difference, sums, left[:, :rank], values[:rank], right[:rank]):
            leaves, explained = difference.leftover(b, a)
            found = Edit(form, b, a, sums.weight, sums.change, leaves, explained, rank)
            if found.excess <= _CLOSE**2 * sums.change:
                return found
    if signal > max_rank:
        return replace(found, wanted=_wanted(difference, sums, wide))
    return found if found.excess <= _ENOUGH**2 * sums.change else replace(found, wanted=None)


def _steepest(values: Array, most: int) -> int:
    """The rank after which singular values fall most.

    A small edit of a number that is held in few bits is rounded away, or up: what is lost follows the edit, and has
    directions of its own that stand out of the noise. The fewest directions that explain the rest by rounding are it.
    """
    kept = values[: most + 1]
    return int(np.argmax(kept[:-1] / np.maximum(kept[1:], np.finfo(np.float32).tiny))) + 1 if len(kept) > 1 else most


def _products(
    difference: Difference, sums: Sums, left: Array, values: Array, right: Array
) -> Iterator[tuple[Form, Array, Array]]:
    """B·A in closed form where that can be, then from singular vectors, made sharper where values were rounded."""
    b, a = _balanced(left, values, right)
    if difference.rounds:
        b, a = refined(difference, b, a, math.sqrt(12 * sums.noise / difference.count))
        left, right = np.linalg.qr(b)[0], np.linalg.qr(a.T)[0].T
    if found := _closed(difference, sums, left, right):
        yield "projection", *found
    yield "svd", b, a


def _wanted(difference: Difference, sums: Sums, wide: int) -> int | None:
    """The rank that would do; None where `wide` directions leave more than noise."""
    values = _sketch(difference, wide)[1]
    rank = _signal(difference, sums, values)
    left = sums.change - float(np.sum(np.square(values[:rank], dtype=np.float64))) - sums.noise
    return rank if rank < len(values) and left <= _ENOUGH**2 * sums.change else None


def _sketch(difference: Difference, size: int) -> tuple[Array, Array, Array]:
    """The strongest directions: left vectors, singular values, right vectors as rows."""
    rows, columns = difference.shape
    size = min(size, rows, columns)
    random = np.random.default_rng(_SEED)
    basis = np.linalg.qr(difference.right(random.standard_normal((columns, size), np.float32)))[0]
    for _ in range(_TURNS):
        other = np.linalg.qr(difference.left(basis).T)[0]
        basis = np.linalg.qr(difference.right(other))[0]
    left, values, right = np.linalg.svd(difference.left(basis), full_matrices=False)
    return basis @ left, values, right


def _signal(difference: Difference, sums: Sums, values: Array) -> int:
    """How many singular values stand out of the noise and are worth their bytes."""
    rows, columns = difference.shape
    edge = _EDGE * math.sqrt(sums.noise / difference.count) * (math.sqrt(rows) + math.sqrt(columns))
    return int(np.count_nonzero(values > max(edge, _FINE * math.sqrt(sums.change))))


def _closed(difference: Difference, sums: Sums, left: Array, right: Array) -> tuple[Array, Array] | None:
    """The edit in closed form where it is a projection: −U(UᵀW), or −(WV)Vᵀ on the side that is read.

    It holds no rounding of the edited tensor, which B·A from singular vectors does.
    """
    rows, columns = difference.shape
    count = len(right)
    quiet = 4 * sums.noise / difference.count * count
    near = _NEAR**2 if difference.rounds else _FINE**2
    bu, su = np.zeros((count, columns), np.float32), np.zeros((count, columns), np.float32)
    bv, sv = np.empty((rows, count), np.float32), np.empty((rows, count), np.float32)
    for at, base, edited in difference.blocks():
        bu += left[at].T @ base
        su += left[at].T @ edited
        bv[at] = base @ right.T
        sv[at] = edited @ right.T
    if _vanished(bu, su, quiet * columns, near):
        return -left, bu
    if _vanished(bv, sv, quiet * rows, near):
        return -bv, right
    return None


def _vanished(before: Array, after: Array, quiet: float, near: float) -> bool:
    """Nothing but rounding is left along these directions, or a share of what was there that is near nothing."""
    remains, was = float(np.sum(np.square(after))), float(np.sum(np.square(before)))
    return was > 0 and remains <= quiet + near * was


def _balanced(left: Array, values: Array, right: Array) -> tuple[Array, Array]:
    """Both factors of the same size, so that neither leaves the range of f16."""
    root = np.sqrt(values)
    return left * root, root[:, None] * right
