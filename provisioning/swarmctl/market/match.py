"""Filters as searches and listings take them: `{field: {operator: value}}`, numbers and booleans also as text."""

from collections.abc import Callable, Mapping
from typing import Any

Filters = Mapping[str, Mapping[str, Any]]
Test = Callable[[Any], bool]
OPERATORS = ("eq", "neq", "gt", "lt", "gte", "lte", "in", "notin")
_WORDS = {"true": True, "false": False}


def same(have: Any, want: Any) -> bool:
    """Equal, as the market compares: by the type of what it has."""
    if have is None or want is None:
        return have is want
    return bool(have == like(have, want))


def like(have: Any, want: Any) -> Any:
    """A wanted value in the type of the value that is there. Raises ValueError, TypeError or OverflowError."""
    if isinstance(have, bool):
        return _boolean(want)
    if isinstance(have, int | float):
        return float(want)
    return str(want)


def _boolean(want: Any) -> bool:
    found = want if isinstance(want, bool | int | float) else _WORDS.get(str(want).lower())
    if found not in (0, 1):
        raise ValueError(f"{str(want)[:40]} is neither true nor false")
    return bool(found)


def holds(have: Any, operator: str, want: Any) -> bool:
    """Whether a value passes. Raises ValueError, TypeError or OverflowError where the value makes no sense."""
    if operator in {"in", "notin"}:
        if not isinstance(want, list):
            raise ValueError(f"{operator} takes a list")
        return any(same(have, one) for one in want) is (operator == "in")
    if operator in {"eq", "neq"}:
        return same(have, want) is (operator == "eq")
    if operator not in OPERATORS:
        raise ValueError(f"{operator[:40]} is not a valid operator")
    if have is None or want is None:
        return False
    bound = like(have, want)
    if operator in {"gt", "gte"}:
        return bool(have > bound or (operator == "gte" and have == bound))
    return bool(have < bound or (operator == "lte" and have == bound))


def checked(found: object) -> Filters:
    """Filters out of a caller's JSON. Raises ValueError."""
    if not isinstance(found, dict) or not all(isinstance(one, dict) for one in found.values()):
        raise ValueError("filters must be an object of {field: {operator: value}}")
    return found
