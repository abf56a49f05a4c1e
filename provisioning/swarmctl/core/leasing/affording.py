"""What an account must have before a machine is rented: an hour of it with its disk, and the way to that hour."""

from collections.abc import Sequence
from decimal import Decimal

from swarmctl.core.leasing.ranking import Choice
from swarmctl.core.price.money import dollars
from swarmctl.errors import CapacityError


def first_hour(choice: Choice) -> Decimal:
    """$ of one hour of work with its disk, of the minutes before it, and of the models' traffic."""
    return choice.hourly + choice.total.start + choice.total.traffic


def affordable(choices: Sequence[Choice], credit: Decimal | None) -> tuple[Choice, ...]:
    """The choices whose first hour the credit pays. credit: $, None where the market does not say: then all.

    Raises CapacityError where it pays none of them.
    """
    if credit is None or not choices:
        return tuple(choices)
    found = tuple(choice for choice in choices if first_hour(choice) <= credit)
    if found:
        return found
    least = min(choices, key=first_hour)
    needed, start = first_hour(least), least.total.start + least.total.traffic
    raise CapacityError(
        f"the account has {dollars(credit)}, and the first hour costs {dollars(needed)}",
        detail=f"offer {least.offer.id}: {dollars(least.hourly)}/h with {least.card.disk} GB of disk"
        + (f", and {dollars(start)} until it works" if start else ""),
        hint=f"add at least {dollars(needed - credit)} in the market's console (Billing)",
    )
