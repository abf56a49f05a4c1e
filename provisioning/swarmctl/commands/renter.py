"""Everything that renting a machine for one swarm needs of the outside."""

from collections.abc import Callable
from dataclasses import dataclass

from swarmctl.core.target import VastTarget
from swarmctl.effects.bringing.early import Early
from swarmctl.effects.providers.hiring import Hiring
from swarmctl.effects.providers.leasebook import LeaseBook
from swarmctl.effects.providers.provider import Provider
from swarmctl.effects.providers.waking import Waker
from swarmctl.effects.specs import Opened
from swarmctl.effects.timeline import Timeline
from swarmctl.effects.world import World

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Renter:
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
    def processes(self) -> bool:
        """Services run as processes: the machine is a container, without Docker of its own."""
        return self.opened.spec.runtime == "process"

    @property
    def early(self) -> Early:
        """What goes on while the machine is prepared."""
        return Early(self.opened, self.world, self.say, self.line)

    @property
    def waker(self) -> Waker:
        """Starts what stands still."""
        return Waker(self.market, self.world.clock, self.say)

    @property
    def hiring(self) -> Hiring:
        return Hiring(self.market, self.book, self.world.clock, self.say)
