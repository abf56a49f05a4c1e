"""What the second watcher does, which runs where the user is: it tells, fetches results, and ends what did not end."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

EVERY = 30.0
"""Seconds between two looks."""
SAVE_EVERY = 60.0
"""Seconds between two fetches of results."""
LATE = 60.0
"""Seconds that the machine's own guard has before it is ended from here: four rounds of its timer."""
AGAIN = 120.0
"""Seconds until a release that could not be proved is tried again."""


class Deed(StrEnum):
    """What is done at a look, in this order."""

    SAVE = "save"
    TELL = "tell"
    RELEASE = "release"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found. there: whether the market has the machine; unknown where it does not say.

    left: seconds until its guard ends it, by ttl or budget (`by`), less than nothing after. stopped: only its disk is
    paid. keeps: a stopped machine is what was asked for.
    """

    now: float
    there: Literal["there", "gone", "unknown"]
    left: float
    by: str
    stopped: bool = False
    keeps: bool = False


@dataclass(frozen=True, slots=True)
class Before:
    """What was done. saved, tried: when results were last fetched, and a release tried, in epoch seconds."""

    saved: float | None = None
    tried: float | None = None
    missed: int = 0
    """Looks in a row that found no machine."""


def deeds(look: Look, before: Before) -> tuple[Deed, ...]:
    """What to do now. A machine is gone when two looks in a row say so; nothing is concluded from no answer."""
    if look.there == "gone":
        return (Deed.GONE,) if before.missed >= 1 else ()
    over = look.left <= -LATE and not _kept(look) and (before.tried is None or look.now >= before.tried + AGAIN)
    found = [Deed.TELL] if look.there == "there" else []
    if not look.stopped and (over or before.saved is None or look.now >= before.saved + SAVE_EVERY):
        found.insert(0, Deed.SAVE)
    return (*found, Deed.RELEASE) if over else tuple(found)


def _kept(look: Look) -> bool:
    """It stands still as was wished, which a used-up budget does not allow."""
    return look.keeps and look.stopped and look.by != "budget"
