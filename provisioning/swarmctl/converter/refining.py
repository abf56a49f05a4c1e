"""Makes a product sharper than the rounding of the tensor that it was read from."""

import numpy as np

from swarmctl.converter.difference import Difference
from swarmctl.converter.tensors import Array

_ROUNDS = 3
_LEAST = 0.03
"""Of the mean step: a value is not trusted more than one of this step, however near to nothing it is."""


def refined(difference: Difference, b: Array, a: Array, step: float) -> tuple[Array, Array]:
    """B and A by least squares in turn, each value trusted as far as its type holds it. step: of the type, on average.

    Numbers near nothing are kept to many digits, so they say what the edit was where larger ones lost it.
    """
    least = _LEAST * step
    for _ in range(_ROUNDS):
        a = _other(difference, b, least, rows=False)
        b = _other(difference, a.T, least, rows=True).T
    scale = np.sqrt(np.linalg.norm(a, axis=1) / np.maximum(np.linalg.norm(b, axis=0), np.finfo(np.float32).tiny))
    return b * scale, a / scale[:, None]


def _other(difference: Difference, known: Array, least: float, *, rows: bool) -> Array:
    """The best other factor, rank first, to one that is known. rows: the one with a value for each row is sought."""
    rank = known.shape[1]
    upper = np.triu_indices(rank)
    pairs = known[:, upper[0]] * known[:, upper[1]]
    count = difference.shape[0 if rows else 1]
    sums, sides = np.zeros((count, pairs.shape[1]), np.float32), np.zeros((count, rank), np.float32)
    for at, moved, trust in difference.weighed(least):
        if rows:
            sums[at], sides[at] = trust @ pairs, (trust * moved) @ known
        else:
            sums += trust.T @ pairs[at]
            sides += (trust * moved).T @ known[at]
    normal = np.empty((count, rank, rank), np.float64)
    normal[:, upper[0], upper[1]] = normal[:, upper[1], upper[0]] = sums
    ridge = 1e-9 * np.trace(normal, axis1=1, axis2=2)[:, None, None] + np.finfo(np.float32).tiny
    found = np.linalg.solve(normal + ridge * np.eye(rank), sides[:, :, None].astype(np.float64))
    other: Array = found[:, :, 0].T.astype(np.float32)
    return other
