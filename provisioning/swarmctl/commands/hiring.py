"""A rented host for a swarm: adopted where there is one, else offered, asked for, hired, guarded and prepared."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from swarmctl.commands import wished
from swarmctl.commands.considering import considered
from swarmctl.commands.formed import formed
from swarmctl.commands.rejoining import ENTERS, answers, as_found, found_again, mourned
from swarmctl.commands.renter import Renter
from swarmctl.commands.seating import Rented, seated
from swarmctl.core.hosts import NO_CONFIG, Host
from swarmctl.core.leasing.burn import since as burning
from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.order import VM_IMAGE, Order
from swarmctl.core.leasing.promise import Armed, Promise, guard_settings
from swarmctl.core.leasing.ranking import Choice, Ranked
from swarmctl.core.leasing.standstill import STILL
from swarmctl.core.placed import SLOT, Placed
from swarmctl.core.processform import rental_image
from swarmctl.core.target import VastTarget
from swarmctl.effects.hosts.containerguard import HOOK, MARKET
from swarmctl.effects.hosts.guarding import carried_on, terms_of
from swarmctl.effects.hosts.holding import go_on
from swarmctl.effects.hosts.hostkeys import keys_file
from swarmctl.effects.hosts.ownkey import own_key
from swarmctl.effects.hosts.preparing import form
from swarmctl.effects.hosts.reach import reach
from swarmctl.effects.hosts.savewords import saving
from swarmctl.effects.hosts.ssh import Line
from swarmctl.effects.hosts.watching import Watched
from swarmctl.effects.hosts.watchkeeper import watch
from swarmctl.effects.notifying import Notify
from swarmctl.effects.paths import private
from swarmctl.effects.providers.giving import give_back, known_as
from swarmctl.effects.providers.here import BASE, base, lease_book, vast
from swarmctl.effects.providers.hiring import Hired, Wish
from swarmctl.effects.providers.owner import owner
from swarmctl.effects.providers.provider import Provider
from swarmctl.effects.providers.waiting import NoUseError, await_running
from swarmctl.effects.specs import Opened
from swarmctl.effects.timeline import Timeline
from swarmctl.effects.world import World
from swarmctl.errors import CapacityError, DeployError, HostError, LockedError, ProviderError

Approve = Callable[[Choice, Promise, Ranked], bool]
Say = Callable[[str], None]
_MARKET = '. /etc/environment 2>/dev/null; printf %s "${VAST_URL:-$(cat "$1" 2>/dev/null)}"'
_MACHINES = 3
"""Machines that are rented one after another until one is of use."""


def hired(
    opened: Opened,
    world: World,
    *,
    approve: Approve,
    say: Say,
    line: Timeline,
    adopt: bool = False,
    market: Provider | None = None,
) -> bool:
    """The swarm has a machine that is rented, guarded and written down; False without a yes.

    What goes wrong before that gives the machine back, unless somebody else rented it. adopt: go on with one that was
    rented from another computer. Raises SpecError, CapacityError when no offer will do or none is of use,
    ProviderError, LeakError where a machine may still bill, LockedError, HostError, DeployError.
    """
    target = opened.spec.target.vast or VastTarget.model_validate({})
    state, clock = world.state, world.clock
    opened = formed(opened, world)
    me = Renter(opened, target, world, market or vast(state, clock), lease_book(state, clock), say, line)
    _saving(me)
    me.hiring.settle(me.swarm)
    there = me.hiring.adopt(me.swarm, owner(state))
    before = world.placed(me.swarm)
    if there is not None and before is not None and before.lease == there.id and before.prepared:
        awake = _awake(me, there)
        woken, there = awake is not there, awake
        _watch(me, there, _adopted(me, there))
        found_again(me, there, before, woken=woken)
        go_on(world.placed(me.swarm) or before, world)
        told = not wished.differs(me, there)
        if not answers(me) or not told:
            _prepare(me, there, None, _adopted(me, there))
        wished.note(me)
        return True
    if there is None:
        mourned(me, before)
        return _rent(me, approve)
    mine = there.label is not None and there.label.owner == owner(state)
    if not mine and not adopt:
        raise LockedError(
            f"swarm '{me.swarm}' has machine {there.id} already, rented from another computer or folder",
            hint=f"swarmctl up --adopt   (goes on with it; or swarmctl down --lease {there.id})",
        )
    say(f"goes on with machine {there.id}, which is rented already")
    if there.state in STILL:
        there = _awake(me, there)
    with suppress(ProviderError):  # a virtual machine keeps the keys that it began with
        me.market.admit(there.id, own_key(state)[1])
    return _made_ready(me, there, None, _adopted(me, there), ours=mine)


def _awake(me: Renter, lease: Lease) -> Lease:
    """It runs, which is written down for the bill."""
    found = me.waker.awake(lease, me.swarm)
    with suppress(HostError):
        me.book.saw(found)
    return found


def _rent(me: Renter, approve: Approve) -> bool:
    """Offers by what they truly cost, one yes, and the first machine that is of use."""
    thought = considered(me.opened, me.world, me.market)
    me = replace(me, opened=thought.opened)
    first, agreed, found = thought.choice, thought.agreed, thought.ranked
    if not approve(first, agreed, found):
        return False
    _, public = own_key(me.world.state)
    me.market.add_key(public)
    failed: list[str] = []
    most = max(agreed.budget, first.total.dollars)
    choices = [one for one in found.choices if one.total.dollars <= most]  # a dearer one needs another yes
    while choices and len(failed) < _MACHINES:
        with me.line.part("rent"):
            got = me.hiring.hire(_wish(me), choices, partial(_container, me) if me.processes else _order)
        given = replace(agreed, hourly=got.choice.hourly)
        if got.lease.label is not None:
            me.book.meter.promise(got.lease.label.nonce, given.budget)
        try:
            return _made_ready(me, got.lease, got, given)
        except (NoUseError, HostError, DeployError) as e:
            failed.append(f"machine {got.lease.id}: {e.message}")
            me.say(f"{failed[-1]}; it is given back, and the next offer tried")
            me.hiring.shun(got.choice.offer.machine, e.message)
            choices = choices[choices.index(got.choice) + 1 :]
    raise CapacityError(
        f"none of {len(failed)} rented machines was of use, and all were given back", detail="\n".join(failed),
        hint="swarmctl offers   (the market changes by the minute)",
    )  # fmt: skip


def _made_ready(me: Renter, lease: Lease, got: Hired | None, given: Promise, *, ours: bool = True) -> bool:
    """Running, reached, guarded, prepared and written down; what fails or is broken off gives our machine back."""
    try:
        _watch(me, lease, given)
        if not me.processes:
            me.early.image_here()
        with me.line.part("boot"):
            running = await_running(me.market, lease.id, me.world.clock, me.say)
        _prepare(me, running, got, given)
        wished.note(me)
    except BaseException:
        me.world.errands.stop()
        if ours:
            give_back(lease.id, me.swarm, me.world, me.market)
        raise
    return True


def _watch(me: Renter, lease: Lease, given: Promise) -> None:
    """Have it looked after from here, too, also when this command is killed."""
    if lease.label is not None:
        tell = Notify(me.target.notify.url, me.target.notify.command)
        expires, budget = lease.label.expires, str(given.budget)
        watch(Watched(me.swarm, lease.id, expires, budget, given.at_end, tell), me.world)


def _prepare(me: Renter, lease: Lease, got: Hired | None, given: Promise) -> None:
    private_key, _ = own_key(me.world.state)
    host = Host(
        SLOT, "localhost", key=str(private_key), config=NO_CONFIG,
        known_hosts=str(keys_file(me.world.state, known_as(lease.id))), alias=known_as(lease.id),
    )  # fmt: skip
    folder = private(me.world.places(me.swarm).root / "tunnels")
    me.say(f"machine {lease.id} runs; waiting for SSH")
    with me.line.part("SSH"):
        found = reach(host, lambda: lease.addresses, folder, me.say, clock=me.world.clock, seconds=ENTERS)
    reached = found.line.host
    with found.line:
        armed = _guard(me, lease, got, given, found.line)
        me = me if got is not None else as_found(me, found.line)
        if me.processes:
            with me.line.part("prepare"):
                hold = _hold(me, armed, found.line)
                seated(me.swarm, found.line, lease.id, hold, me.world, me.say)
            return
        variables = {**(armed.variables() if armed else {}), **(_saving(me) if armed or me.target.save else {})}
        fields = asdict(reached)
        me.world.put(Placed(swarm=me.swarm, host=fields, lease=lease.id))
        me.say("preparing it; its guard comes before all that is large")
        me.early.prepared(reached, variables, guarded=armed is not None)
    me.world.put(Placed(swarm=me.swarm, host=fields, lease=lease.id, prepared=form(variables)))


def _guard(me: Renter, lease: Lease, got: Hired | None, given: Promise, line: Line) -> Armed | None:
    key = got.key if got is not None and got.key is not None else me.book.key(lease.id)
    if key is None:
        if terms_of(line) is not None:
            me.say("its guard is there already, and ends it as was promised; swarmctl extend changes that")
        else:
            me.say("note: the market gave no key of this machine: it cannot end itself, only `down` and `reap` can")
        return None
    now = me.world.clock.now().timestamp()
    written = next((one for one in me.book.attempts(me.swarm) if lease.id in one.attempt.contracts), None)
    began = burning(lease, now, written.intended if written else None)
    try:
        since = int(began if began is not None else now)
        settings = guard_settings(lease, given, since, _market_of(line))
        return Armed(carried_on(line, settings, int(now)), key.reveal())
    except ValueError as e:
        raise HostError(
            f"machine {lease.id} cannot be guarded: {e}", hint=f"swarmctl down --lease {lease.id}"
        ) from None


def _hold(me: Renter, armed: Armed | None, line: Line) -> Rented | None:
    """What a container is given; one that a colleague guards keeps where he has its results pushed to."""
    if armed is None and terms_of(line) is None:
        return None
    return Rented(armed, _saving(me) if armed or me.target.save else {})


def _saving(me: Renter) -> dict[str, Any]:
    return saving(me.target.save, Path(me.opened.loaded.source).resolve().parent)


def _market_of(line: Line) -> str:
    """The market's address as the machine itself knows it; a market on loopback is elsewhere to its rentals."""
    if base() == BASE:
        return BASE
    done = line.run(["sh", "-lc", _MARKET, "sh", MARKET], seconds=30)
    return done.stdout.strip() or base()


def _adopted(me: Renter, lease: Lease) -> Promise:
    """What was promised of a machine that is rented already."""
    hourly = lease.hourly.known or Decimal(0)
    budget = me.book.meter.budget(lease.label.nonce) if lease.label else None
    usual = me.target.budget or hourly * me.target.ttl / 3600 * 2
    return Promise(hourly, me.target.ttl, me.target.idle, budget or usual, me.target.at_end)


def _wish(me: Renter) -> Wish:
    now = int(me.world.clock.now().timestamp())
    return Wish(me.swarm, owner(me.world.state), now + me.target.ttl, me.target.max_price)


def _order(choice: Choice) -> Order:
    return Order(VM_IMAGE, choice.card.disk, bid=choice.bid, vm=True)


def _container(me: Renter, choice: Choice) -> Order:
    return Order(rental_image(me.opened.spec), choice.card.disk, bid=choice.bid, onstart=HOOK)
