"""What would be rented, why that, and what it may cost at most."""

from swarmctl.console import Console
from swarmctl.core.leasing.promise import Promise
from swarmctl.core.leasing.ranking import Choice, Ranked
from swarmctl.core.price.money import dollars


def show_renting(console: Console, choice: Choice, given: Promise, ranked: Ranked) -> None:
    """A few lines on stderr, before the yes."""
    o = choice.offer
    card = o.gpu if o.count == 1 else f"{o.count} × {o.gpu}"
    console.say(f"offer {o.id}: {card} with {o.vram / 1024:.0f} GB each, {o.location or 'somewhere'}")
    console.say(
        f"  {dollars(given.hourly)}/h, the cheapest in all of {len(ranked.choices)} that will do: {choice.reason}"
    )
    console.say(f"  {given.text()}")
    if choice.bid is not None:
        console.say("  whoever bids more takes it away, with what is on it and was not fetched")
    for note in given.notes:
        console.say(f"  {note}")
    console.say("  its owner can read prompts, code, weights and keys that are on it")
