"""What is to be said of a rented machine that cannot be reached: why, what it costs, what lies there, what to type."""

from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.state import LeaseState
from swarmctl.core.price.money import dollars

_WHY = {
    LeaseState.STOPPED: "stands still",
    LeaseState.FROZEN: "is frozen",
    LeaseState.EXITED: "ended by itself",
    LeaseState.OUTBID: "was outbid: others pay more for its card now",
    LeaseState.FAILED: "cannot start",
    LeaseState.STOPPING: "is being stopped",
}
STILL = frozenset({LeaseState.STOPPED, LeaseState.FROZEN, LeaseState.EXITED, LeaseState.OUTBID, LeaseState.STOPPING})
"""States that somebody has to end: what lies on the machine's disk is kept, and its disk is paid."""
GONE = "what lay there and was not fetched is lost"


def standstill(machine: str, lease: Lease | None, swarm: str, now: float) -> str:
    """A sentence or two, as the market has the machine; lease: None where it says twice that there is none.

    now: epoch seconds.
    """
    if lease is None:
        return f"its market has no machine {machine} any more, and nothing of it bills; {GONE}; {_again(swarm)}"
    said = f" ({lease.said})" if lease.said else ""
    if lease.state in STILL:
        what = f"machine {machine} {_WHY[lease.state]}{said}; {_bill(lease)}, and what lies there is kept"
        return f"{what}; {_next(lease, swarm, now)}"
    if lease.state is LeaseState.FAILED:
        return f"machine {machine} {_WHY[lease.state]}{said}, and {_bill(lease)}; {_down(swarm)}"
    if lease.state.lost:
        heard = f"its market hears nothing of machine {machine} ({lease.state.value}){said}; it may come back with what"
        return f"{heard} lies there; {_down(swarm)}"
    if lease.state is LeaseState.RUNNING:
        rate = lease.hourly.known
        price = "" if rate is None else f", for {dollars(rate)}/h"
        return (
            f"by its market machine {machine} runs{price}: only the way there is broken, and its guard there goes on "
            f"counting; `swarmctl up` tries the way again, `swarmctl down --swarm {swarm}` ends the bill"
        )
    return f"machine {machine} is {lease.state.value}{said}: look again in a minute"


def over(lease: Lease, now: float) -> bool:
    """Its time is over, so that its guard would end it as soon as it ran."""
    return lease.label is not None and lease.label.expired(now)


def _bill(lease: Lease) -> str:
    """What is paid; of one that was not stopped by its market it is not said that its card is free of charge."""
    disk, rate = lease.hourly.storage, lease.hourly.known
    if lease.state.computes:
        return "it may be paid as if it ran" + ("" if rate is None else f", {dollars(rate)}/h")
    return "its disk is paid" if disk is None else f"its disk is paid, {dollars(disk)}/h"


def _next(lease: Lease, swarm: str, now: float) -> str:
    if over(lease, now):
        return f"its time is over; {_down(swarm)}"
    return f"`swarmctl up` starts it again, {_down(swarm)}"


def _down(swarm: str) -> str:
    return f"`swarmctl down --swarm {swarm}` gives it up, with what was not fetched"


def _again(swarm: str) -> str:
    return f"`swarmctl up` rents another one, `swarmctl down --swarm {swarm}` clears what is left here"
