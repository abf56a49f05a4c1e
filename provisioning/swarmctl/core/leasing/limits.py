"""When a rented machine has to go, and what its guard does about it; the guard on a host carries this word for word.

So it needs Python 3.10 and its standard library alone.
"""

from dataclasses import dataclass

MARGIN = 45
"""Seconds before a limit at which the end begins: a round of the guard's timer, and two calls."""
PARTING = 120
"""Seconds more before the end of a budget: four tries at a market that refuses, all of them paid for."""
WARNINGS = (900, 300)
"""Seconds before the end at which people are told."""
TTL, IDLE, GRACE, RESERVE = 8 * 3600, 30 * 60, 15 * 60, 60
"""Seconds that a machine is held, may be idle, waits for results, and keeps for saving; if nobody says otherwise."""
AT_END = ("save-then-destroy", "destroy", "stop")


@dataclass(frozen=True)
class Terms:
    """What was agreed. Times in seconds, since and deadline from 1970 on; money in millionths of a dollar.

    price: an hour, in all. budget: less than nothing for none. spent: before `since`. idle: 0 for never.
    grace: for which results that nobody fetched hold an idle machine. reserve: at the end, for saving them.
    """

    deadline: int
    since: int = 0
    price: int = 0
    budget: int = -1
    spent: int = 0
    idle: int = IDLE
    grace: int = GRACE
    reserve: int = RESERVE
    at_end: str = AT_END[0]

    @property
    def saves(self) -> bool:
        """Results are waited for before it goes."""
        return self.at_end == AT_END[0]


@dataclass(frozen=True)
class Facts:
    """What is known. spent: millionths of a dollar until now. used: when something was last seen at work.

    unfetched: there are results that are nowhere else. ending: why its end has begun before, which is not taken back.
    """

    now: int
    spent: int
    used: int
    unfetched: bool = False
    ending: str = ""


@dataclass(frozen=True)
class Decision:
    """act: watch, warn, save (nothing new may begin, results are waited for), stop or destroy.

    why: ttl, budget or idle. left: seconds until that ends it.
    """

    act: str
    why: str
    left: int

    @property
    def final(self) -> bool:
        """The machine goes."""
        return self.act in {"stop", "destroy"}


def spent(terms: Terms, now: int) -> int:
    """Millionths of a dollar until now by time alone, rounded up."""
    return terms.spent - (-terms.price * max(0, now - terms.since) // 3600)


def ends(terms: Terms, now: int, paid: int) -> tuple[int, str]:
    """When its end begins, or should have begun, and by which limit. paid: millionths of a dollar until now."""
    limits = [(terms.deadline - MARGIN, "ttl")]
    left = terms.budget - paid
    if terms.budget >= 0 and (terms.price or left <= 0):
        lasts = left * 3600 // terms.price if terms.price else 0
        limits.append((now + lasts - MARGIN - PARTING, "budget"))
    return min(limits)


def decide(terms: Terms, facts: Facts) -> Decision:
    """What the guard does now; it is asked again and again, and nothing here waits."""
    hard, why = ends(terms, facts.now, facts.spent)
    left = hard - facts.now
    if facts.ending:
        return _over(terms, why if left <= 0 and why == "budget" else facts.ending, left)
    if left <= 0:
        return _over(terms, why, left)
    if terms.saves and left <= terms.reserve:
        return Decision("save", why, left) if facts.unfetched else _over(terms, why, left)
    quiet = facts.now - facts.used
    if terms.idle and quiet >= terms.idle:
        held = terms.saves and facts.unfetched and quiet < terms.idle + terms.grace
        return Decision("save", "idle", left) if held else _over(terms, "idle", left)
    return Decision("warn" if left <= WARNINGS[0] else "watch", why, left)


def _over(terms: Terms, why: str, left: int) -> Decision:
    """Stopping leaves the disk to be paid, which a used-up budget does not allow."""
    return Decision("stop" if terms.at_end == "stop" and why != "budget" else "destroy", why, left)
