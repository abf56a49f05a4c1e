"""Every tensor of the GGUF file held against the published ones: none missing, left out, or taken for another."""

import math
from pathlib import Path
from typing import Any

from swarmctl.converter import moments
from swarmctl.converter.gguffile import GGUF
from swarmctl.converter.moments import Moments
from swarmctl.converter.placing import MADE, place
from swarmctl.converter.tensors import Tensor, tensors

_ROWS = frozenset({"token_embd.weight", "output.weight"})
"""Cut or padded to the tokenizer where that is smaller or larger."""


def measure(folder: Path, file: GGUF, config: dict[str, Any]) -> dict[str, Any]:
    """The part of the certificate about tensors. Raises Refused for files that cannot be read."""
    published = tensors(folder)
    placed = place(published, file.tensors, file.architecture, file.layers, config)
    figures: dict[str, float | None] = {}
    broken: dict[str, int] = {}
    damaged: dict[str, int] = {}
    for into, names in placed.groups.items():
        stored, source = _pair(file, into, [published[name] for name in names])
        figures["+".join(into)] = None if stored is None or source is None else moments.distance(stored, source)
        _note(broken, "+".join(into), stored)
        _note(damaged, names[0], source)
    known = {name: figure for name, figure in figures.items() if figure is not None}
    return {
        "published": len(published),
        "mapped": sum(map(len, placed.groups.values())),
        "stored": len(file.tensors),
        "made": sorted(MADE & set(file.tensors)),
        "dropped": dict(sorted(placed.dropped.items())),
        "unplaced": sorted(placed.unplaced),
        "missing": placed.missing,
        "compared": len(known),
        "apart": {name: _finite(figure) for name, figure in known.items() if figure > _CLOSE},
        "furthest": _finite(max(known.values(), default=0.0)),
        "not_numbers": broken,
        "source_not_numbers": damaged,
    }


_CLOSE = 0.01
"""Those beyond it are listed; what refuses is decided by whoever reads the certificate."""


def _pair(file: GGUF, into: tuple[str, ...], sources: list[Tensor]) -> tuple[Moments | None, Moments | None]:
    targets = [file.tensors[name] for name in into]
    limit = None
    if len(targets) == len(sources) == 1 and into[0] in _ROWS:
        limit = min(targets[0].count, sources[0].rows * sources[0].columns)
    stored = _total([moments.of_stored(file, target, limit) for target in targets])
    return stored, _total([moments.of_published(source, limit) for source in sources])


def _total(parts: list[Moments | None]) -> Moments | None:
    total = Moments()
    for part in parts:
        if part is None:
            return None
        total += part
    return total


def _note(where: dict[str, int], name: str, found: Moments | None) -> None:
    if found is not None and found.broken:
        where[name] = found.broken


def _finite(figure: float) -> float | str:
    return round(figure, 6) if math.isfinite(figure) else "another size"
