"""What a swarm in containers needs of the machine that they run on, be it this one or a distant one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from swarmctl.core.machine import Machine
from swarmctl.effects.dockerapi import Ask
from swarmctl.effects.shell import Shell

if TYPE_CHECKING:
    from swarmctl.effects.bringing.depot import Depot


class Connection(Protocol):
    """One swarm's side of one machine.

    name: of the machine, empty for this one. root, models: absolute folders there, of the swarm and of the models that
    its engines read. user: whom containers run as, `10001:10001`. Every method may raise HostError.
    """

    @property
    def name(self) -> str:
        """As above."""
        ...

    @property
    def root(self) -> str:
        """As above."""
        ...

    @property
    def models(self) -> str:
        """As above."""
        ...

    @property
    def user(self) -> str:
        """As above."""
        ...

    @property
    def shell(self) -> Shell:
        """Runs commands there."""
        ...

    @property
    def ask(self) -> Ask | None:
        """The API of its Docker, where that is not this user's own."""
        ...

    def machine(self) -> Machine:
        """Cores, memory, disk and cards as they are now."""
        ...

    def written(self) -> Mapping[str, str]:
        """Compose files and settings under `root`, by path."""
        ...

    def bring(self, folder: Path, *names: str) -> None:
        """What lies under these names of the swarm's folder here is under `root` there, and belongs to `user`."""
        ...

    def forget(self, name: str) -> None:
        """A file of the swarm's folder is not there any more."""
        ...

    def lend(self, blob: Path, place: str) -> None:
        """A file of the store stands at `place` there, for `user` to read; nothing where it does."""
        ...

    def depot(self) -> "Depot | None":
        """The models' files there; None for this machine, whose store has them."""
        ...

    def images(self) -> "Depot | None":
        """Layers of images on their way there; None for this machine."""
        ...

    def settle(self) -> None:
        """The folders of the models are there, and belong to `user`."""
        ...

    def listening(self) -> Sequence[tuple[str, int]] | None:
        """Address and port of each listening TCP socket; None where that is not shown."""
        ...

    def processes(self) -> Mapping[int, tuple[int, int]]:
        """Parent and KiB of each process; nothing where that cannot be seen."""
        ...

    def held(self) -> frozenset[int]:
        """Ports of this machine that the way to the other one listens on."""
        ...

    def forward(self, ports: Sequence[int]) -> None:
        """From now on these loopback ports of the machine are reached under the same numbers here.

        Raises PortTakenError where one is somebody else's here.
        """
        ...

    def close(self) -> None:
        """Nothing is left here of the way there. Raises LeakError when something cannot be ended."""
        ...

    def remove(self, *, models: bool) -> list[str]:
        """Take the swarm's folder away, with `models` those that its engines read; gives what is left."""
        ...
