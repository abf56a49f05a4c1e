"""The machine that converts: this one, unless somebody names another."""

from pathlib import Path
from typing import Protocol

from swarmctl.core.machine import Machine
from swarmctl.effects import machine
from swarmctl.effects.converting.shelf import Near, Shelf
from swarmctl.effects.converting.tools import Tools, provided, tools


class Bench(Protocol):
    """What a conversion needs of the machine that it runs on. far: its disk is not the store's."""

    @property
    def far(self) -> bool:
        """Another machine."""
        ...

    def machine(self, folder: Path) -> Machine:
        """Its cores, memory, and the disk that conversions write to."""
        ...

    def tools(self) -> Tools:
        """Its tools, whose version may not be known yet. Raises HostError where it has none."""
        ...

    def provided(self, found: Tools, tell: object = None) -> Tools:
        """The same, ready to run. Raises DeployError, HostError."""
        ...

    def shelf(self, work: Path) -> Shelf:
        """Where unfinished files lie."""
        ...

    def done(self) -> None:
        """What was only needed meanwhile goes."""
        ...


class Here:
    """This machine."""

    far = False

    def machine(self, folder: Path) -> Machine:
        """As Bench has it."""
        return machine.look(folder)

    def tools(self) -> Tools:
        """As Bench has it."""
        return tools()

    def provided(self, found: Tools, tell: object = None) -> Tools:
        """As Bench has it."""
        return provided(found, tell)

    def shelf(self, work: Path) -> Shelf:
        """As Bench has it."""
        return Near(work)

    def done(self) -> None:
        """As Bench has it: nothing."""


HERE = Here()
