"""A picture of size against distance: whole, the same for the same, and honest about what it leaves out."""

import xml.etree.ElementTree as ET

import pytest

from swarmctl.core.converting.plot import Drawn, plot

RESULTS = [
    Drawn("a", "Q8_0", 90_000_000, 0.004),
    Drawn("a", "Q4_K_M", 50_000_000, 0.2),
    Drawn("b", "Q8_0", 10**9, 0.01),
]


def _texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter() if element.tag.endswith("text")]


def test_every_measured_result_is_a_point_with_its_name() -> None:
    svg = plot(RESULTS)
    assert svg.count("<circle") == 3
    assert {"a Q8_0", "a Q4_K_M", "b Q8_0"} <= set(_texts(svg))
    assert svg == plot(list(reversed(RESULTS)))


def test_what_was_not_measured_is_counted() -> None:
    svg = plot([*RESULTS, Drawn("c", "Q4_1", 5, None)])
    assert svg.count("<circle") == 3
    assert "3 results drawn; 1 without a measured distance." in _texts(svg)


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -1.0, 0.0, None])
def test_values_that_cannot_be_drawn_are_left_out(odd: float | None) -> None:
    assert plot([Drawn("a", "Q8_0", 0, 0.1), Drawn("a<b>", "Q8_0", 5, odd)]).count("<circle") == 0


def test_one_result_alone_is_drawn() -> None:
    assert plot(RESULTS[:1]).count("<circle") == 1
