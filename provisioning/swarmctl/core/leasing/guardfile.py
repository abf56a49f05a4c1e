"""What the guard of one rented machine is told: its settings as the role writes them, byte for byte."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from hashlib import sha256
from typing import Any

from swarmctl.core.leasing.lease import Hourly
from swarmctl.core.leasing.limits import AT_END, Terms, ends
from swarmctl.core.price.money import ZERO

MARKS = ("/run/swarmctl", "/var/lib/swarmctl/swarms/*/data/*")
"""Folders, as patterns, in which whatever works touches `activity` and leaves `results-unfetched`."""
KEY_FILE = "/etc/swarmctl/guard.key"
_MILLION = 10**6
_MOST = 10**15


@dataclass(frozen=True, slots=True)
class GuardFile:
    """url: of the market. instance: its number there. down, up: millionths of a dollar for a GB."""

    url: str
    instance: str
    terms: Terms
    down: int = 0
    up: int = 0
    marks: tuple[str, ...] = MARKS
    key_file: str = KEY_FILE

    def text(self) -> str:
        """The settings file; the same as the role's for the same settings, so that neither undoes the other."""
        known = {**asdict(self.terms), "url": self.url, "instance": self.instance, "key_file": self.key_file}
        known |= {"down": self.down, "up": self.up, "marks": list(self.marks)}
        return json.dumps(known, sort_keys=True, indent=4, separators=(",", ": ")) + "\n"

    @property
    def armed(self) -> str:
        """What the guard says it has taken up, once it has: the hash of its settings."""
        return sha256(self.text().encode()).hexdigest()

    def variables(self) -> dict[str, Any]:
        """Variables of the role `guard`; the machine's key is added by whoever has it, as `guard_key`."""
        terms = self.terms
        return {
            "guard_url": self.url,
            "guard_instance": self.instance,
            "guard_since": terms.since,
            "guard_deadline": terms.deadline,
            "guard_idle_seconds": terms.idle,
            "guard_grace_seconds": terms.grace,
            "guard_reserve_seconds": terms.reserve,
            "guard_price_micro": terms.price,
            "guard_budget_micro": terms.budget,
            "guard_spent_micro": terms.spent,
            "guard_down_micro": self.down,
            "guard_up_micro": self.up,
            "guard_at_end": terms.at_end,
            "guard_marks": list(self.marks),
        }

    def until(self, deadline: int) -> "GuardFile":
        """The same with another end, in epoch seconds."""
        return replace(self, terms=replace(self.terms, deadline=deadline))

    def later(self, deadline: int, budget: Decimal | None) -> "GuardFile":
        """The same with another end, in epoch seconds, and another budget in $."""
        return replace(self, terms=replace(self.terms, deadline=deadline, budget=allowed(budget)))


def guard_file(url: str, instance: str, hourly: Hourly, terms: Terms) -> GuardFile:
    """Settings for a machine at its present price, in place of whatever price the terms have.

    Raises ValueError where its price is not known: then no budget could be kept.
    """
    if hourly.known is None:
        raise ValueError(f"the market does not say what machine {instance} costs")
    priced = replace(terms, price=micros(hourly.known))
    return GuardFile(url, instance, priced, micros(hourly.down), micros(hourly.up))


def read_guard_file(text: str) -> GuardFile:
    """The settings in a file. Raises ValueError with what is wrong in it."""
    raw = json.loads(text)
    if not isinstance(raw, Mapping):
        raise ValueError("the guard's settings are no object")  # noqa: TRY004 - a file's fault, not a caller's
    names = ("deadline", "since", "price", "budget", "idle", "grace", "reserve")
    numbers = {name: _number(raw.get(name), name) for name in names} | {"spent": _number(raw.get("spent", 0), "spent")}
    url, instance, key_file, at_end = (raw.get(name) for name in ("url", "instance", "key_file", "at_end"))
    if not all(isinstance(one, str) for one in (url, instance, key_file)) or at_end not in AT_END:
        raise ValueError("the guard's settings are not whole")
    marks = raw.get("marks", list(MARKS))
    if not isinstance(marks, list) or not all(isinstance(one, str) for one in marks):
        raise ValueError("marks is no list of patterns")
    down, up = (_number(raw.get(name, 0), name) for name in ("down", "up"))
    terms = Terms(at_end=str(at_end), **numbers)
    return GuardFile(str(url), str(instance), terms, down, up, tuple(marks), str(key_file))


def _number(value: object, name: str) -> int:
    if type(value) is not int or not -1 <= value < _MOST:
        raise ValueError(f"{name} is no whole number")
    return value


def micros(amount: Decimal) -> int:
    """Whole millionths of a dollar, rounded up: what is paid. Raises ValueError for what is no amount."""
    return _whole(amount, ROUND_CEILING)


def allowed(budget: Decimal | None) -> int:
    """A budget in whole millionths of a dollar, rounded down; -1 for none. Raises ValueError for what is none."""
    return -1 if budget is None else _whole(budget, ROUND_FLOOR)


def _whole(amount: Decimal, rounding: str) -> int:
    if not amount.is_finite() or not 0 <= amount < _MOST // _MILLION:
        raise ValueError(f"{amount} is no amount of money")
    return int((amount * _MILLION).to_integral_value(rounding))


def when_it_ends(
    expires: float, budget: Decimal | None, rate: Decimal | None, now: float, spent: Decimal
) -> tuple[float, str]:
    """When a machine's guard will end it, in epoch seconds, and by which limit: ttl or budget. rate: $/h.

    Raises ValueError for a figure that is none.
    """
    if not math.isfinite(expires) or not math.isfinite(now):
        raise ValueError("a time is no number")
    terms = Terms(math.floor(expires), price=micros(rate or ZERO), budget=allowed(budget))
    return ends(terms, math.floor(now), micros(spent))
