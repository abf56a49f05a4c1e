"""Holding a machine for longer, or for more money: what that would cost, and what stands against it."""

from dataclasses import dataclass
from decimal import Decimal

from swarmctl.core.leasing.guardfile import when_it_ends
from swarmctl.core.leasing.label import Label
from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.limits import WARNINGS
from swarmctl.core.price.money import ZERO, dollars, micro, physical
from swarmctl.core.units import as_duration
from swarmctl.errors import CapacityError, ProviderError, SpecError

LONGEST = 365 * 86400
"""Seconds from now; whoever means more has mistyped."""

HOUR = Decimal(3600)


@dataclass(frozen=True, slots=True)
class Longer:
    """What is wished. ttl: seconds, None to leave the end. on_top: counted from the old end, else from now.

    budget: $ in all, what is spent already included; None to leave it.
    """

    ttl: int | None = None
    on_top: bool = False
    budget: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known. now: epoch seconds. spent: $ until now. budget: $ in all as promised before, None for none.

    credit: $ that the account has left, None where the market does not say.
    """

    now: float
    spent: Decimal
    budget: Decimal | None = None
    credit: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Extension:
    """What would hold. before: the old end. ahead: $ from now to the end, at most. more: $ of it that the old terms
    would not have spent. end, cause: when the machine goes, in epoch seconds, and by which limit.
    """

    lease: Lease
    label: Label
    before: int
    budget: Decimal | None
    ahead: Decimal
    more: Decimal
    end: float
    cause: str

    @property
    def warnings(self) -> tuple[float, ...]:
        """When people are told that the end is near, in epoch seconds."""
        return tuple(self.end - seconds for seconds in WARNINGS)


def extended(lease: Lease, wish: Longer, known: Standing) -> Extension:
    """The new terms. Raises SpecError for a wish that takes something back or says nothing, CapacityError where the
    contract ends before or the credit does not last, ProviderError where the price is not known.
    """
    label = lease.label
    if label is None:
        raise SpecError(f"machine {lease.id} is not ours: its label is {lease.called[:80]!r}")
    rate = lease.hourly.known
    if rate is None:
        raise ProviderError(f"the market does not say what machine {lease.id} costs", hint="the same command again")
    expires = _until(lease, label, wish, known.now)
    budget = _budget(wish, known)
    end, cause = _end(expires, budget, rate, known)
    old_end, _ = _end(label.expires, known.budget, rate, known)
    ahead, old = _cost(rate, end - known.now), _cost(rate, old_end - known.now)
    if known.credit is not None and ahead > known.credit:
        lasts = as_duration(float(max(known.credit, ZERO) / rate * HOUR)) if rate else "for ever"
        raise CapacityError(
            f"machine {lease.id} would cost {dollars(ahead)} until then, and the account has {dollars(known.credit)}",
            detail=f"{dollars(rate)}/h with its disk; that credit lasts {lasts}",
            hint="add credit in the market's console (Billing), or name a shorter --ttl",
        )
    return Extension(lease, label.until(expires), label.expires, budget, ahead, max(ZERO, ahead - old), end, cause)


def _until(lease: Lease, label: Label, wish: Longer, now: float) -> int:
    """The new expiry in epoch seconds."""
    if wish.ttl is None and wish.budget is None:
        hint = "swarmctl extend --ttl 4h   (or --ttl +4h, --budget 30)"
        raise SpecError("neither time nor money is added", hint=hint)
    if wish.ttl is None:
        return label.expires
    until = (label.expires if wish.on_top else int(now)) + wish.ttl
    if until <= now or until > now + LONGEST:
        raise SpecError(f"a machine cannot be held for {as_duration(until - now)} from now", hint="--ttl 4h")
    if until < label.expires:
        raise SpecError(
            f"machine {lease.id} is promised for {as_duration(label.expires - now)} more, which is longer",
            detail="--ttl counts from now; --ttl +1h adds to what is promised",
            hint=f"swarmctl down --lease {lease.id}   (ends it before)",
        )
    if lease.ends is not None and until > lease.ends:
        left = max(0.0, lease.ends - now)
        raise CapacityError(
            f"machine {lease.id}'s contract ends in {as_duration(left)}, and its host says no more",
            hint=f"swarmctl extend --lease {lease.id} --ttl {as_duration(left // 60 * 60)}" if left >= 60 else "",
        )
    return until


def _budget(wish: Longer, known: Standing) -> Decimal | None:
    """The new budget in $, what was spent included."""
    if wish.budget is None:
        return known.budget
    if not wish.budget.is_finite() or wish.budget <= 0:
        raise SpecError(f"{wish.budget} is no budget", hint="--budget 30")
    if known.budget is not None and wish.budget < known.budget:
        raise SpecError(f"the budget is {dollars(known.budget)} already: {dollars(wish.budget)} would take some back")
    if wish.budget <= known.spent:
        raise SpecError(
            f"{dollars(known.spent)} are spent already, so that a budget of {dollars(wish.budget)} ends it at once",
            hint="--budget counts all that the machine has cost since it was rented",
        )
    return wish.budget


def _end(expires: int, budget: Decimal | None, rate: Decimal, known: Standing) -> tuple[float, str]:
    try:
        return when_it_ends(expires, budget, rate, known.now, known.spent)
    except ValueError as e:
        raise SpecError(f"when the machine would end cannot be told: {e}") from None


def _cost(rate: Decimal, seconds: float) -> Decimal:
    return micro(rate * physical(max(0.0, seconds)) / HOUR)
