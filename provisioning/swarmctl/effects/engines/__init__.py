"""The promise of an engine: something that serves models over HTTP, and can be proved to do so."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from swarmctl.core.engine import EngineFile
from swarmctl.core.memory.need import Need
from swarmctl.core.proof import Proof
from swarmctl.effects.clock import Clock


@dataclass(frozen=True, slots=True)
class EngineUnderTest:
    """One running engine and what was promised of it.

    pid: None when nothing runs. expected: None when the model's facts are not known. log: the file its
    output goes to; rotated ones lie beside it as .1, .2. floor: tokens per second. libraries: MiB that backends
    which are not used may take in its process.
    """

    settings: EngineFile
    pid: int | None
    expected: Need | None
    log: Path
    floor: float
    libraries: float = 0.0


class Engine(Protocol):
    """Every maker of engines passes tests/contracts/test_engine.py."""

    def ready(self, settings: EngineFile) -> bool:
        """It answers and its model is loaded (or asleep, and wakes by itself). Never raises, never waits long."""
        ...

    def models(self, settings: EngineFile) -> tuple[str, ...]:
        """Names that a request may ask for. Raises HostError when it does not answer."""
        ...

    def proofs(self, engine: EngineUnderTest, clock: Clock) -> list[Proof]:
        """Every promise, read back from the running server. Never raises for what the server does."""
        ...
