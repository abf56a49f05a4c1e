"""Units that people write, `30m` and `6 GiB`, and the numbers that the code counts in."""

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(KiB|MiB|GiB)")
_KIB = {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}


def seconds(text: object) -> int:
    """Seconds of `90s`, `20m`, `1h30m`, `2d`; a bare whole number counts as seconds.

    Raises ValueError with the forms that are understood.
    """
    if isinstance(text, int) and not isinstance(text, bool):
        if text < 0:
            raise ValueError("a duration cannot be negative")
        return text
    match = _DURATION.fullmatch(text) if isinstance(text, str) and text else None
    if match is None or not any(match.groups()):
        raise ValueError(f"{text!r} is no duration; write it as 90s, 20m, 1h30m or 2d")
    days, hours, minutes, rest = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def mebibytes(text: object) -> int:
    """MiB of `512 MiB` or `1.5 GiB`; a bare whole number counts as MiB. Raises ValueError."""
    if isinstance(text, int) and not isinstance(text, bool):
        if text < 0:
            raise ValueError("a size cannot be negative")
        return text
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{text!r} is no size; write it as 512 MiB or 4 GiB")
    return round(float(match.group(1)) * _KIB[match.group(2)])


def as_duration(count: float) -> str:
    """`1h30m`, `20m`, `90s` for a number of seconds, the way a person writes it."""
    whole = round(count)
    if whole < 120:
        return f"{whole}s"
    days, rest = divmod(whole, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = ((days, "d"), (hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{n}{unit}" for n, unit in parts if n)


def as_size(mib: float) -> str:
    """`1.5 GiB` or `512 MiB` for a number of MiB."""
    return f"{mib / 1024:.1f} GiB" if mib >= 1024 else f"{mib:.0f} MiB"


Duration = Annotated[
    int,
    BeforeValidator(seconds),
    WithJsonSchema({"oneOf": [{"type": "integer", "minimum": 0}, {"type": "string", "examples": ["20m", "1h30m"]}]}),
]
"""Seconds."""

Size = Annotated[
    int,
    BeforeValidator(mebibytes),
    WithJsonSchema({"oneOf": [{"type": "integer", "minimum": 0}, {"type": "string", "examples": ["512 MiB"]}]}),
]
"""MiB."""
