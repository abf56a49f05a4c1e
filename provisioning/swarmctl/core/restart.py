"""When a program that died is started again: a pure rule."""

from dataclasses import dataclass

FIRST = 0.5
LONGEST = 30.0
HEALTHY = 60.0
"""Seconds: the first delay, the longest, and the life after which a death counts as the first again."""


@dataclass(frozen=True, slots=True)
class Next:
    """What follows a death: how many deaths in a row that makes, and seconds until the next start."""

    failures: int
    delay: float


def after_death(failures: int, life: float) -> Next:
    """The rule: 0.5 s, doubled with each death in a row up to 30 s, and never at once.

    failures: deaths in a row before this one. life: seconds that the process lived.
    """
    in_a_row = 1 if life >= HEALTHY else failures + 1
    doublings = min(in_a_row - 1, 16)
    return Next(in_a_row, min(LONGEST, FIRST * 2**doublings))
