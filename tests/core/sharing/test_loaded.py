"""Adapters in another order, at another scale, or none at all are seen; so is an answer that is none."""

from typing import Any

import pytest

from swarmctl.core.sharing.loaded import wrong

TWO = [{"id": 0, "path": "/m/a.gguf", "scale": 0.0}, {"id": 1, "path": "/m/b.gguf", "scale": 0.0}]


def test_silent_adapters_in_order_are_right() -> None:
    assert wrong(TWO, ("a.gguf", "b.gguf")) == []
    assert wrong([], ()) == []


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        (TWO[::-1], "b.gguf, a.gguf, not a.gguf, b.gguf"),
        (TWO[:1], "are a.gguf, not"),
        ([], "are none, not"),
        (None, "are none, not"),
        ("nonsense", "are none, not"),
        ([3, None], "are none, not"),
        ([{}, {}], "are None, None, not"),
        ([TWO[0], TWO[1] | {"scale": 1.0}], "b.gguf is scaled without being asked for"),
        ([TWO[0], TWO[1] | {"scale": None}], "b.gguf is scaled"),
    ],
)
def test_anything_else_is_named(listed: Any, words: str) -> None:
    found = wrong(listed, ("a.gguf", "b.gguf"))
    assert len(found) == 1
    assert words in found[0]
