"""What proofs need of whatever runs containers."""

from collections.abc import Sequence
from typing import Any, Protocol

from swarmctl.core.containers import Container


class Answered(Protocol):
    """What a command in a container printed."""

    @property
    def code(self) -> int:
        """Its exit status."""
        ...

    @property
    def text(self) -> str:
        """Both its outputs."""
        ...


class Containers(Protocol):
    """The containers of one swarm: looked at, never changed. All but `tail` raise HostError when one is not there."""

    def containers(self) -> tuple[Container, ...]:
        """All of them."""
        ...

    def log(self, service: str, tail: int | None = None) -> str:
        """What a service wrote."""
        ...

    def tail(self, service: str, lines: int = 20) -> str:
        """The last lines of it."""
        ...

    def inspect(self, service: str) -> dict[str, Any]:
        """`docker inspect`."""
        ...

    def inside(self, service: str, argv: Sequence[str], *, user: str = "", seconds: float = 30) -> Answered:
        """Run a command in it."""
        ...
