"""What a rented machine costs, as people read it: its new end, what is burned, and how a bill comes to its sum."""

from datetime import UTC, datetime
from decimal import Decimal

from swarmctl.commands.cost import Cost
from swarmctl.commands.leasecost import Machine
from swarmctl.console import Console
from swarmctl.core.leasing.extending import Extension
from swarmctl.core.price.money import ZERO, dollars
from swarmctl.core.units import as_duration


def when(at: float, now: float) -> str:
    """`14:05 (in 3h)`, in this computer's time zone. at, now: epoch seconds."""
    moment = datetime.fromtimestamp(at, UTC).astimezone()
    return f"{moment:%Y-%m-%d %H:%M} ({f'in {as_duration(at - now)}' if at > now else 'now'})"


def show_extension(console: Console, plan: Extension, now: float) -> None:
    """What would hold, before the yes. now: epoch seconds."""
    rate = plan.lease.hourly.known
    console.say(
        f"machine {plan.lease.id} of swarm '{plan.label.swarm}', {dollars(rate) if rate else '?'}/h with its disk"
    )
    was = "" if plan.label.expires == plan.before else f"; until now {when(plan.before, now)}"
    console.say(f"ends {when(plan.label.expires, now)} at the latest{was}")
    if plan.budget is not None:
        console.say(f"may cost {dollars(plan.budget)} in all, traffic not counted")
    console.say(f"costs {dollars(plan.ahead)} from now on at most, {dollars(plan.more)} more than promised before")


def show_extended(console: Console, done: Extension, now: float) -> None:
    """What holds now, and when people will be warned. now: epoch seconds."""
    if console.as_json:
        console.json(
            {
                "schema": "swarmctl/extended/v1",
                "id": done.lease.id,
                "label": str(done.label),
                "expires": done.label.expires,
                "expired_before": done.before,
                "budget": None if done.budget is None else str(done.budget),
                "dollars_ahead": str(done.ahead),
                "dollars_more": str(done.more),
                "ends": done.end,
                "by": done.cause,
                "warnings": list(done.warnings),
            }
        )
        return
    console.data(f"machine {done.lease.id} ends {when(done.end, now)} by its {done.cause}, as its label says")
    told = ", ".join(when(at, now) for at in done.warnings if at > now)
    console.data(f"warnings: {told}" if told else "warnings: due now")


def show_machines(console: Console, cost: Cost) -> None:
    """Rented machines: burned, rate and what is left; of those that are gone, the bill."""
    rows = [_row(one) for one in cost.machines]
    console.data(console.table(["machine", "state", "held", "$/h", "burned", "left"], rows))
    for one in cost.machines:
        _bill(console, one)
    console.data(f"burned {_cents(cost.burned)} at {dollars(cost.rate)}/h")


def _row(one: Machine) -> list[object]:
    burned = "?" if one.burned is None else _cents(one.burned)
    state = f"{one.state}, stands still" if one.still else one.state
    return [one.id, state, as_duration(one.until - one.began), dollars(one.rate), burned, _left(one)]


def _left(one: Machine) -> str:
    """What ends it next, and what it may still cost."""
    if one.ends is None:
        return "-"
    told = f"{as_duration(max(0.0, one.ends - one.until))} by its {one.by}"
    if one.budget is None:
        return told
    return f"{told}, {_cents(max(ZERO, one.budget - (one.burned or ZERO)))} of {dollars(one.budget)}"


def _bill(console: Console, one: Machine) -> None:
    if one.why:
        console.data(f"{one.id}: {one.why}")
    if one.bill is None:
        return
    rows = [
        [
            part.name,
            "-" if part.ours is None else _cents(part.ours, 4),
            "-" if part.theirs is None else _cents(part.theirs, 4),
            _cents(part.difference, 4),
            part.reason,
        ]
        for part in one.bill.parts
    ]
    console.data(console.table([f"bill of {one.id}", "counted", "charged", "difference", "why"], rows))
    told = "explained to the cent" if one.bill.to_the_cent else f"{_cents(one.bill.unexplained)} without a reason"
    console.data(f"{one.id}: counted {_cents(one.bill.ours)}, charged {_cents(one.bill.theirs)}, {told}")


def _cents(amount: Decimal, digits: int = 2) -> str:
    """`$12.34`: with its cents, however large."""
    return f"{'-' if amount < 0 else ''}${abs(amount):,.{digits}f}"
