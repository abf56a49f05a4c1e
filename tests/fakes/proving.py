"""A real swarm of containers that can be proved: an ejected folder, its record, and the runtime that looks at it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from fakes.ejecting import Ejected, running
from fakes.grounded import docker
from swarmctl import __version__
from swarmctl.commands.forecast import Thought, on
from swarmctl.core.engines.engine import engine_of
from swarmctl.core.enginestack import Facts
from swarmctl.core.images import images
from swarmctl.core.proof import Proof
from swarmctl.core.record import ServiceRecord, SwarmRecord
from swarmctl.core.stacks import stacks
from swarmctl.core.verdict import Depth
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.engines.ollama import Ollama
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.proving import ollama
from swarmctl.effects.proving.stacks import Stacks, Tell
from swarmctl.effects.runtimes.compose import ComposeRuntime
from swarmctl.effects.specs import open_spec
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World


@dataclass
class Provable:
    """What a test breaks and proves."""

    swarm: Ejected
    record: SwarmRecord
    world: World

    @property
    def runtime(self) -> ComposeRuntime:
        """What looks at its containers."""
        return self.world.compose(self.record.swarm)

    def service(self, name: str) -> ServiceRecord:
        """One service of the record."""
        return self.record.service(name)

    def engine(self) -> Ollama:
        """The client of its Ollama; close it."""
        return ollama.client(self.service("ollama-cpu"), self.record, self.runtime)

    def container(self, service: str) -> str:
        """The name by which Docker knows a service."""
        return f"{self.record.stacks[0].project}-{service}-1"

    def create(self, *models: str) -> None:
        """Models as their Modelfiles say."""
        for name in models:
            file = f"/etc/swarmctl/modelfiles/{name}"
            docker("exec", self.container("ollama-cpu"), "ollama", "create", name, "-f", file)

    def prove(self, depth: Depth, golden: dict[str, str] | None = None, tell: Tell = lambda _: None) -> list[Proof]:
        """One round."""
        return Stacks(self.record, self.runtime, self.world, depth, golden=golden or {}, tell=tell).proofs()


def red(proofs: list[Proof]) -> dict[str, str]:
    """What does not pass: verdicts by `name: subject`."""
    return {f"{p.name}: {p.subject}": p.verdict for p in proofs if p.verdict != "pass"}


def one(proofs: list[Proof], name: str, subject: str = "") -> Proof:
    """The only proof of this name, about this subject where one is given."""
    (found,) = [p for p in proofs if p.name == name and subject in p.subject]
    return found


@contextmanager
def provable(folder: Path, spec: str, patch: pytest.MonkeyPatch, **models: Path) -> Iterator[Provable]:
    """A swarm that is up, its models created; nothing of it is left after."""
    patch.setenv("XDG_STATE_HOME", str(folder / "state"))
    patch.setenv("XDG_DATA_HOME", str(folder / "data"))
    with running(folder, spec, **models) as swarm:
        swarm.healthy()
        record, world = _record(folder, swarm), _world(folder, swarm)
        for source in open_spec(folder / "swarm.yml").spec.models.values():
            world.store.add(source)
        made = Provable(swarm, record, world)
        if "ollama-cpu" in record.ports:
            made.create(*models)
        yield made


def _record(folder: Path, swarm: Ejected) -> SwarmRecord:
    opened = open_spec(folder / "swarm.yml")
    spec, store = opened.spec, ModelStore(folder / "data" / "swarmctl" / "models")
    found = on(opened, Thought("cpu"))
    assert found.placement is not None
    identities = {source.key: store.fingerprint(source) for source in spec.models.values()}
    pinned = images(engine_of(spec.engine), __version__)
    made = stacks(spec, found.placement, Facts(pinned, opened.prompts, identities, found.box.cores))
    services = [
        ServiceRecord(
            name=s.name,
            kind=s.kind,
            subject=s.subject,
            settings=dict(s.settings),
            needs=s.needs,
            port=_port(swarm, s.name),
            gpu=stack.gpu,
        )
        for stack in made
        for s in stack.services
    ]
    return SwarmRecord(
        swarm=spec.name, slot=made[0].slot, runtime="compose", services=tuple(services), floor=0.5, test=None
    )


def _port(swarm: Ejected, service: str) -> int:
    try:
        return int(swarm.url(service).rpartition(":")[2])
    except ValueError:
        return 0


def _world(folder: Path, swarm: Ejected) -> World:
    state, clock = folder / "state" / "swarmctl", SystemClock()
    (state / "swarms").mkdir(parents=True, exist_ok=True)
    (state / "swarms" / swarm.file["name"].split("-slot-")[0]).symlink_to(swarm.folder)
    return World(
        clock, Ledger(state / "ledger.sqlite", clock), ModelStore(folder / "data" / "swarmctl" / "models"), state
    )
