"""Offers as people read them: the cheapest in all first, what its price is made of, and what took the others."""

from swarmctl.commands.offers import Offers
from swarmctl.console import Console
from swarmctl.core.leasing.ranking import Choice
from swarmctl.core.price.money import dollars

MOST = 15
"""Rows of the table; all of them are in --json."""

_HEAD = ("offer", "card", "$/h", "in all", "starts in", "host", "where")


def show_offers(console: Console, found: Offers) -> None:
    """The table and the reason of the first; where there is none, which condition took how many."""
    ranked = found.ranked
    if console.as_json:
        console.json(
            {
                "schema": "swarmctl/offers/v1",
                "hours": str(found.need.hours),
                "offers": [choice.as_json() for choice in ranked.choices],
                "seen": ranked.seen,
                "lost": dict(ranked.lost),
                "lost_by_it_alone": dict(ranked.alone),
                "refused_offers": [{"id": bad.id, "why": bad.why} for bad in found.refused],
                "too_small": [{"card": name, "why": why} for name, why in found.too_small],
            }
        )
        return
    if not ranked.choices:
        console.data("no offer will do")
        console.say(ranked.why() or "the market has no such card now")
        return
    console.data(console.table(_HEAD, [_cells(choice) for choice in ranked.choices[:MOST]]))
    if len(ranked.choices) > MOST:
        console.data(f"and {len(ranked.choices) - MOST:,} more (--json has all)")
    first = ranked.choices[0]
    console.say(f"{first.offer.id} for {found.need.hours:f} h: {first.reason}")
    for name, why in found.too_small:
        console.say(f"too small: {name}: {why}")


def _cells(choice: Choice) -> list[object]:
    o = choice.offer
    memory = f"{o.vram / 1024:.0f} GB"
    card = f"{o.gpu} {memory}" if o.count == 1 else f"{o.count} × {o.gpu} {memory}"
    host = "data centre" if o.datacenter else "private"
    return [
        o.id,
        card,
        dollars(choice.hourly),
        dollars(choice.total.dollars),
        f"{choice.total.waiting:.0f} min",
        f"{host}, {o.reliability:.1%}{', VM' if o.vm else ''}",
        o.location or "?",
    ]
