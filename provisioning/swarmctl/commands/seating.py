"""A machine for a swarm of processes: its guard first where it is rented, then swarmctl itself, then written down."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import Any

from swarmctl.core.leasing.promise import Armed
from swarmctl.core.placed import Placed
from swarmctl.effects import paths
from swarmctl.effects.hosts.containerguard import Kept, attend, guard
from swarmctl.effects.hosts.containersave import keep_safe
from swarmctl.effects.hosts.processhost import ready, seat_of
from swarmctl.effects.hosts.ssh import Line
from swarmctl.effects.hosts.working import at_work
from swarmctl.effects.paths import private
from swarmctl.effects.world import World
from swarmctl.errors import HostError

Say = Callable[[str], None]
_FORM = "process"
"""What stands for the preparation: its parts are named by their content, and looked for by name."""


@dataclass(frozen=True, slots=True)
class Rented:
    """What a rented machine is given beside the rest: its guard, and what pushes results elsewhere (may be empty).

    armed: None where another computer gave it one, whose key is not here.
    """

    armed: Armed | None
    saving: Mapping[str, Any]


def seated(swarm: str, line: Line, lease: str, rented: Rented | None, world: World, say: Say) -> None:
    """Make it ready. rented: None for one's own machine, and where the market gave no key.

    Raises HostError, DeployError.
    """
    placed = Placed(swarm=swarm, host=asdict(line.host), lease=lease, runtime="process")

    def watch() -> None:
        world.put(placed)
        if rented is not None and rented.armed is not None:
            say("its guard comes before all that is large")
            guard(line, rented.armed, world.clock, placed.base)

    with nullcontext() if rented is None else at_work(line):
        seat = ready(line, say, cache=paths.cache(), guard=watch)
    placed = placed.model_copy(update={"base": seat.base, "python": seat.python, "prepared": _FORM})
    world.put(placed)
    if rented is not None:
        keep_safe(line, rented.saving, seat.base)
        attend(line, seat.python, seat.base)
        hand = world.hand(swarm)
        if hand is not None:
            hand.ask("guard", config=Kept(seat.base, seat.python).config().as_json())


def at_hand(swarm: str, world: World, say: Say) -> bool:
    """This very code is on the swarm's machine, and the machine answers; False where it must be made ready."""
    placed = world.placed(swarm)
    if placed is None or placed.runtime != "process" or not placed.python:
        return False
    with Line(placed.reached, private(world.places(swarm).root / "tunnels")) as line:
        try:
            seat = seat_of(line)
        except HostError as e:
            say(f"{placed.reached.name}: {e.message}")
            return False
    if seat is None or (seat.base, seat.python) != (placed.base, placed.python):
        say(f"{placed.reached.name} has another swarmctl than this one: it is prepared again")
        return False
    return True
