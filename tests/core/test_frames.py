"""Frames come out as they went in, however the bytes are cut, and nonsense is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmctl.core.frames import LARGEST, Frame, Frames, Kind, more

frames = st.builds(Frame, st.sampled_from(Kind), st.integers(0, 2**32 - 1), st.binary(max_size=200))


@given(st.lists(frames, max_size=20), st.integers(1, 50))
def test_what_went_in_comes_out_however_it_is_cut(sent: list[Frame], size: int) -> None:
    whole, reader = b"".join(one.packed() for one in sent), Frames()
    found = [one for at in range(0, len(whole), size) for one in reader.feed(whole[at : at + size])]
    assert found == sent


@given(st.binary(min_size=9, max_size=300))
def test_nonsense_is_refused_or_waited_for_and_never_more(data: bytes) -> None:
    try:
        found = Frames().feed(data)
    except ValueError:
        return
    assert b"".join(one.packed() for one in found) == data[: sum(len(one.packed()) for one in found)]


def test_a_frame_that_says_it_is_huge_is_refused_before_it_is_held() -> None:
    with pytest.raises(ValueError, match="a frame of"):
        Frames().feed(Frame(Kind.DATA, 1).packed()[:5] + (LARGEST + 1).to_bytes(4, "big"))


def test_names_and_counts() -> None:
    assert Frame(Kind.OPEN, 1, b"backend").name == "backend"
    assert more(1, 70_000).count == 70_000
    for body in (b"", b"x" * 201, b"\xff"):
        with pytest.raises(ValueError):
            _ = Frame(Kind.OPEN, 1, body).name
    with pytest.raises(ValueError, match="a count of"):
        _ = Frame(Kind.MORE, 1, b"xyz").count
