"""What is made of published weights before a swarm can be served: in a plan's words, and as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from swarmctl.core.units import as_duration, as_size

if TYPE_CHECKING:
    from swarmctl.core.converting.budget import Schedule

_MIB = 1 << 20
_FOLDS = 40e6
"""Bytes of weights read per second where edits are looked for, on one core of a common machine."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Specialists that are folded into a base. reads: bytes of all their weights and the base's; fetches: bytes of
    specialists that come over the network.
    """

    base: str
    names: tuple[str, ...]
    reads: int = 0
    fetches: int = 0

    @property
    def seconds(self) -> float:
        """About what looking for their edits takes, without what is fetched."""
        return self.reads / _FOLDS

    @property
    def text(self) -> str:
        """One line."""
        fetched = f", fetches {as_size(self.fetches / _MIB)}" if self.fetches else ""
        return f"fold {', '.join(self.names)} into {self.base}: reads {as_size(self.reads / _MIB)}{fetched}"


@dataclass(frozen=True, slots=True)
class Upcoming:
    """Conversions ahead. models: what becomes of each, as `coder Q8_0`. Bytes; peak: on the disk at once, results
    included. problem: why it cannot be told, or cannot be done.
    """

    models: tuple[str, ...] = ()
    steps: int = 0
    fetched: int = 0
    kept: int = 0
    peak: int = 0
    seconds: float = 0.0
    folds: tuple[Fold, ...] = ()
    problem: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """As `plan` shows it."""
        return tuple(self._lines())

    def as_json(self) -> dict[str, Any]:
        """The value as JSON objects and lists."""
        return {**asdict(self), "models": list(self.models), "folds": [asdict(fold) for fold in self.folds]}

    def _lines(self) -> Iterator[str]:
        yield from (fold.text for fold in self.folds)
        if self.models:
            count = f"{self.steps} steps" if self.steps != 1 else "1 step"
            yield f"convert {', '.join(self.models)}: {count}, {as_size(self.kept / _MIB)} stay"
        if self.models or self.folds:
            fetched = f"{as_size(self.fetched / _MIB)} fetched, " if self.fetched else ""
            yield (
                f"about {as_duration(self.seconds)}, {fetched}at most {as_size(self.peak / _MIB)} of disk at once; "
                "each step: swarmctl convert --plan"
            )
        if self.problem:
            yield self.problem


def upcoming(schedule: "Schedule", models: Sequence[str], folds: Sequence[Fold]) -> Upcoming:
    """Out of a plan of conversions. Folds come before it; what they fetch of specialists is given back by then."""
    nodes = [one.node for one in schedule.steps]
    fetched = sum(node.bytes for node in nodes if node.step == "fetch")
    brought = sum(fold.fetches for fold in folds)
    return Upcoming(
        models=tuple(models),
        steps=len(nodes),
        fetched=fetched + brought,
        kept=sum(node.bytes for node in nodes if node.step == "register"),
        peak=max(schedule.peak, fetched + brought),
        seconds=schedule.seconds + sum(fold.seconds for fold in folds),
        folds=tuple(folds),
    )
