"""What saving numbers in a type does to them: the error that it makes, and the numbers as they come back."""

import numpy as np

from swarmctl.converter.tensors import Array

_STEP = {"F64": 2.0**-23, "F32": 2.0**-23, "F16": 2.0**-10, "BF16": 2.0**-7}
_LEAST = {"F64": 0.0, "F32": 0.0, "F16": 2.0**-24, "BF16": 0.0}
"""Distance of neighbours: relative to the power of two below, and never less than."""


def steps(values: Array, kind: str) -> Array:
    """The distance of each number to its neighbour in this type."""
    below = (values.view(np.uint32) & np.uint32(0x7F800000)).view(np.float32)
    found: Array = np.maximum(below * np.float32(_STEP[kind]), np.float32(_LEAST[kind]))
    return found


def rounded(values: Array, kind: str) -> Array:
    """The numbers as the type holds them, to the nearest, ties to even. f32 and f64 are left as they are."""
    if kind == "F16":
        return values.astype(np.float16).astype(np.float32)
    if kind == "BF16":
        bits = values.view(np.uint32)
        up = ((bits >> np.uint32(16)) & np.uint32(1)) + np.uint32(0x7FFF)
        return ((bits + up) & np.uint32(0xFFFF0000)).view(np.float32)
    return values


def noise(values: Array, kind: str) -> float:
    """Sum of the squared errors that rounding to this type is expected to make: a twelfth of the squared step each."""
    return energy(steps(values, kind)) / 12


def energy(values: Array) -> float:
    """Sum of squares: rows in f32, their sums in f64."""
    return float(np.sum(np.einsum("ij,ij->i", values, values), dtype=np.float64))
