"""Writes long arrays of a GGUF header in one go: the gguf package packs a vocabulary value by value, for seconds."""

import struct
from typing import Any

_LONG = 64
_LITTLE, _ARRAY = 0, 9
_STRING, _INT32, _FLOAT32 = 8, 5, 6


def install() -> None:
    """Put this in the place of the writer's own, which still does all that is not long and of one kind."""
    import gguf  # noqa: PLC0415 - nothing but conversions needs it

    plain = gguf.GGUFWriter._pack_val

    def pack(self: Any, val: Any, vtype: Any, add_vtype: bool, sub_type: Any = None) -> bytes:
        known = vtype == _ARRAY and sub_type is None and self.endianess == _LITTLE and type(val) is list
        body = packed(val) if known and len(val) > _LONG else None
        if body is None:
            return plain(self, val, vtype, add_vtype, sub_type)
        return (struct.pack("<I", vtype) if add_vtype else b"") + body

    gguf.GGUFWriter._pack_val = pack  # type: ignore[method-assign]


def packed(values: list[Any]) -> bytes | None:
    """Type, count and values of an array as GGUF has them; None where they are not plainly of one kind."""
    kinds = set(map(type, values))
    if kinds <= {str, bytes, bytearray}:
        parts: list[bytes] = []
        for value in values:
            data = value.encode("utf-8") if isinstance(value, str) else value
            parts += (struct.pack("<Q", len(data)), data)
        return _head(_STRING, values) + b"".join(parts)
    if kinds == {float}:
        return _head(_FLOAT32, values) + struct.pack(f"<{len(values)}f", *values)
    if bool not in kinds and all(issubclass(kind, int) for kind in kinds):
        return _head(_INT32, values) + struct.pack(f"<{len(values)}i", *values)
    return None


def _head(kind: int, values: list[Any]) -> bytes:
    return struct.pack("<IQ", kind, len(values))
