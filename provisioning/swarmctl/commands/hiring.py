"""A rented host for a swarm: adopted where there is one, else offered, asked for, hired, guarded and prepared."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from decimal import Decimal

from swarmctl.commands.offers import Terms, offers
from swarmctl.core.hosts import NO_CONFIG, Host
from swarmctl.core.leasing.burn import since
from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.order import VM_IMAGE, Order
from swarmctl.core.leasing.promise import Promise, guarded, promise
from swarmctl.core.leasing.ranking import Choice, Ranked
from swarmctl.core.placed import SLOT, Placed
from swarmctl.core.target import VastTarget
from swarmctl.effects.connections.answering import docker_answers
from swarmctl.effects.hosts.holding import go_on
from swarmctl.effects.hosts.hostkeys import keys_file
from swarmctl.effects.hosts.ownkey import own_key
from swarmctl.effects.hosts.preparing import form, prepare
from swarmctl.effects.hosts.reach import reach
from swarmctl.effects.hosts.ssh import Line
from swarmctl.effects.hosts.watching import Watched
from swarmctl.effects.hosts.watchkeeper import watch
from swarmctl.effects.notifying import Notify
from swarmctl.effects.paths import private
from swarmctl.effects.providers.giving import give_back, known_as
from swarmctl.effects.providers.here import BASE, base, lease_book, vast
from swarmctl.effects.providers.hiring import Hired, Hiring, Wish
from swarmctl.effects.providers.leasebook import LeaseBook
from swarmctl.effects.providers.owner import owner
from swarmctl.effects.providers.provider import Provider
from swarmctl.effects.providers.waiting import NoUseError, await_running
from swarmctl.effects.specs import Opened
from swarmctl.effects.timeline import Timeline
from swarmctl.effects.world import World
from swarmctl.errors import CapacityError, DeployError, HostError, LockedError, ProviderError

Approve = Callable[[Choice, Promise, Ranked], bool]
Say = Callable[[str], None]
_ENTERS = 300.0
"""Seconds from running until SSH lets somebody in."""
_MACHINES = 3
"""Machines that are rented one after another until one is of use."""


@dataclass(frozen=True, slots=True)
class _Renter:
    """Everything that renting needs of the outside."""

    opened: Opened
    target: VastTarget
    world: World
    market: Provider
    book: LeaseBook
    say: Say
    line: Timeline

    @property
    def swarm(self) -> str:
        return self.opened.spec.name

    @property
    def hiring(self) -> Hiring:
        return Hiring(self.market, self.book, self.world.clock, self.say)


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
    rented from another computer. Raises CapacityError when no offer will do or none is of use,
    ProviderError, LeakError where a machine may still bill, LockedError, HostError, DeployError.
    """
    target = opened.spec.target.vast or VastTarget.model_validate({})
    state, clock = world.state, world.clock
    me = _Renter(opened, target, world, market or vast(state, clock), lease_book(state, clock), say, line)
    me.hiring.settle(me.swarm)
    there = me.hiring.adopt(me.swarm, owner(state))
    before = world.placed(me.swarm)
    if there is not None and before is not None and before.lease == there.id and before.prepared:
        _watch(me, there, _adopted(me, there))
        _found_again(me, there, before)
        go_on(world.placed(me.swarm) or before, world)
        if not docker_answers(world.connection(me.swarm)):
            say(f"Docker does not answer on machine {there.id}: it is prepared again")
            _prepare(me, there, None, _adopted(me, there))
        return True
    if there is None:
        return _rent(me, approve)
    mine = there.label is not None and there.label.owner == owner(state)
    if not mine and not adopt:
        raise LockedError(
            f"swarm '{me.swarm}' has machine {there.id} already, rented from another computer or folder",
            hint=f"swarmctl up --adopt   (goes on with it; or swarmctl down --lease {there.id})",
        )
    say(f"goes on with machine {there.id}, which is rented already")
    with suppress(ProviderError):  # a virtual machine keeps the keys that it began with
        me.market.admit(there.id, own_key(state)[1])
    return _made_ready(me, there, None, _adopted(me, there), ours=mine)


def _found_again(me: _Renter, lease: Lease, placed: Placed) -> None:
    """After a restart its ports may be others."""
    host = placed.reached
    if not lease.addresses or any((host.address, host.port) == (one.host, one.port) for one in lease.addresses):
        return
    me.say(f"machine {lease.id} has other ports now")
    me.world.leave(me.swarm)
    folder = private(me.world.places(me.swarm).root / "tunnels")
    found = reach(host, lambda: lease.addresses, folder, me.say, clock=me.world.clock, seconds=_ENTERS)
    found.line.close()
    me.world.put(placed.model_copy(update={"host": asdict(found.line.host)}))


def considered(opened: Opened, world: World, market: Provider | None = None) -> tuple[Choice, Promise, Ranked]:
    """What would be rented, what that would promise, and all that will do. Raises CapacityError, ProviderError."""
    target = opened.spec.target.vast or VastTarget.model_validate({})
    found = offers(opened, _terms(target), world, market).ranked
    if not found.choices:
        raise CapacityError("no offer will do", detail=found.why(), hint="swarmctl offers   (with wider conditions)")
    return found.choices[0], promise(target, found.choices[0]), found


def _rent(me: _Renter, approve: Approve) -> bool:
    """Offers by what they truly cost, one yes, and the first machine that is of use."""
    first, agreed, found = considered(me.opened, me.world, me.market)
    if not approve(first, agreed, found):
        return False
    _, public = own_key(me.world.state)
    me.market.add_key(public)
    failed: list[str] = []
    most = max(agreed.budget, first.total.dollars)
    choices = [one for one in found.choices if one.total.dollars <= most]  # a dearer one needs another yes
    while choices and len(failed) < _MACHINES:
        with me.line.part("rent"):
            got = me.hiring.hire(_wish(me), choices, _order)
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


def _made_ready(me: _Renter, lease: Lease, got: Hired | None, given: Promise, *, ours: bool = True) -> bool:
    """Running, reached, guarded, prepared and written down; what fails or is broken off gives our machine back."""
    try:
        _watch(me, lease, given)
        with me.line.part("boot"):
            running = await_running(me.market, lease.id, me.world.clock, me.say)
        _prepare(me, running, got, given)
    except BaseException:
        if ours:
            give_back(lease.id, me.swarm, me.world, me.market)
        raise
    return True


def _watch(me: _Renter, lease: Lease, given: Promise) -> None:
    """Have it looked after from here, too, also when this command is killed."""
    if lease.label is not None:
        tell = Notify(me.target.notify.url, me.target.notify.command)
        expires, budget = lease.label.expires, str(given.budget)
        watch(Watched(me.swarm, lease.id, expires, budget, given.at_end, tell), me.world)


def _prepare(me: _Renter, lease: Lease, got: Hired | None, given: Promise) -> None:
    private_key, _ = own_key(me.world.state)
    host = Host(
        SLOT, "localhost", key=str(private_key), config=NO_CONFIG,
        known_hosts=str(keys_file(me.world.state, known_as(lease.id))),
    )  # fmt: skip
    folder = private(me.world.places(me.swarm).root / "tunnels")
    me.say(f"machine {lease.id} runs; waiting for SSH")
    with me.line.part("SSH"):
        found = reach(host, lambda: lease.addresses, folder, me.say, clock=me.world.clock, seconds=_ENTERS)
    reached = found.line.host
    with found.line:
        variables = _guard(me, lease, got, given, found.line)
        fields = asdict(reached)
        me.world.put(Placed(swarm=me.swarm, host=fields, lease=lease.id))
        me.say("preparing it; its guard comes before all that is large")
        with me.line.part("prepare"):
            prepare(reached, variables, me.world, me.say)
    me.world.put(Placed(swarm=me.swarm, host=fields, lease=lease.id, prepared=form(variables)))


def _guard(me: _Renter, lease: Lease, got: Hired | None, given: Promise, line: Line) -> dict[str, object]:
    key = got.key if got is not None and got.key is not None else me.book.key(lease.id)
    if key is None:
        me.say("note: the market gave no key of this machine: it cannot end itself, only `down` and `reap` can")
        return {}
    now = me.world.clock.now().timestamp()
    written = next((one for one in me.book.attempts(me.swarm) if lease.id in one.attempt.contracts), None)
    began = since(lease, now, written.intended if written else None)
    try:
        return guarded(lease, given, int(began if began is not None else now), _market_of(line), key.reveal())
    except ValueError as e:
        raise HostError(
            f"machine {lease.id} cannot be guarded: {e}", hint=f"swarmctl down --lease {lease.id}"
        ) from None


def _market_of(line: Line) -> str:
    """The market's address as the machine itself knows it; a market on loopback is elsewhere to its rentals."""
    if base() == BASE:
        return BASE
    done = line.run(["sh", "-lc", '. /etc/environment 2>/dev/null; printf %s "$VAST_URL"'], seconds=30)
    return done.stdout.strip() or base()


def _adopted(me: _Renter, lease: Lease) -> Promise:
    """What was promised of a machine that is rented already."""
    hourly = lease.hourly.known or Decimal(0)
    budget = me.book.meter.budget(lease.label.nonce) if lease.label else None
    usual = me.target.budget or hourly * me.target.ttl / 3600 * 2
    return Promise(hourly, me.target.ttl, me.target.idle, budget or usual, me.target.at_end)


def _wish(me: _Renter) -> Wish:
    now = int(me.world.clock.now().timestamp())
    return Wish(me.swarm, owner(me.world.state), now + me.target.ttl, me.target.max_price)


def _order(choice: Choice) -> Order:
    return Order(VM_IMAGE, choice.card.disk, bid=choice.bid, vm=True)


def _terms(target: VastTarget) -> Terms:
    from swarmctl.effects.providers.where import conditions  # noqa: PLC0415 - the market's own package, where it is used

    return Terms(
        gpu=target.gpu,
        max_price=target.max_price,
        ttl=target.ttl,
        regions=target.regions,
        datacenter=target.datacenter,
        spot=target.spot,
        unverified=target.unverified,
        where=conditions(target.where) if target.where else {},
    )
