"""What a rental must have: the filters that are sent to the market, and the same ones for its answer."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from swarmctl.core.hardware.match import plain
from swarmctl.core.leasing.query import Query
from swarmctl.core.offer import Offer

TOLERANCE = (Decimal("0.93"), Decimal("1.07"))
"""What a card may report of its memory, as a share of what its kind has: 24 GB are 24564 MB."""

WHERE = "--where"
"""What further conditions are called in refusals."""

LIMIT = 500
"""Offers asked for at once."""


@dataclass(frozen=True, slots=True)
class WantedCard:
    """A card that would do. names: as markets write them. memory: MiB. count: cards of one machine.

    disk: GB to rent for the swarm on it. files: GB of models to fetch. ram: MiB of host memory.
    """

    names: tuple[str, ...]
    memory: int
    count: int = 1
    disk: int = 32
    files: Decimal = Decimal(0)
    ram: int = 0
    profile: str = ""

    def fits(self, offer: Offer) -> bool:
        """The offer has this card, by name and by memory: 40 and 80 GB share a name."""
        return (
            plain(offer.gpu) in _plainly(self.names)
            and TOLERANCE[0] * self.memory <= offer.vram <= TOLERANCE[1] * self.memory
            and offer.count == self.count
        )


@lru_cache(256)
def _plainly(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(plain, names))


@dataclass(frozen=True, slots=True)
class Need:
    """What must be had. hours: planned. duration: seconds that the machine must stay. cuda: the least, e.g. "12.8".

    downlink: Mbit/s. reliability: 0 to 1. max_price: $/h with disk. regions: words of which one must be in the
    place's name, e.g. "SE", "Sweden". spot: cheaper machines that a higher bid takes away. where: further conditions
    in the market's own terms.
    """

    cards: tuple[WantedCard, ...]
    hours: Decimal = Decimal(8)
    duration: int = 0
    cuda: str = ""
    downlink: float = 100
    reliability: float = 0.95
    verified: bool = True
    ports: int = 1
    vm: bool = False
    datacenter: bool = False
    regions: tuple[str, ...] = ()
    max_price: Decimal | None = None
    spot: bool = False
    where: Query = field(default_factory=dict)

    def card(self, offer: Offer) -> WantedCard | None:
        """The card that an offer would be taken for; None where it has none that would do."""
        return next((card for card in self.cards if card.fits(offer)), None)


def search(need: Need, *, broad: bool = False) -> dict[str, Any]:
    """The body of a search. broad: by card alone, to learn what takes the others away.

    CUDA is left to us: the market was seen to drop 13.0 for `>= 12.1`. Conditions of `where` stand above ours.
    """
    names = sorted({name for card in need.cards for name in card.names})
    body: dict[str, Any] = {"rentable": {"eq": True}, "rented": {"eq": False}, "external": {"eq": False}}
    if names:
        body["gpu_name"] = {"in": names}
        body["num_gpus"] = {"in": sorted({card.count for card in need.cards})}
        body["gpu_ram"] = {"gte": int(TOLERANCE[0] * min(card.memory for card in need.cards))}
    if not broad:
        body |= _narrow(need)
        for name, conditions in need.where.items():
            body[name] = dict(conditions)
    disk = max((card.disk for card in need.cards), default=8)
    body |= {"order": [["dph_total", "asc"]], "type": "bid" if need.spot else "on-demand", "limit": LIMIT}
    return {**body, "allocated_storage": float(disk)}


def _narrow(need: Need) -> dict[str, Any]:
    body: dict[str, Any] = {
        "reliability": {"gte": need.reliability},
        "inet_down": {"gte": need.downlink},
        "direct_port_count": {"gte": need.ports},
        "duration": {"gte": float(need.duration)},
        "disk_space": {"gte": float(min((card.disk for card in need.cards), default=8))},
    }
    wishes = {"verified": need.verified, "vms_enabled": need.vm, "datacenter": need.datacenter}
    body |= {name: {"eq": True} for name, wish in wishes.items() if wish}
    return body | ({"dph_total": {"lte": float(need.max_price)}} if need.max_price is not None else {})


def objections(need: Need, offer: Offer) -> Iterator[str]:
    """Every reason against an offer, by the name of the filter; none where it will do."""
    card = need.card(offer)
    if card is None:
        yield "card"
        return
    yield from (name for name, bad in _TESTS.items() if bad(need, offer, card))


def _cuda(text: str) -> tuple[int, ...]:
    parts = text.split(".")
    return tuple(int(part) if part.isdigit() else 0 for part in parts[:2])


def _elsewhere(need: Need, offer: Offer) -> bool:
    place = offer.location.lower()
    words = [word.strip() for word in place.split(",")]
    return bool(need.regions) and not any(
        region.lower() in words or (len(region) > 2 and region.lower() in place) for region in need.regions
    )


_Test = Callable[[Need, Offer, WantedCard], bool]
_TESTS: Mapping[str, _Test] = {
    "disk": lambda _, o, card: o.disk < card.disk,
    "memory of the host": lambda _, o, card: o.ram < card.ram,
    "time until it is taken away": lambda n, o, _: o.duration is not None and o.duration < n.duration,
    "reliability": lambda n, o, _: o.reliability < n.reliability,
    "verified": lambda n, o, _: n.verified and not o.verified,
    "virtual machines": lambda n, o, _: n.vm and not o.vm,
    "direct ports": lambda n, o, _: o.ports < n.ports,
    "speed of its line": lambda n, o, _: o.downlink < n.downlink,
    "CUDA": lambda n, o, _: bool(n.cuda) and _cuda(o.cuda) < _cuda(n.cuda),
    "data centre": lambda n, o, _: n.datacenter and not o.datacenter,
    "region": lambda n, o, _: _elsewhere(n, o),
    "can be taken away": lambda n, o, _: o.interruptible and not n.spot,
    "price": lambda n, o, card: n.max_price is not None and o.rate(card.disk).hourly > n.max_price,
}
