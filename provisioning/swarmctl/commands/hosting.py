"""The host that a swarm file means: found, reached, prepared and written down before anything is deployed."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from swarmctl.commands.forecast import asked
from swarmctl.commands.formed import formed
from swarmctl.commands.hiring import Approve, hired
from swarmctl.commands.offers import cards_for
from swarmctl.commands.seating import at_hand, seated
from swarmctl.core.fit import fit
from swarmctl.core.hosts import Host
from swarmctl.core.leasing.lease import Address
from swarmctl.core.placed import Placed
from swarmctl.core.processform import on_processors
from swarmctl.core.target import VastTarget
from swarmctl.effects import hardware
from swarmctl.effects.bringing.early import Early
from swarmctl.effects.connections.answering import docker_answers
from swarmctl.effects.hosts.facts import look
from swarmctl.effects.hosts.inventory import find, written
from swarmctl.effects.hosts.preparing import form
from swarmctl.effects.hosts.reach import Reached, reach
from swarmctl.effects.hosts.ssh import Line
from swarmctl.effects.paths import private
from swarmctl.effects.specs import Opened
from swarmctl.effects.takeover import take_over
from swarmctl.effects.timeline import Timeline
from swarmctl.effects.world import World
from swarmctl.errors import HostError, LockedError

Say = Callable[[str], None]
_PATIENCE = 5.0
"""Seconds in which a machine of one's own lets us in, or it is passed over."""
_ANSWERS = 30.0
"""Seconds in which a machine of one's own answers."""


def secured(opened: Opened, world: World, *, approve: Approve, say: Say, line: Timeline, adopt: bool = False) -> bool:
    """The swarm has its host; False where that costs money and nobody said yes. adopt: as `hired`. line: of its parts.

    Where another computer brought it up there, this one goes on with its keys. Raises SpecError, HostError,
    DeployError, and for a rented one ProviderError, CapacityError and LeakError.
    """
    opened = formed(opened, world)
    world.errands.say = say
    if not _secured(opened, world, approve, say, line, adopt=adopt):
        return False
    placed = world.placed(opened.spec.name)
    if placed is not None and take_over(placed, world.places(opened.spec.name)):
        say("it goes on with the keys and ports that are there, as the computer that brought it up does")
    return True


def _secured(opened: Opened, world: World, approve: Approve, say: Say, line: Timeline, *, adopt: bool) -> bool:
    spec = opened.spec
    if spec.target.vast is not None:
        mine = _instead(opened, spec.target.vast, world, say)
        if mine is None:
            return hired(opened, world, approve=approve, say=say, line=line, adopt=adopt)
        _own(opened, mine, world, say, line)
        return True
    if spec.target.ssh is not None:
        _own(opened, meant(opened, world), world, say, line)
    return True


def meant(opened: Opened, world: World) -> Host:
    """The machine of one's own that a swarm file names. Raises SpecError, HostError."""
    (name,) = opened.spec.target.ssh.hosts if opened.spec.target.ssh else ("",)
    return find(name, _folders(opened), world.state)


def _instead(opened: Opened, target: VastTarget, world: World, say: Say) -> Host | None:
    """A machine of one's own that has such a card and carries the swarm: it comes before a rented one."""
    before = world.placed(opened.spec.name)
    if before is not None:
        return None if before.lease else before.reached
    _, entries = written(_folders(opened))
    if not entries:
        return None
    for name in entries:
        try:
            host = find(name, _folders(opened), world.state)
            with Line(host, private(world.state / "lines"), patience=_PATIENCE) as line:
                facts = look(line)
        except HostError as e:
            say(f"your own host {name} is passed over: {e.message}")
            continue
        box, there = hardware.of_machine(facts.machine), opened
        if opened.spec.runtime == "process" and not facts.serves_cards:
            there = replace(opened, spec=on_processors(opened.spec))
        kinds, (cards, _) = [card.profile for card in box.cards], cards_for(there, target.gpu)
        fits = any(card.profile in kinds for card in cards) and fit(asked(there), box).placement is not None
        say(
            f"your own host {name} has {', '.join(kinds) or 'no card'}: "
            + ("nothing is rented" if fits else "not this")
        )
        if fits:
            return host
    return None


def _own(opened: Opened, host: Host, world: World, say: Say, line: Timeline) -> None:
    """A machine of one's own; nothing is asked of it where it was prepared in this form before."""
    swarm, processes = opened.spec.name, opened.spec.runtime == "process"
    before, wanted = world.placed(swarm), "" if processes else form({})
    fields: dict[str, Any] = asdict(host)
    if before is not None and (before.lease or before.reached.name != host.name):
        where = f"rented machine {before.lease}" if before.lease else before.reached.name
        raise LockedError(
            f"swarm '{swarm}' is on {where}, and its file says {host.name}",
            hint=f"swarmctl down --swarm {swarm}   (then up again)",
        )
    if before is not None and before.host != fields:  # it moved; the key that is pinned says whether it is the same
        world.leave(swarm)
        world.put(before.model_copy(update={"host": fields}))
    if processes:
        if before is None or not at_hand(swarm, world, say):
            _seated(swarm, host, world, say, line)
        return
    if before is not None and before.prepared == wanted and docker_answers(world.connection(swarm)):
        return
    early = Early(opened, world, say, line)
    early.image_here()
    with _reached(swarm, host, world, say, line).line:
        say(f"{host.name}: preparing")
        early.prepared(host, {})
    world.put(Placed(swarm=swarm, host=fields, prepared=wanted))


def _seated(swarm: str, host: Host, world: World, say: Say, line: Timeline) -> None:
    """Processes run there, and no Docker is asked for."""
    reached = _reached(swarm, host, world, say, line)
    with reached.line, line.part("prepare"):
        seated(swarm, reached.line, "", None, world, say)


def _reached(swarm: str, host: Host, world: World, say: Say, line: Timeline) -> Reached:
    folder = private(world.places(swarm).root / "tunnels")
    answers = [Address(host.address, host.port)]
    with line.part("SSH"):
        return reach(host, lambda: answers, folder, say, clock=world.clock, seconds=_ANSWERS)


def _folders(opened: Opened) -> list[Path]:
    """Where an inventory is looked for: beside the swarm file, then here."""
    source = Path(opened.loaded.source)
    return [*([source.resolve().parent] if source.is_file() else []), Path.cwd()]
