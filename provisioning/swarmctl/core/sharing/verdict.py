"""What a report means: who shares the base, who needs a model of its own, and what to type for those who may."""

from collections.abc import Callable, Iterable

from swarmctl.core.sharing.report import Judged, Report
from swarmctl.errors import SpecError

LARGEST = 512
"""Rank that an adapter may have."""
_MIB = 1 << 20


def table(report: Report) -> tuple[tuple[str, ...], ...]:
    """A row for each specialist: name, verdict, rank, residual, noise, size of what it adds to the base."""
    head = ("specialist", "verdict", "rank", "residual", "rounding", "adds")
    return (head, *(_row(one) for one in report.specialists))


def require(report: Report) -> None:
    """Raises SpecError that names every specialist which cannot share, why, and what would do."""
    _require(report, _hint)


def in_a_file(report: Report) -> None:
    """The same, with what to write in a swarm file."""
    _require(report, _written)


def _require(report: Report, hint: Callable[[list[Judged]], str]) -> None:
    refused = [one for one in report.specialists if not one.accepted]
    if not refused:
        return
    several = f"{len(refused)} of {len(report.specialists)} specialists differ"
    raise SpecError(
        f"{several if len(report.specialists) > 1 else f'{refused[0].name} differs'} from the base by more than an "
        f"adapter of rank {report.max_rank} can hold",
        detail="\n".join(f"{one.name}: {reason(one)}" for one in refused),
        hint=hint(refused),
    )


def reason(one: Judged) -> str:
    """One sentence, with the size of each way out."""
    said = "; ".join(one.why)
    if one.wanted_rank and one.wanted_bytes:
        return f"{said}. Rank {one.wanted_rank} would do, {_size(one.wanted_bytes)}"
    own = f" ({_size(one.own_bytes)} as published)" if one.own_bytes else ""
    return f"{said}. It needs a model of its own{own}"


def added(report: Report) -> int:
    """Bytes that all accepted adapters add to the base: what the plan counts for them."""
    return sum(one.bytes for one in report.specialists if one.accepted)


def _hint(refused: Iterable[Judged]) -> str:
    if rank := _enough(refused):
        return f"--max-rank {rank}"
    return "leave it out of --share-base: it is converted and served by itself"


def _enough(refused: Iterable[Judged]) -> int:
    """The rank with which all of them would share; 0 where none that may be asked for does."""
    ranks = [one.wanted_rank or 0 for one in refused]
    return max(ranks) if all(0 < rank <= LARGEST for rank in ranks) else 0


def _written(refused: Iterable[Judged]) -> str:
    refused = list(refused)
    names, rank = ", ".join(f"models.{one.name}" for one in refused), _enough(refused)
    more = f"placement: {{max_rank: {rank}}} in the swarm file; or " if rank else ""
    alone = f"leave `base` out of {names}: it is converted and served by itself"
    return f"{more}{alone}; or --architecture separate, for all"


def _row(one: Judged) -> tuple[str, ...]:
    if not one.accepted:
        return (one.name, "own model", str(one.wanted_rank or "-"), _share(one.residual), _share(one.noise), "-")
    return (one.name, "shares", str(one.rank), _share(one.residual), _share(one.noise), _size(one.bytes))


def _share(value: float) -> str:
    return f"{value:.1e}" if 0 < value < 1e-3 else f"{value:.1%}"


def _size(size: int) -> str:
    return f"{size / _MIB:,.1f} MiB" if size >= _MIB / 10 else f"{size / 1024:,.1f} KiB"
