"""Offers by what they truly cost for the planned time, and by which filter the others were lost."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from swarmctl.core.leasing.want import Need, WantedCard, objections
from swarmctl.core.offer import Offer
from swarmctl.core.price.arrival import Assumptions
from swarmctl.core.price.money import dollars, micro, physical
from swarmctl.core.price.rate import Rate
from swarmctl.core.units import as_duration

BID = Decimal("1.15")
"""What is offered for a machine that can be taken away, as a multiple of the least that the market takes.

Exactly the least was reported as stale, too low and soon outbid.
"""


@dataclass(frozen=True, slots=True)
class Total:
    """$ for the planned time. machine, disk: of the planned hours. traffic: of the models. start: of the minutes
    before any work, `waiting` of them: booting and fetching the models.
    """

    machine: Decimal
    disk: Decimal
    traffic: Decimal
    start: Decimal
    waiting: float

    @property
    def dollars(self) -> Decimal:
        """All of it."""
        return self.machine + self.disk + self.traffic + self.start


@dataclass(frozen=True, slots=True)
class Choice:
    """An offer that will do. hourly: $/h with its disk. bid: $/h that is offered for it, None where it stays ours."""

    offer: Offer
    card: WantedCard
    hourly: Decimal
    total: Total
    bid: Decimal | None = None

    @property
    def reason(self) -> str:
        """What its price is made of, in one line."""
        t = self.total
        parts = [f"machine {dollars(t.machine)}", f"{self.card.disk} GB of disk {dollars(t.disk)}"]
        if t.traffic:
            parts.append(f"{self.card.files:.1f} GB of models {dollars(t.traffic)}")
        parts.append(f"{as_duration(t.waiting * 60)} until it works {dollars(t.start)}")
        return ", ".join(parts)

    def as_json(self) -> dict[str, Any]:
        """Money as text, since binary fractions cannot hold it."""
        o, t = self.offer, self.total
        return {
            "id": o.id,
            "gpu": o.gpu,
            "count": o.count,
            "vram": o.vram,
            "profile": self.card.profile,
            "machine": o.machine,
            "location": o.location,
            "vm": o.vm,
            "datacenter": o.datacenter,
            "reliability": o.reliability,
            "cuda": o.cuda,
            "downlink": o.downlink,
            "dollars_per_hour": str(micro(self.hourly)),
            "bid": None if self.bid is None else str(self.bid),
            "dollars_in_all": str(micro(t.dollars)),
            "of_which": {
                "machine": str(micro(t.machine)),
                "disk": str(micro(t.disk)),
                "traffic": str(micro(t.traffic)),
                "start": str(micro(t.start)),
            },
            "minutes_until_it_works": round(t.waiting, 1),
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Ranked:
    """choices: the cheapest in all first. seen: offers looked at. lost: reason → offers that it is true of.

    alone: reason → offers that it alone takes away.
    """

    choices: tuple[Choice, ...]
    seen: int
    lost: Mapping[str, int]
    alone: Mapping[str, int]

    def why(self) -> str:
        """Which filter took how many, the greediest first; one line each."""
        lines = []
        for name, count in sorted(self.lost.items(), key=lambda item: (-item[1], item[0])):
            alone = f", {self.alone[name]} of them by it alone" if self.alone.get(name) else ""
            lines.append(f"{name}: {count:,} of {self.seen:,} offers{alone}")
        return "\n".join(lines)


def rank(
    need: Need, offers: Iterable[Offer], shunned: Collection[str] = (), given: Assumptions | None = None
) -> Ranked:
    """The offers that will do, in the order in which they should be tried.

    shunned: machines that failed before. An offer without a machine's id is never held to be one of them.
    """
    choices, seen = [], 0
    lost: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    for offer in offers:
        seen += 1
        against = list(objections(need, offer))
        if offer.machine and offer.machine in shunned:
            against.append("failed before")
        lost.update(against)
        if len(against) == 1:
            alone.update(against)
        if not against and (card := need.card(offer)) is not None:
            choices.append(_choice(need, offer, card, given or Assumptions()))
    choices.sort(key=lambda c: (c.total.dollars, -c.offer.reliability, len(c.offer.id), c.offer.id))
    return Ranked(tuple(choices), seen, dict(lost), dict(alone))


def _choice(need: Need, offer: Offer, card: WantedCard, given: Assumptions) -> Choice:
    bid = micro((offer.least_bid or offer.base) * BID) if need.spot else None
    rate = Rate(bid if bid is not None else offer.base, offer.storage, card.disk, offer.down, offer.up)
    return Choice(offer, card, rate.hourly, total(rate, need.hours, card.files, offer.downlink, given), bid)


def total(rate: Rate, hours: Decimal, files: Decimal, downlink: float, given: Assumptions) -> Total:
    """$ of a machine for `hours` of work after `files` GB were fetched over a line of `downlink` Mbit/s."""
    speed = max(min(downlink * given.share, given.hub), 0.001)
    waiting = given.boot + given.engine + float(files) * 8000 / speed / 60
    start = rate.hourly * physical(round(waiting, 3)) / 60
    return Total(rate.base * hours, rate.standing * hours, rate.down * files, start, waiting)
