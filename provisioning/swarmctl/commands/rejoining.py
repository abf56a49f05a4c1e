"""A machine that a swarm has already: found again where it moved, looked at, or said to be gone."""

from dataclasses import asdict, replace

from swarmctl.commands.renter import Renter
from swarmctl.commands.seating import at_hand
from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.releasing import Result
from swarmctl.core.leasing.standstill import standstill
from swarmctl.core.placed import Placed
from swarmctl.core.processform import as_processes, may_be_processes
from swarmctl.effects.connections.answering import docker_answers
from swarmctl.effects.hosts.facts import look
from swarmctl.effects.hosts.hostkeys import forget
from swarmctl.effects.hosts.reach import reach
from swarmctl.effects.hosts.ssh import Line
from swarmctl.effects.hosts.sshsaid import ChangedKeyError
from swarmctl.effects.paths import private
from swarmctl.effects.providers.giving import known_as
from swarmctl.effects.providers.problems import UnknownError
from swarmctl.errors import HostError

ENTERS = 300.0
"""Seconds from running until SSH lets somebody in."""


def mourned(me: Renter, before: Placed | None) -> None:
    """A machine that is gone is said to be, and nothing of the way to it is left.

    Raises UnknownError where that is not sure: a second one must not be rented beside it.
    """
    if before is None or not before.lease:
        return
    if me.market.look(before.lease, thorough=True) is not Result.GONE:
        raise UnknownError(
            f"whether machine {before.lease} is gone is not known: the market lists none for swarm '{me.swarm}'",
            hint="wait a minute, then the same command again",
        )
    me.say(standstill(before.lease, None, me.swarm, me.world.clock.now().timestamp()).partition("; `")[0])
    me.world.leave(me.swarm)
    forget(me.world.state, known_as(before.lease))
    me.world.places(me.swarm).host.unlink(missing_ok=True)


def answers(me: Renter) -> bool:
    """What works there for us does."""
    if me.processes:
        return at_hand(me.swarm, me.world, me.say)
    if docker_answers(me.world.connection(me.swarm)):
        return True
    me.say("Docker does not answer on the machine: it is prepared again")
    return False


def found_again(me: Renter, lease: Lease, placed: Placed, *, woken: bool = False) -> None:
    """After a restart its ports may be others; its host key must be the one that was met when it was rented.

    woken: it has just been started, so that SSH is waited for, and old ways there are of no use. Raises HostError.
    """
    host = replace(placed.reached, alias=known_as(lease.id))
    same = any((host.address, host.port) == (one.host, one.port) for one in lease.addresses)
    if not woken and (same or not lease.addresses):
        return
    if not same:
        me.say(f"machine {lease.id} has other ports now")
    me.world.leave(me.swarm)
    folder = private(me.world.places(me.swarm).root / "tunnels")
    try:
        found = reach(host, lambda: lease.addresses, folder, me.say, clock=me.world.clock, seconds=ENTERS)
    except ChangedKeyError as e:
        raise HostError(
            f"machine {lease.id} answers with another host key than when it was rented",
            detail=e.detail,
            hint=f"swarmctl down --lease {lease.id}   (gives it back; only if you know why it changed: "
            f"{e.hint.partition('   #')[0]})",
        ) from None
    found.line.close()
    me.world.put(placed.model_copy(update={"host": asdict(found.line.host)}))


def as_found(me: Renter, line: Line) -> Renter:
    """A machine that somebody rented before may be a container: it has no service manager, and gets no Docker."""
    if not may_be_processes(me.opened.spec, me.opened.loaded.origins) or look(line).systemd:
        return me
    return replace(me, opened=replace(me.opened, spec=as_processes(me.opened.spec)))
