"""Giving a machine back as a story of states: it is gone when the market said so twice, and not before."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from swarmctl.core.leasing.answers import Said, Trouble


class Deed(StrEnum):
    """What is done, or comes out of it."""

    STOP = "stop"
    DELETE = "delete"
    LOOK = "look"
    WAIT = "wait"
    GONE = "gone"
    MAY_BILL = "may still bill"


class Result(StrEnum):
    """What a deed came to. NEVER: the key does not allow it, so that trying again is no use."""

    DONE = "done"
    GONE = "gone"
    THERE = "there"
    FAILED = "failed"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Tried:
    """One deed. at: seconds since the first one."""

    deed: Deed
    result: Result
    at: float


SURE = 5.0
"""Seconds between the two looks that must both find nothing."""

PATIENCE = 300.0
"""Seconds until people are told that it may still bill."""

DELETES = 8
"""Orders to delete, at most."""

DENIALS = 3
"""Orders in a row that the key must be refused before that is believed: one refusal may be a session's end."""

_PAUSE = 3.0


def result_of(said: Said | None) -> Result:
    """What an answer to a stop or a delete says; None: it never came. A 404 is gone only where its body says so."""
    if said is None:
        return Result.FAILED
    if said.trouble is None:
        return Result.DONE
    if said.trouble is Trouble.GONE:
        return Result.GONE
    return Result.NEVER if said.trouble in {Trouble.KEY, Trouble.FORBIDDEN} else Result.FAILED


def next_deed(tried: Sequence[Tried], now: float) -> tuple[Deed, float]:
    """What to do next, and after how many seconds. now: seconds since the first deed."""
    if not tried:
        return Deed.STOP, 0.0
    last = tried[-1]
    if last.deed is Deed.STOP:
        return Deed.DELETE, 0.0
    if _surely(tried):
        return Deed.GONE, 0.0
    if _denied(tried) or now >= PATIENCE:
        return Deed.MAY_BILL, 0.0
    return _after_delete(tried, last, now) if last.deed is Deed.DELETE else _after_look(tried, last, now)


def _surely(tried: Sequence[Tried]) -> bool:
    """The last looks in a row found nothing, over five seconds."""
    gone: list[float] = []
    for one in reversed(tried):
        if one.deed is not Deed.LOOK or one.result is not Result.GONE:
            break
        gone.append(one.at)
    return len(gone) >= 2 and gone[0] - gone[-1] >= SURE


def _denied(tried: Sequence[Tried]) -> bool:
    last = [one.result for one in tried if one.deed is Deed.DELETE][-DENIALS:]
    return len(last) == DENIALS and all(result is Result.NEVER for result in last)


def _after_delete(tried: Sequence[Tried], last: Tried, now: float) -> tuple[Deed, float]:
    if last.result in {Result.DONE, Result.GONE}:
        return Deed.LOOK, 0.0
    return _delete_again(tried, last.at + _PAUSE * 2 - now)


def _after_look(tried: Sequence[Tried], last: Tried, now: float) -> tuple[Deed, float]:
    if last.result is Result.GONE:
        return Deed.LOOK, max(0.0, last.at + SURE - now)
    if last.result is Result.THERE:
        return _delete_again(tried, last.at + _PAUSE - now)
    return Deed.LOOK, max(0.0, last.at + _PAUSE * 2 - now)


def _delete_again(tried: Sequence[Tried], pause: float) -> tuple[Deed, float]:
    if sum(one.deed is Deed.DELETE for one in tried) >= DELETES:
        return Deed.MAY_BILL, 0.0
    return Deed.DELETE, max(0.0, pause)
