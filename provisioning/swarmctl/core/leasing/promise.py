"""What renting a machine promises: how long, how much, and what its guard is told."""

from dataclasses import dataclass, field
from decimal import ROUND_UP, Decimal
from typing import Any

from swarmctl.core.leasing.burn import HOUR
from swarmctl.core.leasing.guardfile import GuardFile, allowed, guard_file
from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.limits import Terms
from swarmctl.core.leasing.ranking import Choice
from swarmctl.core.price.money import dollars, micro
from swarmctl.core.target import VastTarget
from swarmctl.core.units import as_duration

_SLACK = Decimal("1.25")
"""What a budget is above the price of the whole time, where nobody names one: traffic and a slow start."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What is agreed to with a yes. hourly, budget: $. ttl, idle: seconds. at_end: as VastTarget. notes: sentences."""

    hourly: Decimal
    ttl: int
    idle: int
    budget: Decimal
    at_end: str
    notes: tuple[str, ...] = ()

    @property
    def most(self) -> Decimal:
        """$ that it can cost at most: whatever ends first."""
        return min(self.budget, self.hourly * self.ttl / HOUR * _SLACK)

    def text(self) -> str:
        """The limits in one line."""
        idle = f", {as_duration(self.idle)} without work" if self.idle else ""
        return f"ends after {as_duration(self.ttl)}{idle}, or {dollars(self.budget)}; then: {self.at_end}"

    def as_json(self) -> dict[str, Any]:
        """Money as text."""
        return {
            "dollars_per_hour": str(micro(self.hourly)),
            "budget_dollars": str(self.budget),
            "ttl_seconds": self.ttl,
            "idle_seconds": self.idle,
            "at_end": self.at_end,
            "notes": list(self.notes),
        }


def promise(target: VastTarget, choice: Choice, notes: tuple[str, ...] = ()) -> Promise:
    """What renting this offer would promise. notes: what else is to be known of it."""
    usual = (choice.total.dollars * _SLACK).quantize(Decimal("0.01"), ROUND_UP)
    return Promise(choice.hourly, target.ttl, target.idle, target.budget or usual, target.at_end, notes)


@dataclass(frozen=True, slots=True)
class Armed:
    """What the guard of a machine is given. key: of this machine alone."""

    settings: GuardFile
    key: str = field(repr=False)

    def variables(self) -> dict[str, Any]:
        """Variables of the role `guard`."""
        return {**self.settings.variables(), "guard_key": self.key}


def guard_settings(lease: Lease, given: Promise, since: int, url: str) -> GuardFile:
    """What the guard of a machine is told. since: epoch seconds from which on it is paid for.

    Raises ValueError where the market does not say what the machine costs.
    """
    deadline = lease.label.expires if lease.label else since + given.ttl
    terms = Terms(deadline, since, budget=allowed(given.budget), idle=given.idle, at_end=given.at_end)
    return guard_file(url, lease.id, lease.hourly, terms)
