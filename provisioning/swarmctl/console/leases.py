"""Machines that are held, as people read them, and what to type about each."""

from collections.abc import Sequence

from swarmctl.commands.orphans import Holdings
from swarmctl.commands.release import Released
from swarmctl.console import Console
from swarmctl.core.leasing.ownership import Found, Whose
from swarmctl.core.price.money import dollars
from swarmctl.core.units import as_duration

_HEAD = ("machine", "what it is", "swarm", "state", "card", "$/h", "expires")


def show_orphans(console: Console, held: Holdings) -> None:
    """Every machine under our labels, those that bill for nobody first."""
    if console.as_json:
        console.json(
            {
                "schema": "swarmctl/orphans/v1",
                "machines": [{**one.lease.as_json(), "whose": one.whose.value} for one in held.found],
                "loose": [one.lease.id for one in held.loose],
                "dollars_per_hour": str(held.hourly),
            }
        )
        return
    if not held.found:
        console.data("none: the market lists no machine under a label of ours")
        return
    console.data(table(console, held.found, held.now))
    if held.loose:
        ids = ", ".join(one.lease.id for one in held.loose)
        console.say(f"bill for nobody: {ids}, {dollars(held.hourly)}/h; next: swarmctl reap")
    for one in held.of(Whose.STRANGE):
        console.say(f"{one.lease.id} is called {one.lease.called[:80]!r}, which is no label of ours: left alone")


def table(console: Console, found: Sequence[Found], now: float) -> str:
    """One line a machine. now: epoch seconds."""
    return console.table(_HEAD, [_cells(one, now) for one in found])


def _cells(one: Found, now: float) -> list[object]:
    lease, label = one.lease, one.lease.label
    price = lease.hourly.known
    left = 0.0 if label is None else label.expires - now
    when = "?" if label is None else f"in {as_duration(left)}" if left > 0 else f"{as_duration(-left)} ago"
    return [
        lease.id,
        one.whose.value,
        label.swarm if label else "?",
        lease.state.value,
        f"{max(1, lease.count)} × {lease.gpu or '?'}",
        "?" if price is None else dollars(price),
        when,
    ]


def show_released(console: Console, done: Released) -> None:
    """What is gone, and what was left alone."""
    if console.as_json:
        console.json(
            {
                "schema": "swarmctl/released/v1",
                "gone": [lease.id for lease in done.gone],
                "left": [{"id": lease.id, "why": why} for lease, why in done.left],
            }
        )
        return
    console.data("\n".join(f"{lease.id}  gone, and seen to be" for lease in done.gone) or "nothing to give back")
    for lease, why in done.left:
        console.say(f"{lease.id} was left alone: {why}")
