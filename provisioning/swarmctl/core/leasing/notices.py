"""What people are told of a rented machine before it surprises them: shares of its budget, its end, a leak."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from swarmctl.core.leasing.limits import WARNINGS
from swarmctl.core.price.money import dollars, micro
from swarmctl.core.units import as_duration

SHARES = (50, 80, 95)
"""Hundredths of a budget at which people are told."""
SCHEMA = "swarmctl/notice/v1"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a machine stands. at, expires: epoch seconds. left: seconds until its end begins, by ttl or budget (`by`).

    spent, budget: $; None where that is not known, and where there is none.
    """

    swarm: str
    lease: str
    at: float
    expires: float
    left: float
    by: str
    spent: Decimal | None = None
    budget: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to be told, once. key: what is remembered of it; a later end or a larger budget makes it due anew."""

    kind: str
    key: str
    text: str
    swarm: str
    lease: str
    at: float
    left: float
    spent: str | None = None
    budget: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Money as text, since binary fractions cannot hold it."""
        return {"schema": SCHEMA, **{name: value for name, value in asdict(self).items() if name != "key"}}


def due(now: Standing) -> tuple[Notice, ...]:
    """Everything that holds now, the most urgent of each sort last, whether it was told before or not."""
    return (*_shares(now), *_ends(now))


def latest(notices: Sequence[Notice]) -> tuple[Notice, ...]:
    """Of each sort only the most urgent: whoever looks for the first time is not told of half and of all at once."""
    return tuple({notice.kind.partition("-")[0]: notice for notice in notices}.values())


def event(now: Standing, kind: str, text: str) -> Notice:
    """Something that happened: `released`, `leak`, `unsaved`."""
    return _notice(now, kind, f"{kind}", text)


def _shares(now: Standing) -> list[Notice]:
    if now.spent is None or not now.budget:
        return []
    share = now.spent * 100 / now.budget
    return [
        _notice(now, f"spent-{at}", f"spent-{at}@{now.budget}",
                f"{at} % of the budget are spent: {dollars(now.spent)} of {dollars(now.budget)}")
        for at in SHARES if share >= at
    ]  # fmt: skip


def _ends(now: Standing) -> list[Notice]:
    limit = now.budget if now.by == "budget" else int(now.expires)
    text = f"it ends in {as_duration(now.left)} by its {now.by}" if now.left > 0 else f"it is over by its {now.by}"
    more = f"--budget {now.budget * 2}" if now.by == "budget" and now.budget else "--ttl +1h"
    hint = f"; swarmctl extend --lease {now.lease} {more}"
    return [
        _notice(now, f"ends-{at // 60}m", f"ends-{at // 60}m@{now.by}-{limit}", text + hint)
        for at in sorted(WARNINGS, reverse=True) if now.left <= at
    ]  # fmt: skip


def _notice(now: Standing, kind: str, key: str, text: str) -> Notice:
    return Notice(
        kind, key, f"machine {now.lease} of swarm '{now.swarm}': {text}", now.swarm, now.lease, now.at, now.left,
        None if now.spent is None else str(micro(now.spent)), None if now.budget is None else str(now.budget),
    )  # fmt: skip
