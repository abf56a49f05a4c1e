"""`offers`: what could be rented for a swarm now, by what it truly costs, and why the rest will not do."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal

from swarmctl.commands.forecast import asked
from swarmctl.core.fit import fit
from swarmctl.core.hardware.match import box, wanted
from swarmctl.core.hardware.profile import HardwareProfile
from swarmctl.core.leasing.limits import TTL
from swarmctl.core.leasing.query import Query
from swarmctl.core.leasing.ranking import Ranked, rank
from swarmctl.core.leasing.want import WHERE, Need, WantedCard
from swarmctl.core.listing import BadOffer
from swarmctl.core.price.money import physical
from swarmctl.effects import hardware
from swarmctl.effects.providers.here import lease_book, vast
from swarmctl.effects.providers.provider import Provider
from swarmctl.effects.specs import Opened
from swarmctl.effects.world import World
from swarmctl.errors import CapacityError, HostError

DISK = 40
"""GB to rent where no swarm says how much it needs."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the flags say. gpu: as `--gpu`. ttl: seconds. where: in the market's language, parsed."""

    gpu: str | None = None
    max_price: Decimal | None = None
    ttl: int = TTL
    regions: tuple[str, ...] = ()
    datacenter: bool = False
    vm: bool = True
    spot: bool = False
    unverified: bool = False
    where: Query = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Offers:
    """ranked: what will do. too_small: cards that the swarm does not fit on, and what is missing.

    refused: entries of the market that are no offers.
    """

    need: Need
    ranked: Ranked
    refused: tuple[BadOffer, ...] = ()
    too_small: tuple[tuple[str, str], ...] = ()


def offers(opened: Opened | None, terms: Terms, world: World, provider: Provider | None = None) -> Offers:
    """Search, check again, rank. Rents nothing, and needs no key.

    Where nothing will do, a second and wider search tells which condition took how many. Raises CapacityError where
    the swarm fits on none of the cards, SpecError for a card nobody has heard of, and ProviderError.
    """
    cards, too_small = cards_for(opened, terms.gpu)
    if not cards:
        lines = "\n".join(f"{name}: {why}" for name, why in too_small)
        raise CapacityError("the swarm fits on none of these cards", detail=lines, hint="swarmctl plan --compare")
    need = need_of(cards, terms)
    market = provider or vast(world.state, world.clock, anonymous=True)
    shunned: Mapping[str, str] = {}
    with suppress(HostError):
        shunned = lease_book(world.state, world.clock).shunned()
    found = market.offers(need)
    ranked = rank(need, found.offers, shunned)
    if not ranked.choices:
        wide = market.offers(need, broad=True)
        ranked = rank(need, wide.offers, shunned)
        ranked = _explained(ranked, wide.refused)
    return Offers(need, ranked, found.refused, too_small)


def _explained(ranked: Ranked, refused: Sequence[BadOffer]) -> Ranked:
    """The wider search's refusals, with what only the first one took: --where, and the market's own reading of it."""
    asked_too_much = sum(bad.why.startswith(WHERE) for bad in refused)
    lost = {**ranked.lost, WHERE: asked_too_much, "the market's own reading": len(ranked.choices)}
    kept = {name: count for name, count in lost.items() if count}
    return replace(ranked, choices=(), lost=kept, seen=ranked.seen + asked_too_much)


def need_of(cards: Sequence[WantedCard], terms: Terms) -> Need:
    """What the market is asked for."""
    return Need(
        cards=tuple(cards),
        hours=physical(terms.ttl / 3600),
        duration=terms.ttl,
        verified=not terms.unverified,
        vm=terms.vm,
        datacenter=terms.datacenter,
        regions=terms.regions,
        max_price=terms.max_price,
        spot=terms.spot,
        where=terms.where,
    )


def cards_for(opened: Opened | None, gpu: str | None) -> tuple[tuple[WantedCard, ...], tuple[tuple[str, str], ...]]:
    """The cards that carry the swarm, with its disk and files on each; and those that do not, with the reason.

    Without a swarm every card that `--gpu` means will do. Raises SpecError.
    """
    known = hardware.profiles()
    choice = wanted(known, gpu) if gpu else None
    profiles = choice.profiles if choice else tuple(known)
    count = max(1, choice.count) if choice else 1
    named = [profile for profile in profiles if profile.kind == "gpu" and profile.names.market]
    if opened is None:
        return tuple(_card(profile, count) for profile in named), ()
    need, good, bad = asked(opened), [], []
    for profile in named:
        found = fit(need, box(profile, count))
        if found.placement is None:
            bad.append((profile.name, found.why))
        else:
            card = _card(profile, count)
            good.append(replace(card, disk=found.disk, files=physical(round(found.files, 3)), ram=found.ram))
    return tuple(good), tuple(bad)


def _card(profile: HardwareProfile, count: int) -> WantedCard:
    return WantedCard(profile.names.market, profile.memory, count, DISK, profile=profile.name)
