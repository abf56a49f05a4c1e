"""Log rotation by copy and truncate: whoever writes keeps its file, opened for appending."""

import os
from pathlib import Path

_AHEAD = 4
_LEFT_OUT = b"... older lines were left out here\n"


def rotate(log: Path, limit: int, keep: int) -> bool:
    """Move what a log holds to `.1` (and `.1` to `.2`, up to `.keep`) once it is over `limit` bytes.

    Of a log that ran ahead to over four times the limit the last `limit` bytes are kept. A line written
    between the copy and the truncation, some microseconds apart, is lost. Gives whether it rotated; raises
    OSError.
    """
    try:
        size = log.stat().st_size
    except FileNotFoundError:
        return False
    if size <= limit:
        return False
    if keep > 0:
        _shift(log, keep)
        _copy(log, log.with_name(f"{log.name}.1"), size - limit if size > _AHEAD * limit else 0)
    os.truncate(log, 0)
    return True


def _shift(log: Path, keep: int) -> None:
    for number in range(keep - 1, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number + 1}"))


def _copy(log: Path, to: Path, start: int) -> None:
    with log.open("rb") as source, to.open("wb") as target:
        if start:
            source.seek(start)
            source.readline()
            target.write(_LEFT_OUT)
        while block := source.read(1 << 20):
            target.write(block)
