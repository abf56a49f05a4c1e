"""The guard on a rented machine as it is reached by SSH: what it holds to, and other terms for it."""

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Protocol

from swarmctl.core.leasing.guardfile import GuardFile, micros, read_guard_file
from swarmctl.core.leasing.limits import spent
from swarmctl.effects.clock import Clock
from swarmctl.effects.process import Completed
from swarmctl.errors import HostError

PROGRAM = "/usr/local/lib/swarmctl/guard"
FILE = "/etc/swarmctl/guard.json"
_SECONDS = 60.0


class Reached(Protocol):
    """The part of a `Line` that this needs."""

    def run(
        self, argv: list[str], *, stdin: bytes | None = None, seconds: float, root: bool = False, check: bool = False
    ) -> Completed:
        """Run a command there."""
        ...


@dataclass(frozen=True, slots=True)
class Watching:
    """What a guard says of itself. now, ends: epoch seconds on its clock. spent: millionths of a dollar until now.

    why: which limit ends it. armed: hash of the settings that it took up. ending: why its end has begun, "" if not.
    """

    now: int
    ends: int
    why: str
    spent: int
    armed: str
    ending: str


def terms_of(line: Reached) -> GuardFile | None:
    """What the guard there holds to; None where there is no guard. Raises HostError."""
    done = line.run(["sh", "-c", f"test -e {FILE} || exit 9; cat {FILE}"], seconds=_SECONDS, root=True)
    if done.code == 9:
        return None
    try:
        return read_guard_file(done.stdout)
    except ValueError as e:
        raise HostError(f"the guard's settings cannot be read: {e}", detail=done.stderr[-500:]) from None


def rearm(line: Reached, settings: GuardFile, clock: Clock) -> Watching:
    """Give the guard there these settings, and read back that it took them up.

    Raises HostError where it cannot be reached, or does not show that it has them: then it may have either.
    """
    argv = [PROGRAM, "arm", str(int(clock.now().timestamp())), "-"]
    done = line.run(argv, stdin=settings.text().encode(), seconds=_SECONDS, root=True)
    seen = watching(line)
    if seen.armed != settings.armed:
        raise HostError(
            "the guard on the machine did not take up its new settings",
            detail="\n".join([done.stderr.strip()[-500:], f"it holds to {seen.armed[:12]}, not {settings.armed[:12]}"]),
        )
    return seen


def watching(line: Reached) -> Watching:
    """What the guard there knows now. Raises HostError."""
    done = line.run([PROGRAM, "show"], seconds=_SECONDS, root=True, check=True)
    try:
        raw: dict[str, Any] = json.loads(done.stdout)
        now, ends, money = (int(raw[name]) for name in ("now", "ends", "spent"))
        return Watching(now, ends, str(raw["why"]), money, str(raw["armed"]), str(raw["ending"]))
    except (ValueError, KeyError, TypeError, OverflowError):
        raise HostError("the guard on the machine does not say what it knows", detail=done.stdout[:300]) from None


def carried_on(line: Reached, settings: GuardFile, now: int) -> GuardFile:
    """These settings, with what the guard there has counted as spent until now where it guards the same machine.

    now: epoch seconds. Where there is no guard, or it cannot be read, they are as they were given.
    """
    try:
        old = terms_of(line)
    except HostError:
        return settings
    if old is None or old.instance != settings.instance:
        return settings
    there, new = old.terms, settings.terms
    since, before = (there.since, there.spent) if there.price == new.price else (now, spent(there, now))
    return replace(settings, terms=replace(new, since=since, spent=before))


def renewed(old: GuardFile, now: int, deadline: int, budget: Decimal | None, hourly: Decimal | None) -> GuardFile:
    """The same guard with another end and budget ($ in all). hourly: $/h now, None to leave the price.

    What was spent at the old price stays spent.
    """
    terms, price = old.terms, old.terms.price if hourly is None else micros(hourly)
    if price != terms.price:
        old = replace(old, terms=replace(terms, spent=spent(terms, now), since=now, price=price))
    return old.later(deadline, budget)
