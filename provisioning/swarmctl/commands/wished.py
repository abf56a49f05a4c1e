"""A swarm file that changed while its machine is held: what the machine must be told of, and what is said instead."""

from pathlib import Path

from swarmctl.commands.renter import Renter
from swarmctl.core.leasing.lease import Lease
from swarmctl.core.leasing.wishes import GUARDED, not_applied, to_tell, wishes
from swarmctl.core.stack import config_hash
from swarmctl.core.target import VastTarget
from swarmctl.effects.hosts.preparing import form
from swarmctl.effects.hosts.savewords import saving
from swarmctl.effects.providers.here import lease_book
from swarmctl.effects.specs import Opened
from swarmctl.effects.world import World


def differs(me: Renter, lease: Lease) -> bool:
    """The machine must be told of something; what no `up` applies is said. Raises SpecError."""
    placed = me.world.placed(me.swarm)
    before, now = (placed.wishes if placed else {}), _wishes(me.opened)
    for sentence in not_applied(before, now, lease.id, me.swarm):
        me.say(f"note: {sentence}")
    found = to_tell(before, now)
    others = found & GUARDED if me.book.key(lease.id) is None else frozenset()
    if found - others and before:
        me.say(f"{_names(found - others)}: changed; machine {lease.id} is told")
    if others and before:
        me.say(f"note: {_not_from_here(others, lease.id)}")
    return bool(found - others)


def foretold(opened: Opened, world: World) -> tuple[str, ...]:
    """A sentence for each change of which the next `up` would tell the machine, or would say what to type.

    Raises SpecError.
    """
    placed = world.placed(opened.spec.name)
    if placed is None or not placed.lease or not placed.wishes or opened.spec.target.vast is None:
        return ()
    lease, before, now = placed.lease, placed.wishes, _wishes(opened)
    found = to_tell(before, now)
    others = found & GUARDED if lease_book(world.state, world.clock).key(lease) is None else frozenset()
    told = (f"{_names(found - others)}: changed in the file; machine {lease} is told by: swarmctl up",)
    return (
        *(told if found - others else ()),
        *((_not_from_here(others, lease),) if others else ()),
        *not_applied(before, now, lease, opened.spec.name),
    )


def note(me: Renter) -> None:
    """Write down what the machine was told."""
    placed, now = me.world.placed(me.swarm), _wishes(me.opened)
    if placed is not None and placed.wishes != now:
        me.world.put(placed.model_copy(update={"wishes": now}))


def _names(found: frozenset[str]) -> str:
    return ", ".join(sorted(found))


def _not_from_here(found: frozenset[str], lease: str) -> str:
    return (
        f"{_names(found)}: changed in the file; the guard of machine {lease} takes that only from the computer that "
        "rented it"
    )


def _wishes(opened: Opened) -> dict[str, str]:
    """Files with keys count by what is in them."""
    target = opened.spec.target.vast or VastTarget.model_validate({})
    words = saving(target.save, Path(opened.loaded.source).resolve().parent)
    return wishes(target, save=config_hash(words), playbooks=form({}))
