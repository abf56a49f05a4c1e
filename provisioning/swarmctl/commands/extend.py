"""`extend`: hold a rented machine for longer, or let it cost more; true only once its guard and the market say so."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from swarmctl.commands.release import locked
from swarmctl.core.leasing.burn import burned, since
from swarmctl.core.leasing.extending import Extension, Longer, Standing, extended
from swarmctl.core.leasing.label import PREFIX, Label
from swarmctl.core.leasing.lease import Lease
from swarmctl.core.parts.names import whole
from swarmctl.core.price.money import ZERO
from swarmctl.effects.hosts.guarding import Reached, rearm, renewed, terms_of
from swarmctl.effects.hosts.ssh import Line
from swarmctl.effects.paths import private
from swarmctl.effects.providers.here import lease_book, vast
from swarmctl.effects.providers.leasebook import LeaseBook, Written
from swarmctl.effects.providers.owner import known_owner
from swarmctl.effects.providers.problems import UnknownError
from swarmctl.effects.providers.provider import Provider
from swarmctl.effects.world import World
from swarmctl.errors import HostError, ProviderError, SpecError, SwarmctlError

Approve = Callable[[Extension], bool]
Open = Callable[[Lease, World], contextlib.AbstractContextManager[Reached | None]]
"""The way to a machine; None where there is no guard on it: nothing was ever put there from here."""


@dataclass(frozen=True, slots=True)
class Ways:
    """To the market and to the machine; None for the usual one."""

    market: Provider | None = None
    reach: Open | None = None


_LOOKS = (0.0, 3.0, 10.0)
"""Seconds after labelling at which the label is read back."""


def extend(
    world: World,
    wish: Longer,
    *,
    approve: Approve,
    swarm: str | None = None,
    lease: str | None = None,
    any_owner: bool = False,
    ways: Ways | None = None,
) -> Extension | None:
    """Give a machine a later end or a larger budget; None without a yes.

    Raises SpecError and CapacityError for what cannot be had, LockedError while another command works on the swarm,
    UnknownError where the market does not say what is held, HostError where the guard on the machine cannot be given
    the new end, and ProviderError where its label does not show it: then the old one holds.
    """
    market = (ways and ways.market) or vast(world.state, world.clock)
    found = _the_one(market, swarm, lease)
    _owned(found, world, any_owner=any_owner)
    with locked(found, world, f"extend --lease {found.id}"):
        book = lease_book(world.state, world.clock)
        plan = extended(found, wish, _standing(found, world, market, book))
        if not approve(plan):
            return None
        with ((ways and ways.reach) or _reached)(found, world) as line, _guarded(line, plan, world):
            if plan.label.expires != plan.before:
                _relabel(market, world, plan)
        _write(book, plan)
    return plan


@contextlib.contextmanager
def _reached(lease: Lease, world: World) -> Iterator[Line | None]:
    """Raises HostError where the machine was made ready from elsewhere: its guard would go on to end it before."""
    swarm = lease.label.swarm if lease.label else ""
    placed = world.placed(swarm)
    if placed is None or placed.lease != lease.id:
        if lease.label is not None and lease.label.owner == known_owner(world.state):
            yield None
            return
        raise HostError(
            f"the guard on machine {lease.id} cannot be reached from here, and would end it as promised before",
            hint="the same command where the swarm was brought up; from here: swarmctl up --adopt, then again",
        )
    with Line(placed.reached, private(world.places(swarm).root / "extend")) as line:
        yield line


@contextlib.contextmanager
def _guarded(line: Reached | None, plan: Extension, world: World) -> Iterator[None]:
    """The guard has the new end first, and the old one again where the market does not take it."""
    before = terms_of(line) if line is not None else None
    if line is None or before is None:
        yield
        return
    now = int(world.clock.now().timestamp())
    try:
        rearm(line, renewed(before, now, plan.label.expires, plan.budget, plan.lease.hourly.known), world.clock)
        yield
    except BaseException as e:
        try:
            rearm(line, before, world.clock)
        except HostError as left:
            if isinstance(e, SwarmctlError):
                e.detail = f"{e.detail}\nthe guard on the machine may hold the new end: {left.message}".strip()
        raise


def _the_one(market: Provider, swarm: str | None, id_: str | None) -> Lease:
    """The machine that is meant. Raises SpecError where it is none, or one of several."""
    if id_ is not None:
        if not id_.isascii() or not id_.isdigit() or len(id_) > 18:
            raise SpecError(f"{id_[:40]!r} is no machine's number", hint="swarmctl orphans   (lists them)")
        found = market.lease(id_)
        if found is None:
            raise SpecError(f"the market has no machine {id_}", hint="swarmctl orphans   (lists them)")
        return found
    held = [one for one in market.leases(PREFIX) if one.label is not None and swarm in _names(one.label)]
    if len(held) == 1:
        return held[0]
    whose = f"swarm '{swarm}'" if swarm else "swarmctl"
    ids = ", ".join(one.id for one in held)
    said = f"{whose} holds several machines: {ids}" if held else f"{whose} holds no rented machine"
    raise SpecError(said, hint="swarmctl extend --lease ID" if held else "swarmctl orphans   (lists what is held)")


def _names(label: Label) -> tuple[str | None, ...]:
    """What a machine goes by: nothing, its swarm, and where that is one of several hosts, the whole swarm."""
    part = whole(label.swarm)
    return (None, label.swarm, *(part[:1] if part else ()))


def _owned(lease: Lease, world: World, *, any_owner: bool) -> None:
    """Raises SpecError for a machine that others pay attention to."""
    if lease.label is None:
        raise SpecError(
            f"machine {lease.id} is not ours: its label is {lease.called[:80]!r}",
            hint="swarmctl extends only machines under its own labels",
        )
    if not any_owner and lease.label.owner != known_owner(world.state):
        raise SpecError(
            f"machine {lease.id} was rented from another computer or folder ({lease.label.owner})",
            hint=f"swarmctl extend --lease {lease.id} --any-owner   (with the same flags)",
        )


def _standing(lease: Lease, world: World, market: Provider, book: LeaseBook) -> Standing:
    """What is known of its money. Raises HostError where the clock cannot be right."""
    now = world.clock.now().timestamp()
    written = _written(book, lease)
    began = since(lease, now, written.intended if written else None)
    spent = None if began is None else burned(lease.hourly, now - began)
    if spent is None and lease.hourly.known is not None:
        raise HostError(
            f"what machine {lease.id} has cost cannot be told: all that is known of it lies in the future",
            hint="is this computer's clock right? date -u",
        )
    credit = None
    with contextlib.suppress(ProviderError):
        credit = market.account().credit
    budget = None
    with contextlib.suppress(HostError):
        budget = book.meter.budget(lease.label.nonce) if lease.label else None
    return Standing(now, spent or ZERO, budget, credit)


def _written(book: LeaseBook, lease: Lease) -> Written | None:
    with contextlib.suppress(HostError):
        return next((one for one in book.attempts() if lease.id in one.attempt.contracts), None)
    return None


def _relabel(market: Provider, world: World, plan: Extension) -> None:
    """Write the new end, and read it back. Raises ProviderError."""
    said = ""
    try:
        market.relabel(plan.lease.id, plan.label)
    except ProviderError as e:
        said = f"{e.message}: {e.detail}"
    seen: Label | None = None
    for pause in _LOOKS:
        world.clock.sleep(pause)
        try:
            now = market.lease(plan.lease.id)
        except UnknownError as e:
            said = e.message
            continue
        seen = now.label if now else None
        if seen == plan.label:
            return
    raise ProviderError(
        f"machine {plan.lease.id} could not be shown to have its new end",
        detail=f"its label says {seen or 'nothing that could be read'}; {said}".rstrip("; "),
        hint="swarmctl orphans   (says when each ends), then the same command again",
    )


def _write(book: LeaseBook, plan: Extension) -> None:
    """The market's label is the truth; a ledger that cannot be written only forgets the budget, which is said."""
    with contextlib.suppress(HostError):
        book.relabelled(plan.label)
        book.saw(plan.lease)
    if plan.budget is not None:
        book.meter.promise(plan.label.nonce, plan.budget)
