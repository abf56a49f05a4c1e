"""What is said between this computer and the hand of swarmctl on another: values as JSON, a line each."""

import json
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from swarmctl import errors
from swarmctl.errors import SwarmctlError

T = TypeVar("T")
MARK = "hand"
"""The key that tells a line of the hand's from whatever else is printed there."""
_KNOWN: dict[type[Any], TypeAdapter[Any]] = {}


@dataclass(frozen=True, slots=True)
class Said:
    """One line: `tell` while it works, then once `done` or `failed`."""

    kind: str
    value: Any


def packed(value: object) -> Any:
    """A dataclass as JSON objects and lists."""
    return _made(type(value)).dump_python(value, mode="json")


def unpacked(kind: type[T], raw: object) -> T:
    """The value again. Raises ValueError for anything else: what comes from another machine is not believed."""
    try:
        found: T = _made(kind).validate_python(raw)
    except ValidationError as e:
        first = e.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ValueError(f"this is no {kind.__name__}: {where}: {first['msg']}") from None
    return found


def line(kind: str, value: object) -> str:
    """One line, without its end."""
    return json.dumps({MARK: kind, "value": value}, separators=(",", ":"))


def read(text: str) -> Said | None:
    """What a line says; None for one that is none of the hand's."""
    if not text.startswith("{"):
        return None
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(raw, dict) or not isinstance(raw.get(MARK), str):
        return None
    return Said(raw[MARK], raw.get("value"))


def failure(e: SwarmctlError) -> dict[str, str]:
    """An error, to be raised again where it was asked for."""
    return {"kind": type(e).__name__, "message": e.message, "detail": e.detail, "hint": e.hint}


def raised(raw: object, name: str) -> SwarmctlError:
    """The error of a line `failed`; name: of the machine. One of another kind than ours is a HostError."""
    found = raw if isinstance(raw, dict) else {}
    kind = getattr(errors, str(found.get("kind")), None)
    if not (isinstance(kind, type) and issubclass(kind, SwarmctlError)):
        kind = errors.HostError
    text = {key: str(found.get(key) or "")[:8000] for key in ("message", "detail", "hint")}
    return kind(text["message"] or f"{name}: it failed without a word", detail=text["detail"], hint=text["hint"])


def _made(kind: type[Any]) -> TypeAdapter[Any]:
    """Making one takes milliseconds, and there are three."""
    if kind not in _KNOWN:
        _KNOWN[kind] = TypeAdapter(kind)
    return _KNOWN[kind]
