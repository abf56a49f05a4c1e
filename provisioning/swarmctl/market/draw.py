"""Chance without a state: the same seed and the same words give the same draw, whatever was drawn before."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """Draws for one purpose."""

    def __init__(self, *words: object) -> None:
        self._text = "/".join(str(word) for word in words)
        self._count = 0

    def unit(self) -> float:
        """From 0 up to, not including, 1."""
        self._count += 1
        digest = hashlib.blake2b(f"{self._text}#{self._count}".encode(), digest_size=7).digest()
        return int.from_bytes(digest) / (1 << 56)

    def between(self, low: float, high: float) -> float:
        """Evenly spread."""
        return low + (high - low) * self.unit()

    def whole(self, low: int, high: int) -> int:
        """From low to high, both included."""
        return low + int(self.unit() * (high - low + 1))

    def pick(self, among: Sequence[T], weights: Sequence[float] | None = None) -> T:
        """One of them."""
        if weights is None:
            return among[int(self.unit() * len(among))]
        at = self.unit() * sum(weights)
        for one, weight in zip(among, weights, strict=True):
            at -= weight
            if at < 0:
                return one
        return among[-1]


def token(*words: object) -> str:
    """64 hexadecimal digits, the same for the same words."""
    return hashlib.sha256("/".join(str(word) for word in words).encode()).hexdigest()
