"""Whose a machine is, and whether it may be ended: by its label alone, so that it is told without any file of ours."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from swarmctl.core.leasing.lease import Lease


class Whose(StrEnum):
    """What a machine is to us."""

    HELD = "held"
    ORPHAN = "orphan"
    EXPIRED = "expired"
    COLLEAGUE = "another swarmctl's"
    STRANGE = "not readable"
    FOREIGN = "not ours"


@dataclass(frozen=True, slots=True)
class Found:
    """One machine and what it is to us."""

    lease: Lease
    whose: Whose


@dataclass(frozen=True, slots=True)
class Me:
    """Who asks. owner: of this state folder, None where it has none. swarms: that are up here. now: epoch seconds."""

    owner: str | None
    swarms: Collection[str]
    now: float


def whose(lease: Lease, me: Me) -> Whose:
    """EXPIRED for anybody's whose time is over, ORPHAN for ours that no swarm here has."""
    label = lease.label
    if label is None:
        return Whose.STRANGE if lease.strange else Whose.FOREIGN
    if label.expired(me.now):
        return Whose.EXPIRED
    if label.owner != me.owner:
        return Whose.COLLEAGUE
    return Whose.HELD if label.swarm in me.swarms else Whose.ORPHAN


def sort(leases: Iterable[Lease], me: Me) -> tuple[Found, ...]:
    """Every machine that is called like ours, what needs an end first; those of others are left out."""
    found = [Found(lease, whose(lease, me)) for lease in leases]
    order = list(Whose)
    urgent = {Whose.EXPIRED: -2, Whose.ORPHAN: -1}
    kept = [one for one in found if one.whose is not Whose.FOREIGN]
    return tuple(sorted(kept, key=lambda one: (urgent.get(one.whose, order.index(one.whose)), one.lease.id)))


def to_reap(found: Iterable[Found], *, expired_only: bool = False, any_owner: bool = False) -> tuple[Found, ...]:
    """What `reap` ends: the expired of anybody, and our orphans. any_owner: a colleague's too, which needs a word.

    Machines that a swarm here has, and those whose label cannot be read, are never among them.
    """
    ending = {Whose.EXPIRED}
    if not expired_only:
        ending |= {Whose.ORPHAN} | ({Whose.COLLEAGUE} if any_owner else set())
    return tuple(one for one in found if one.whose in ending)


CLOCKS = 60.0
"""Seconds by which two clocks may differ and still agree."""


def doubtful(
    ending: Iterable[Found], me: Me, ahead: float | None, *, expired_only: bool = False, any_owner: bool = False
) -> tuple[Found, ...]:
    """Those of `to_reap` that would end by our clock alone: a clock that is ahead must not end anybody's work.

    ahead: seconds by which ours is ahead of the market's; None where that is not known, so that no time is over.
    """
    theirs = 0.0 if ahead is None else me.now - (ahead if abs(ahead) > CLOCKS else 0.0)
    kept = tuple(ending)
    again = sort((one.lease for one in kept), replace(me, now=theirs))
    sure = {one.lease.id for one in to_reap(again, expired_only=expired_only, any_owner=any_owner)}
    return tuple(one for one in kept if one.lease.id not in sure)
