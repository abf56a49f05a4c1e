"""Renting as a story of states: what to do next with one attempt, given all that is known of it.

An attempt is written down before its call, under a label that no other attempt has. Whatever breaks, the label
tells whether a machine was made, and an answer that nobody got is never asked for twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from swarmctl.core.leasing.answers import Said, Trouble


class Stage(StrEnum):
    """How far an attempt is."""

    INTENDED = "intended"
    UNCLEAR = "unclear"
    HELD = "held"
    LEAKED = "leaked"
    REFUSED = "refused"
    ABSENT = "absent"
    RELEASED = "released"


class Move(StrEnum):
    """What to do next with an attempt."""

    CALL = "call"
    LOOK = "look"
    WAIT = "wait"
    KEEP = "keep"
    RELEASE = "release"
    NEXT = "next"
    AGAIN = "again"
    STOP = "stop"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Look:
    """One listing by label. at: seconds after the call ended. found: ids under the label, None where it failed."""

    at: float
    found: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt. nonce: of its label. contracts: machines that it made. looks: listings since, oldest first.

    here: its call is made, or was made, by who asks; false after a crash, when nobody knows how far it came.
    """

    nonce: str
    offer: str
    machine: str = ""
    stage: Stage = Stage.INTENDED
    contracts: tuple[str, ...] = ()
    trouble: Trouble | None = None
    said: str = ""
    looks: tuple[Look, ...] = ()
    here: bool = True

    @property
    def settled(self) -> bool:
        """It is known what came of it, and nothing of it is left to be done."""
        return self.stage in {Stage.HELD, Stage.REFUSED, Stage.ABSENT, Stage.RELEASED}


SETTLE = (0.0, 15.0, 45.0, 90.0)
"""Seconds after an unclear call at which the label is looked for; only when all of these find nothing is it nothing.

A machine may be listed a minute after it was rented.
"""

WAIT_FOR_LISTING = 600.0
"""Seconds after which a listing that keeps failing is left to `reap`."""

_NEXT = {Trouble.OFFER_GONE, Trouble.PRICE}
_AGAIN = {Trouble.BUSY}


def answered(attempt: Attempt, said: Said) -> Attempt:
    """The attempt after its call was answered."""
    if said.contract and said.trouble is None:
        return replace(attempt, stage=Stage.HELD, contracts=(said.contract,))
    if said.contract:
        return replace(attempt, stage=Stage.LEAKED, contracts=(said.contract,), trouble=said.trouble, said=said.said)
    if said.trouble in {None, Trouble.BROKEN, Trouble.ODD}:
        return replace(attempt, stage=Stage.UNCLEAR, trouble=said.trouble or Trouble.ODD, said=said.said)
    return replace(attempt, stage=Stage.REFUSED, trouble=said.trouble, said=said.said)


def unsent(attempt: Attempt, why: str) -> Attempt:
    """The attempt after a call that surely never left this machine."""
    return replace(attempt, stage=Stage.REFUSED, trouble=Trouble.BROKEN, said=why)


def lost(attempt: Attempt, why: str) -> Attempt:
    """The attempt after a call whose answer never came."""
    return replace(attempt, stage=Stage.UNCLEAR, trouble=Trouble.BROKEN, said=why)


def looked(attempt: Attempt, look: Look) -> Attempt:
    """The attempt after one more listing: a machine under its label is a machine that we hold."""
    seen = replace(attempt, looks=(*attempt.looks, look))
    if look.found:
        return replace(seen, stage=Stage.HELD, contracts=tuple(sorted(look.found, key=lambda i: (len(i), i))))
    if _empty(seen.looks):
        return replace(seen, stage=Stage.ABSENT)
    return seen


def _empty(looks: Sequence[Look]) -> bool:
    """Enough listings that worked, far enough apart, found nothing."""
    worked = [look.at for look in looks if look.found is not None]
    return len(worked) >= len(SETTLE) and worked[-1] >= SETTLE[-1]


def next_move(attempt: Attempt, since: float) -> tuple[Move, float]:
    """What to do next, and after how many seconds. since: seconds since its call ended."""
    if attempt.stage is Stage.INTENDED and attempt.here:
        return Move.CALL, 0.0
    if attempt.stage in {Stage.INTENDED, Stage.UNCLEAR}:
        return _search(attempt, since)
    if attempt.stage is Stage.LEAKED:
        return Move.RELEASE, 0.0
    if attempt.stage is Stage.HELD:
        return (Move.KEEP, 0.0) if len(attempt.contracts) == 1 else (Move.RELEASE, 0.0)
    if attempt.stage is Stage.REFUSED:
        return _after_refusal(attempt.trouble), 0.0
    return Move.NEXT, 0.0


def _search(attempt: Attempt, since: float) -> tuple[Move, float]:
    worked = sum(look.found is not None for look in attempt.looks)
    if since >= WAIT_FOR_LISTING:
        return Move.LEAVE, 0.0
    due = SETTLE[min(worked, len(SETTLE) - 1)]
    if attempt.looks and attempt.looks[-1].found is None:
        due = max(due, attempt.looks[-1].at + 10.0)
    return (Move.LOOK, 0.0) if since >= due else (Move.WAIT, due - since)


def _after_refusal(trouble: Trouble | None) -> Move:
    if trouble in _NEXT:
        return Move.NEXT
    return Move.AGAIN if trouble in {*_AGAIN, Trouble.BROKEN} else Move.STOP
