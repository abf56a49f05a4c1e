"""Single values out of an answer that may hold anything: the value, or None."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_PRINTED = 400


def number(raw: Mapping[str, Any], key: str, high: int, low: int = 0) -> Decimal | None:
    """A finite number from low to high, also where it is written as text; None for anything else."""
    value = raw.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal) or len(str(value)) > 40:
        return None
    try:
        found = Decimal(str(value))
    except ArithmeticError:
        return None
    return found if found.is_finite() and low <= found <= high else None


def whole(raw: Mapping[str, Any], key: str, high: int, low: int = 0) -> int | None:
    """The same without its fraction."""
    found = number(raw, key, high, low)
    return None if found is None else int(found)


def text(raw: Mapping[str, Any], key: str) -> str:
    """What can be printed of a text, 400 characters at most; empty where there is none."""
    value = raw.get(key)
    if not isinstance(value, str):
        return ""
    return "".join(c if c.isprintable() else " " for c in value[:_PRINTED]).strip()


def identity(value: object) -> str:
    """An id as a number or short text; empty for what cannot name anything, or could leave its place in a path."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 63:
        return str(value)
    fine = isinstance(value, str) and 0 < len(value) <= 32 and value.isascii() and value.isalnum()
    return str(value) if fine else ""
