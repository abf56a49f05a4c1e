"""Which commits a git client was given, read from what it asked and how the answer began."""

import re
import zlib

LOOK = 256 * 1024
"""Bytes of a request that are read, and of an answer."""
_WANT = re.compile(rb"want ([0-9a-f]{40}|[0-9a-f]{64})[\n ]")


class Fetch:
    """One `git-upload-pack` as it passes by."""

    def __init__(self, encoding: str = "") -> None:
        """encoding: of the request's body; git packs long ones."""
        self._asked, self._answered = bytearray(), bytearray()
        self._open = zlib.decompressobj(31) if encoding in {"gzip", "x-gzip"} else None

    def asked(self, chunk: bytes) -> None:
        """A piece of the request."""
        if len(self._asked) < LOOK:
            try:
                self._asked += self._open.decompress(chunk, LOOK) if self._open else chunk
            except zlib.error:
                self._open = None

    def answered(self, chunk: bytes) -> None:
        """A piece of the answer."""
        if len(self._answered) < LOOK:
            self._answered += chunk

    def commits(self) -> frozenset[str]:
        """What was wanted, where the answer held it: a round that only compares gives nothing."""
        given = b"0009done\n" in self._asked or b"000dpackfile\n" in self._answered
        return frozenset(want.decode() for want in _WANT.findall(bytes(self._asked))) if given else frozenset()
