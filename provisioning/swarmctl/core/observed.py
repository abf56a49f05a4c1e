"""What really exists: the snapshot that the decision is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from swarmctl.core.composehost import ComposeHost
from swarmctl.core.gguf import GgufFacts
from swarmctl.core.hardware.box import Box
from swarmctl.core.machine import Machine


@dataclass(frozen=True, slots=True)
class RunningService:
    """One service as its supervisor (or, without one, its label) shows it. resident: MiB. card: UUID, of a server."""

    name: str
    hash: str
    state: str
    pid: int | None = None
    restarts: int = 0
    last_exit: str = ""
    resident: float = 0.0
    gpu: str = "cpu"
    card: str = ""

    @property
    def up(self) -> bool:
        """It runs now."""
        return self.state in {"running", "starting"}


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of one model source.

    identity: fingerprint of the content that the source names. held: its file is in the store.
    facts: from the held file, the named file, or the catalogue; None when nothing is known yet.
    problem: why the source cannot be had, e.g. a path that is no GGUF file. cause: why it must be brought, where that
    is more than that the store lacks it.
    """

    identity: str
    held: bool = False
    facts: GgufFacts | None = None
    problem: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Observed:
    """One look at the world, taken once.

    home: label of the state folder. engine: how an embedded engine can be had here (`wheel`, `binary`), or None.
    cards: the machine with the cards that such an engine uses, or None. idle: why it uses none, where there are some.
    agents: the agents' packages are installed. ports: what each service was given before.
    busy: ports on which others listen. supervisor: pid, None when none answers.
    stale: the version of swarmctl that started it, where that is not this one.
    strays: services found by label under no supervisor. proved: hash of the stack that last passed its proofs.
    compose: only where containers are meant. unprepared: what of its preparation is missing.
    """

    machine: Machine
    home: str = ""
    sources: Mapping[str, Source] = field(default_factory=dict)
    engine: str | None = "wheel"
    cards: Box | None = None
    idle: str = ""
    agents: bool = True
    prepared: bool = False
    supervisor: int | None = None
    stale: str = ""
    services: tuple[RunningService, ...] = ()
    strays: tuple[RunningService, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)
    busy: frozenset[int] = frozenset()
    prompts: Mapping[str, str] = field(default_factory=dict)
    proved: str | None = None
    compose: ComposeHost | None = None
    unprepared: str = ""
