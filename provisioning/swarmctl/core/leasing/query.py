"""The market's query language, `{field: {operator: value}}`, applied again to what it answered."""

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from swarmctl.core.leasing import fields

Query = Mapping[str, Mapping[str, Any]]

_ORDERED: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_SLACK = Decimal("0.000001")
"""Share by which numbers may differ and still be the same: the market counts in binary fractions."""


def broken(query: Query, entry: Mapping[str, Any]) -> str:
    """The first condition that an entry clearly breaks, as `field op value`; empty where none does.

    A field that is not in the entry breaks nothing: only the market can have judged it.
    """
    for name, conditions in query.items():
        if entry.get(name) is None or not isinstance(conditions, Mapping):
            continue
        for op, wanted in conditions.items():
            if not _holds(op, entry, name, wanted):
                return f"{name} {op} {wanted}"
    return ""


def _holds(op: str, entry: Mapping[str, Any], name: str, wanted: Any) -> bool:
    if op in {"in", "notin"}:
        options = wanted if isinstance(wanted, list | tuple) else [wanted]
        return any(_same(entry, name, option) for option in options) is (op == "in")
    if op in {"eq", "neq"}:
        return _same(entry, name, wanted) is (op == "eq")
    have, bound = _number(entry, name), _number({"w": wanted}, "w")
    test = _ORDERED.get(op)
    if test is None or have is None or bound is None:
        return True
    return test(have, bound) or (op in {"gte", "lte"} and _near(have, bound))


def _number(entry: Mapping[str, Any], name: str) -> Decimal | None:
    return fields.number(entry, name, 10**15, -(10**15))


def _near(one: Decimal, two: Decimal) -> bool:
    return abs(one - two) <= _SLACK * max(abs(one), abs(two))


def _same(entry: Mapping[str, Any], name: str, wanted: Any) -> bool:
    """Equal as truth, as numbers however written, or as text."""
    have = entry[name]
    if isinstance(have, bool) or isinstance(wanted, bool):
        return bool(_truth(have) == _truth(wanted))
    one, two = _number(entry, name), _number({"w": wanted}, "w")
    if one is not None and two is not None:
        return _near(one, two)
    here, there = str(have).replace("_", " "), str(wanted).replace("_", " ")
    return here == there or here.endswith(f", {there}")  # "Sweden, SE" is in SE


def _truth(value: Any) -> Any:
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value
