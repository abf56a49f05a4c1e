"""When a dead program starts again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmctl.core.restart import FIRST, LONGEST, Next, after_death


def test_delays_double_up_to_thirty_seconds() -> None:
    failures, delays = 0, []
    for _ in range(9):
        step = after_death(failures, life=0.1)
        failures, delays = step.failures, [*delays, step.delay]
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


@pytest.mark.parametrize(
    ("failures", "life", "expected"),
    [
        (0, 0.0, Next(1, 0.5)),
        (5, 59.9, Next(6, 16)),
        (5, 60.0, Next(1, 0.5)),  # a late death counts as the first, and waits too
        (0, 86400.0, Next(1, 0.5)),
        (10_000, 1.0, Next(10_001, 30)),
    ],
)
def test_a_death_by_its_history(failures: int, life: float, expected: Next) -> None:
    assert after_death(failures, life) == expected


@given(st.integers(0, 10**9), st.floats(0, 1e9))
def test_never_at_once_and_never_later_than_the_longest(failures: int, life: float) -> None:
    assert FIRST <= after_death(failures, life).delay <= LONGEST
