"""A bill explained: what we counted beside what the market charged, part by part, and why the two differ."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from swarmctl.core.leasing.account import Charge
from swarmctl.core.leasing.meter import HOUR, Metered
from swarmctl.core.price.money import ZERO, dollars, micro, physical
from swarmctl.core.units import as_duration

CENT = Decimal("0.01")
ROUNDED = Decimal("0.0005")
"""$ by which one charge may be off: the market shows tenths of a cent."""

SLACK = 5.0
"""Seconds by which two accounts of one moment may differ: a call on its way, and whole seconds."""

_PARTS = {"gpu": "gpu", "disk": "disk", "bwd": "download", "bwu": "upload"}


@dataclass(frozen=True, slots=True)
class Part:
    """$ of one thing. ours: None where only the market can count it. theirs: None where it was not charged for."""

    name: str
    ours: Decimal | None
    theirs: Decimal | None
    reason: str = ""
    explained: bool = True

    @property
    def difference(self) -> Decimal:
        """$ that the market charged more than we counted."""
        return (self.theirs or ZERO) - (self.ours or ZERO)

    def as_json(self) -> dict[str, Any]:
        """Money as text, since binary fractions cannot hold it."""
        return {
            "part": self.name,
            "ours": None if self.ours is None else str(micro(self.ours)),
            "charged": None if self.theirs is None else str(self.theirs),
            "difference": str(micro(self.difference)),
            "reason": self.reason,
            "explained": self.explained,
        }


@dataclass(frozen=True, slots=True)
class Explained:
    """All parts of one machine's bill."""

    parts: tuple[Part, ...]

    @property
    def ours(self) -> Decimal:
        """$ that we counted."""
        return sum((part.ours or ZERO for part in self.parts), ZERO)

    @property
    def theirs(self) -> Decimal:
        """$ that were charged."""
        return sum((part.theirs or ZERO for part in self.parts), ZERO)

    @property
    def unexplained(self) -> Decimal:
        """$ of difference, either way, for which there is no reason."""
        return sum((abs(part.difference) for part in self.parts if not part.explained), ZERO)

    @property
    def to_the_cent(self) -> bool:
        """Less than a cent is without a reason."""
        return self.unexplained < CENT


def explain(ours: Metered, charges: Iterable[Charge], lease: str) -> Explained:
    """The bill of one machine. charges: of the whole account, others' machines among them."""
    mine = [one for one in charges if one.lease == lease]
    if not mine:
        told = "nothing is charged yet: the market's books may follow hours later"
        return Explained((Part("gpu", ours.gpu, None, told, False), Part("disk", ours.disk, None, told, False)))
    if any(one.kind not in _PARTS for one in mine):
        return Explained((_whole(ours, mine),))
    return Explained((
        _timed("gpu", ours.gpu, ours.gpu_rate, ours.computing, _of(mine, "gpu")),
        _timed("disk", ours.disk, ours.disk_rate, ours.seconds, _of(mine, "disk")),
        *(_traffic(kind, price, found) for kind, price in (("bwd", ours.down), ("bwu", ours.up))
          if (found := _of(mine, kind))),
    ))  # fmt: skip


def _of(mine: Sequence[Charge], kind: str) -> list[Charge]:
    return [one for one in mine if one.kind == kind]


def _sum(charges: Sequence[Charge]) -> Decimal:
    return sum((one.amount for one in charges), ZERO)


def _timed(name: str, ours: Decimal, rate: Decimal, seconds: float, charges: Sequence[Charge]) -> Part:
    """A part that is paid by the second. rate: $/h."""
    theirs = _sum(charges)
    off = theirs - ours
    second = rate / HOUR
    if abs(off) <= ROUNDED * max(1, len(charges)) + second * physical(SLACK):
        return Part(name, ours, theirs, "rounding, and seconds on the way" if off else "")
    if rate <= 0:
        return Part(name, ours, theirs, "it was free when we looked", explained=False)
    billed = float(theirs / second)
    told = f"{as_duration(max(0.0, billed))} are charged at {dollars(rate)}/h, and we counted {as_duration(seconds)}"
    span = _span(charges)
    if off < 0 and name == "gpu":
        return Part(name, ours, theirs, f"{told}: while it starts or stands still the card may be free")
    if off < 0 and span is not None and abs(span - billed) <= SLACK + float(ROUNDED * len(charges) / second):
        return Part(name, ours, theirs, f"{told}: the market's time for it is {as_duration(span)}")
    why = "it took longer to end than we saw" if span is not None and span - seconds > SLACK else ""
    fits = span is not None and abs(span - billed) <= SLACK + float(ROUNDED * len(charges) / second)
    if why and fits:
        return Part(name, ours, theirs, f"{told}: {why}")
    return Part(name, ours, theirs, f"{told}: no reason is known", explained=False)


def _span(charges: Sequence[Charge]) -> float | None:
    """Seconds that the charges are for, by their own word."""
    starts = [one.since for one in charges if one.since is not None]
    ends = [one.until for one in charges if one.until is not None]
    return max(ends) - min(starts) if starts and ends else None


def _traffic(kind: str, price: Decimal, charges: Sequence[Charge]) -> Part:
    """What went over the line; only the market counts it."""
    theirs = _sum(charges)
    if price <= 0:
        return Part(_PARTS[kind], None, theirs, "traffic was free when we looked", explained=False)
    return Part(_PARTS[kind], None, theirs, f"{theirs / price:.1f} GB at {dollars(price)}/GB, by the market's count")


def _whole(ours: Metered, mine: Sequence[Charge]) -> Part:
    """A bill that is not broken down."""
    rate = ours.gpu_rate + ours.disk_rate
    return _timed("in all", ours.total, rate, ours.seconds, mine)
