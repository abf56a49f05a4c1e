"""Units as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmctl.core.units import as_duration, as_size, mebibytes, seconds


@pytest.mark.parametrize(
    ("text", "value"), [("90s", 90), ("20m", 1200), ("1h30m", 5400), ("2d", 172800), (15, 15), ("0s", 0)]
)
def test_durations(text: object, value: int) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "5", "5x", "m", "-5m", -1, True, None, 1.5, "1m1h", "5 m"])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        seconds(text)


@pytest.mark.parametrize(("text", "value"), [("512 MiB", 512), ("1.5 GiB", 1536), ("1024KiB", 1), (7, 7)])
def test_sizes(text: object, value: int) -> None:
    assert mebibytes(text) == value


@pytest.mark.parametrize("text", ["", "5", "5 GB", -1, None, "GiB"])
def test_what_is_no_size(text: object) -> None:
    with pytest.raises(ValueError, match="size"):
        mebibytes(text)


@given(st.integers(120, 10**8))
def test_a_duration_reads_back(count: int) -> None:
    assert seconds(as_duration(count)) == count


def test_sizes_are_said_in_what_fits() -> None:
    assert (as_size(512), as_size(1536)) == ("512 MiB", "1.5 GiB")
