"""Many connections over one pair of pipes: the frames that go through it, as bytes and as values."""

import struct
from dataclasses import dataclass
from enum import IntEnum

_HEAD = struct.Struct(">BII")
_COUNT = struct.Struct(">I")
LARGEST = 64 * 1024
"""Bytes that one frame carries at most."""
WINDOW = 256 * 1024
"""Bytes of one connection that may be on their way before the reader says that it has room for more."""
_NAME = 200


class Kind(IntEnum):
    """What a frame says. OPEN: a connection to the name in it. DATA: bytes. END: none come after. CLOSE: it is broken.

    MORE: room for so many further bytes. BEAT: somebody is here.
    """

    OPEN = 1
    DATA = 2
    END = 3
    CLOSE = 4
    MORE = 5
    BEAT = 6


@dataclass(frozen=True, slots=True)
class Frame:
    """channel: of the connection, 0 for the pair of pipes itself."""

    kind: Kind
    channel: int = 0
    body: bytes = b""

    def packed(self) -> bytes:
        """As it travels."""
        return _HEAD.pack(self.kind, self.channel, len(self.body)) + self.body

    @property
    def name(self) -> str:
        """Of an OPEN: where to. Raises ValueError for what is no name."""
        if not 0 < len(self.body) <= _NAME:
            raise ValueError(f"a name of {len(self.body)} bytes")
        return self.body.decode("ascii")

    @property
    def count(self) -> int:
        """Of a MORE: how many bytes. Raises ValueError."""
        if len(self.body) != _COUNT.size:
            raise ValueError(f"a count of {len(self.body)} bytes")
        return int(_COUNT.unpack(self.body)[0])


def more(channel: int, count: int) -> Frame:
    """Room for so many further bytes."""
    return Frame(Kind.MORE, channel, _COUNT.pack(count))


class Frames:
    """Puts bytes together to frames, however they come."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole now. Raises ValueError for bytes that are none."""
        self._held += data
        found = []
        while len(self._held) >= _HEAD.size:
            kind, channel, length = _HEAD.unpack_from(self._held)
            if length > LARGEST:
                raise ValueError(f"a frame of {length} bytes")
            end = _HEAD.size + length
            if len(self._held) < end:
                break
            found.append(Frame(Kind(kind), channel, bytes(self._held[_HEAD.size : end])))
            del self._held[:end]
        return found
