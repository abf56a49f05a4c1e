"""What quantisations cost: size against distance from the unquantised model, an SVG document."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from swarmctl.core.plotting.labels import Name, Spot, place_labels
from swarmctl.core.plotting.scale import Scale, number, scale
from swarmctl.core.plotting.svg import SIZE, disc, document, line, words

WIDTH, HEIGHT = 960, 600
_FRAME = Spot(86, 84, WIDTH - 86 - 28, HEIGHT - 84 - 86)
_INK, _MUTED, _GRID, _LINE, _POINT = "#1f2933", "#616e7c", "#e4e7eb", "#9fb3c8", "#0b69a3"
_MB = 1e6


@dataclass(frozen=True, slots=True)
class Drawn:
    """One result. bytes of its file; divergence: KL in nats a token, None where it was not measured."""

    model: str
    quant: str
    bytes: int
    divergence: float | None


def plot(results: Sequence[Drawn]) -> str:
    """MB to the right, KL upwards, both logarithmic; results of one model are joined."""
    known = [one for one in results if one.divergence is not None and 0 < one.divergence < math.inf and one.bytes > 0]
    known.sort(key=lambda one: (one.model, one.bytes, one.quant))
    title = "What quantisations cost"
    under = "Further left is smaller, further down is closer to the unquantised model."
    head = [words(_FRAME.x, 34, title, _INK, size=19, weight=600), words(_FRAME.x, 58, under, _MUTED, size=13.5)]
    left = len(results) - len(known)
    said = f"{len(known)} results drawn" + (f"; {left} without a measured distance" if left else "") + "."
    foot = words(_FRAME.x, HEIGHT - 14, said, _MUTED, size=11.5)
    return document(WIDTH, HEIGHT, [*head, *(_chart(known) if known else []), foot])


def _chart(known: Sequence[Drawn]) -> list[str]:
    across = scale([one.bytes / _MB for one in known], _FRAME.x, _FRAME.x + _FRAME.width)
    up = scale([one.divergence or 0.0 for one in known], _FRAME.y + _FRAME.height, _FRAME.y)
    places = [(across.at(one.bytes / _MB), up.at(one.divergence or 0.0)) for one in known]
    joined = [
        line(*places[n], *places[n + 1], _LINE) for n in range(len(known) - 1) if known[n].model == known[n + 1].model
    ]
    many = len({one.model for one in known}) > 1
    texts = [f"{one.model} {one.quant}" if many else one.quant for one in known]
    names = [Name(x, y, text, True) for (x, y), text in zip(places, texts, strict=True)]
    taken = [Spot(x - 6, y - 6, 12, 12) for x, y in places]
    frame = Spot(_FRAME.x, _FRAME.y - 12, _FRAME.width + 24, _FRAME.height + 10)
    labels = place_labels(names, taken, frame, SIZE)
    leads = [line(one.name.x, one.name.y, *one.knee, _LINE) for one in labels if one.knee]
    dots = [
        disc(x, y, 5, _POINT, f"{text}: {one.bytes / _MB:,.0f} MB, KL {one.divergence:.3g}")
        for (x, y), text, one in zip(places, texts, known, strict=True)
    ]
    return [*_axes(across, up), *joined, *leads, *dots, *(words(o.x, o.y, o.name.text, _INK) for o in labels)]


def _axes(across: Scale, up: Scale) -> list[str]:
    right, bottom = _FRAME.x + _FRAME.width, _FRAME.y + _FRAME.height
    lines = []
    for value in across.ticks():
        x = across.at(value)
        lines.append(line(x, _FRAME.y, x, bottom, _GRID))
        lines.append(words(x, bottom + 20, number(value), _MUTED, anchor="middle"))
    for value in up.ticks():
        y = up.at(value)
        lines.append(line(_FRAME.x, y, right, y, _GRID))
        lines.append(words(_FRAME.x - 10, y + 4, f"{value:g}", _MUTED, anchor="end"))
    lines.append(line(_FRAME.x, bottom, right, bottom, _MUTED))
    lines.append(words((_FRAME.x + right) / 2, bottom + 44, "MB", _INK, anchor="middle"))
    middle = (_FRAME.y + bottom) / 2
    turned = f'transform="rotate(-90 20 {middle:.1f})"'
    said = "KL to the unquantised model, nats per token"
    lines.append(f'<text x="20" y="{middle:.1f}" fill="{_INK}" text-anchor="middle" {turned}>{said}</text>')
    return lines
