"""What the edits of all tensors say together: the share of a specialist that its adapter would leave out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from swarmctl.converter.adapter import Pair, size_of
from swarmctl.converter.lowrank import Edit
from swarmctl.converter.matching import Matched
from swarmctl.converter.names import EMBEDDING, HEAD, Names

_WORST = 5


@dataclass(frozen=True, slots=True)
class Limits:
    """max_rank: directions of a matrix. residual: share of the edit that may be left out. half: f16, not f32."""

    max_rank: int
    residual: float
    half: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """One tensor and its edit."""

    at: Matched
    edit: Edit


def pairs(compared: Iterable[Compared], names: Names) -> list[Pair]:
    """What the adapter holds: one pair for every GGUF tensor that is edited."""
    return [
        Pair(target, names.turned(target, one.edit.b), one.edit.a)
        for one in compared
        if one.edit.rank
        for target in one.at.targets
    ]


def verdict(compared: Sequence[Compared], limits: Limits) -> dict[str, Any]:
    """Figures, and why it is refused, if it is.

    Each tensor counts in units of its own weights, so that a small vector that changed wholly is not drowned by
    large matrices. residual, noise: shares of the whole edit (norms) that the adapter leaves out, and that are no
    more than the rounding of the specialist's own type.
    """
    changed = [one for one in compared if one.edit.form not in {"same", "rounding"}]
    edit = sum(_relative(one.edit.change, one.edit) for one in changed)
    excess = sum(_relative(one.edit.excess, one.edit) for one in changed)
    noise = sum(_relative(one.edit.noise, one.edit) for one in changed)
    residual = sqrt(max(0.0, excess) / edit) if edit else 0.0
    return {
        "why": list(_why(changed, limits, residual)),
        "residual": residual,
        "noise": sqrt(noise / edit) if edit else 0.0,
        "edited": len(changed),
        "rank": max((one.edit.rank for one in changed), default=0),
        "edits_embedding": any({EMBEDDING, HEAD} & set(one.at.targets) and one.edit.rank for one in changed),
        **_wanted(changed, limits),
        "tensors": [_row(one) for one in changed],
    }


def _why(changed: Sequence[Compared], limits: Limits, residual: float) -> Iterable[str]:
    if not changed:
        yield "it is the base: no tensor differs by more than rounding"
    broken = [one.at.name for one in changed if one.edit.form == "broken"]
    if broken:
        yield (
            f"{broken[0]} and {len(broken) - 1} more hold what is no number"
            if broken[1:]
            else (f"{broken[0]} holds what is no number")
        )
    homeless = [one.at.name for one in changed if one.at.matrix and not one.at.targets]
    if homeless:
        yield f"edited matrices that no adapter of this architecture reaches: {_listed(homeless)}"
    if residual > limits.residual:
        worst = sorted(changed, key=lambda one: -_relative(one.edit.excess, one.edit))
        names = _listed([one.at.name for one in worst if one.edit.excess > 0])
        yield f"rank {limits.max_rank} leaves {residual:.1%} of its edit out, {limits.residual:.1%} may be: {names}"


def _wanted(changed: Sequence[Compared], limits: Limits) -> dict[str, Any]:
    """The rank that would do for all tensors, and the adapter's bytes at it; null where none was found."""
    ranks = [one.edit.wanted for one in changed]
    if any(rank is None for rank in ranks) or not all(one.at.targets for one in changed):
        return {"wanted_rank": None, "wanted_bytes": None}
    shapes = [(*one.at.difference.shape, one.edit.wanted or 0) for one in changed for _ in one.at.targets]
    return {"wanted_rank": max((rank or 0 for rank in ranks), default=0), "wanted_bytes": size_of(shapes, limits.half)}


def _row(one: Compared) -> dict[str, Any]:
    edit = one.edit
    whole = edit.change or 1.0
    return {
        "name": one.at.name,
        "targets": list(one.at.targets),
        "form": edit.form,
        "rank": edit.rank,
        "wanted": edit.wanted,
        "residual": sqrt(max(0.0, edit.excess) / whole),
        "noise": sqrt(edit.noise / whole),
        "change": sqrt(edit.change / edit.weight) if edit.weight else 1.0,
    }


def _relative(part: float, edit: Edit) -> float:
    return part / edit.weight if edit.weight else float(part > 0)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _WORST} more" if len(names) > _WORST else ""
    return f"{', '.join(names[:_WORST])}{more}"
