"""When a rented machine has to go, and what its guard does about it: a pure answer to what is known now.

Only the standard library is used here, so that the guard on the machine can carry this file alone.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal

AtEnd = Literal["save", "stop", "destroy"]
WARNINGS = (900, 300)
"""Seconds before the end at which people are told."""

TTL, IDLE = 8 * 3600, 30 * 60
"""Seconds that a machine is held, and that it may be idle, where nobody says otherwise."""


class Act(StrEnum):
    """What the guard does now."""

    CONTINUE = "continue"
    WARN = "warn"
    HOLD = "hold"
    SAVE = "save"
    STOP = "stop"
    DESTROY = "destroy"


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed. expires: epoch seconds. budget: $ in all, None for none. idle: seconds, 0 for never.

    at_end: save first, only stop, or destroy at once. reserve: seconds before the end that belong to saving.
    grace: seconds that results which nobody fetched hold idle back. tick: seconds between two looks of the guard.
    parting: seconds that ending a machine may take, which are paid for too.
    """

    expires: float
    budget: Decimal | None = None
    idle: int = IDLE
    at_end: AtEnd = "save"
    reserve: int = 120
    grace: int = 900
    tick: int = 30
    parting: int = 60

    def __post_init__(self) -> None:
        """Raises ValueError for terms under which nothing would ever end."""
        if not math.isfinite(self.expires) or self.expires <= 0:
            raise ValueError(f"a machine cannot be held until {self.expires!r}")
        if self.budget is not None and not (self.budget.is_finite() and self.budget >= 0):
            raise ValueError(f"{self.budget} is no budget")
        if min(self.idle, self.reserve, self.grace, self.tick, self.parting) < 0:
            raise ValueError("a time limit cannot be negative")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known. now, last_use: epoch seconds; last_use: of the last request to an engine, or when it was armed.

    spent: $ until now. rate: $/h now. working: an agent is at work. unfetched: results that are nowhere else.
    saving: since when results are being saved, None while they are not. warned: warnings that were given.
    """

    now: float
    spent: Decimal
    rate: Decimal
    last_use: float
    working: bool = False
    unfetched: bool = False
    saving: float | None = None
    warned: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        """Raises ValueError where a figure is none: a guard must not compare with NaN."""
        if not all(math.isfinite(value) for value in (self.now, self.last_use, self.saving or 0.0)):
            raise ValueError("a time is no number")
        if not all(money.is_finite() and money >= 0 for money in (self.spent, self.rate)):
            raise ValueError(f"neither {self.spent} nor {self.rate} may be less than nothing")


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do. cause: ttl, budget or idle. left: seconds until that ends it. warning: which one is due."""

    act: Act
    cause: str
    left: float
    warning: int = 0


def ends(terms: Terms, facts: Facts) -> tuple[float, str]:
    """When the machine must be gone whatever happens, in epoch seconds, and which limit says so."""
    limits = [(terms.expires - terms.tick, "ttl")]
    if terms.budget is not None:
        limits.append((_broke(terms.budget, facts) - terms.tick - terms.parting, "budget"))
    return min(limits)


def _broke(budget: Decimal, facts: Facts) -> float:
    """When the budget is used up at today's rate."""
    left = budget - facts.spent
    if left <= 0:
        return facts.now
    if facts.rate == 0:
        return math.inf
    seconds = left / facts.rate * 3600
    return facts.now + float(min(seconds, Decimal(10) ** 12))


def decide(terms: Terms, facts: Facts) -> Decision:
    """What the guard does now; nothing here waits, so it is asked again every `tick` seconds."""
    hard, cause = ends(terms, facts)
    if facts.now >= hard:
        return Decision(_end(terms, cause), cause, 0.0)
    if facts.saving is not None:
        over = not facts.unfetched or facts.now >= facts.saving + terms.grace
        return Decision(_end(terms, cause) if over else Act.SAVE, cause, hard - facts.now)
    idle = math.inf if facts.working or not terms.idle else facts.last_use + terms.idle
    if facts.now >= idle:
        return _idle(terms, facts, idle)
    if facts.now >= hard - terms.reserve and terms.at_end == "save" and facts.unfetched:
        return Decision(Act.SAVE, cause, hard - facts.now)
    return _warned(facts, *min((hard, cause), (idle, "idle")))


def _end(terms: Terms, cause: str) -> Act:
    """Stopping leaves the disk to be paid, which a used-up budget does not allow."""
    return Act.STOP if terms.at_end == "stop" and cause != "budget" else Act.DESTROY


def _idle(terms: Terms, facts: Facts, idle: float) -> Decision:
    if facts.unfetched and terms.at_end == "save":
        held = idle + terms.grace - facts.now
        return Decision(Act.HOLD, "idle", held) if held > 0 else Decision(Act.SAVE, "idle", 0.0)
    return Decision(_end(terms, "idle"), "idle", 0.0)


def _warned(facts: Facts, end: float, cause: str) -> Decision:
    left = end - facts.now
    due = [warning for warning in sorted(WARNINGS) if left <= warning]
    if due and not any(warning in facts.warned for warning in WARNINGS if warning <= due[0]):
        return Decision(Act.WARN, cause, left, due[0])
    return Decision(Act.CONTINUE, cause, left)
