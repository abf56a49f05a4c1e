"""A picture of size against distance: whole, the same for the same, and honest about what it leaves out."""

import math
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


@pytest.mark.parametrize("results", [RESULTS, [Drawn("a", f"q{n}", 3**n * 10**6, 0.5**n) for n in range(1, 9)]])
def test_a_point_lies_where_the_axes_say_that_its_figures_are(results: list[Drawn]) -> None:
    """Read back by the axes' own labels, as a person would; both are logarithmic."""
    tree = [*ET.fromstring(plot(results)).iter()]
    texts = [(float(e.attrib["x"]), float(e.attrib["y"]), e.text or "") for e in tree if e.tag.endswith("text")]
    bottom = max(y for _, y, text in texts if text == "MB")
    across = [(x, float(text.replace(",", ""))) for x, y, text in texts if bottom - 30 < y < bottom and _numeric(text)]
    up = [(y - 4, float(text)) for x, y, text in texts if x < 80 and _numeric(text)]
    dots = [e for e in tree if e.tag.endswith("circle")]
    assert len(dots) == len(results)
    read = sorted((_at(float(e.attrib["cx"]), across), _at(float(e.attrib["cy"]), up)) for e in dots)
    meant = sorted((one.bytes / 1e6, one.divergence or 0.0) for one in results)
    for (megabytes, divergence), (size, kl) in zip(read, meant, strict=True):
        assert megabytes == pytest.approx(size, rel=0.02)
        assert divergence == pytest.approx(kl, rel=0.02)


def _numeric(text: str) -> bool:
    return text.replace(",", "").replace(".", "", 1).replace("e-", "", 1).isdigit()


def _at(place: float, ticks: list[tuple[float, float]]) -> float:
    """The value at a place of an axis, by its first and last label."""
    (first, low), (last, high) = ticks[0], ticks[-1]
    share = (place - first) / (last - first)
    return float(math.exp(math.log(low) + share * (math.log(high) - math.log(low))))
