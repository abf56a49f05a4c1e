"""Which service listens on which loopback port: stable, and clear of what others use."""

import zlib
from collections.abc import Iterable, Mapping

FIRST, LAST = 21000, 31999
"""Below the range from which Linux hands out ports to outgoing connections (32768 and up)."""


def first(seed: str) -> int:
    """Where the search for a seed's ports begins, counted from FIRST."""
    return zlib.crc32(seed.encode()) % (LAST - FIRST)


def assign(seed: str, services: Iterable[str], *, given: Mapping[str, int], busy: frozenset[int]) -> dict[str, int]:
    """A port for each service: the one it was given before, else the next free one from the seed's own start.

    busy: ports that others listen on. Raises ValueError when none is left.
    """
    chosen: dict[str, int] = {}
    names = list(services)
    for name in names:
        if name in given and given[name] not in busy:
            chosen[name] = given[name]
    start = first(seed)
    free = iter(
        port
        for offset in range(LAST - FIRST)
        if (port := FIRST + (start + offset) % (LAST - FIRST)) not in busy and port not in given.values()
    )
    for name in names:
        if name not in chosen:
            chosen[name] = next(free, 0)
            if not chosen[name]:
                raise ValueError(f"no free port between {FIRST} and {LAST}")
    return chosen
