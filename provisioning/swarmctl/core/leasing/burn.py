"""What a rented machine has cost until now: per second, its disk in every state, its traffic by the byte."""

from decimal import Decimal

from swarmctl.core.leasing.lease import Hourly, Lease
from swarmctl.core.price.money import ZERO, physical

HOUR = Decimal(3600)


def burned(
    hourly: Hourly, held: float, computed: float | None = None, down: float = 0.0, up: float = 0.0
) -> Decimal | None:
    """$ of a machine held for so many seconds, of which it computed some (None: all). down, up: GB of traffic.

    None where its price is not known. Time that runs backwards costs nothing.
    """
    whole = hourly.known
    if whole is None:
        return None
    disk = hourly.storage or ZERO
    whole_time = max(0.0, held)
    running = whole_time if computed is None else min(max(0.0, computed), whole_time)
    machine = (whole - disk) * physical(running) / HOUR
    return machine + disk * physical(whole_time) / HOUR + hourly.down * physical(down) + hourly.up * physical(up)


def since(lease: Lease, now: float, intended: float | None = None) -> float | None:
    """When a machine began to cost, in epoch seconds: by what we wrote down, by its label, or else by the market.

    None where all of these are in the future: a clock is wrong, and nothing can be said.
    """
    born = lease.label.born(now) if lease.label else None
    known = [time for time in (intended, born, lease.since) if time is not None and time <= now]
    return known[0] if known else None


def dearer(hourly: Hourly, agreed: Decimal, slack: Decimal = Decimal("0.02")) -> bool:
    """The machine costs more than was agreed to, by more than a rounding: 2 % of it."""
    return hourly.known is not None and hourly.known > agreed * (1 + slack)
