"""A machine with containers, on paper: from nothing, and as it is once a plan was carried out."""

from dataclasses import replace
from pathlib import Path

from fakes.smollm import smollm
from swarmctl.core.composed import Composed, composed, host_of, running_services, used_images
from swarmctl.core.composehost import ComposeHost, Resident, ServerSeen
from swarmctl.core.composesite import ComposeSite
from swarmctl.core.machine import Gpu, Machine
from swarmctl.core.modelfile import modelfile, read
from swarmctl.core.observed import Observed, RunningService, Source
from swarmctl.core.placement.demand import Known
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.specfile import Override, load
from swarmctl.core.stack import Service, stack_hash
from swarmctl.core.stackfiles import asked, of_kind, stack_files
from swarmctl.effects import hardware
from swarmctl.effects.gguf import read_gguf
from swarmctl.effects.templates import modelfile_templates, stack_templates

ROOT = Path(__file__).resolve().parents[2]
DIGEST = "ab" * 32


def tiny(*overrides: tuple[str, object]) -> SwarmSpec:
    """seven-tiny, with values changed by their path."""
    file = ROOT / "inventory" / "swarms" / "seven-tiny.yml"
    said = [Override(tuple(path.split(".")), value, "test") for path, value in overrides]
    return load(file.read_bytes(), source=file.name, overrides=said).spec


def nothing(spec: SwarmSpec, cards: int = 0, docker: str = "28.2.2") -> Observed:
    """A machine with a Docker Engine, the models in its store, and nothing of the swarm."""
    gpus = tuple(Gpu("NVIDIA GeForce RTX 4090", 24564, "8.9", f"GPU-{n}") for n in range(cards))
    machine = Machine("case", "Linux x86_64", 8, 32000, 30000, 99000, gpus)
    facts = read_gguf(smollm())
    known = {name: Known(facts.model, {facts.weights.quant: facts.weights}) for name in spec.models}
    host = ComposeHost(
        docker,
        hardware.of_machine(machine),
        ComposeSite(stack_templates(), "/srv/swarm", "/srv/models", {}),
        "1.2.3",
        modelfiles=modelfile_templates(),
        known=known,
        digests={source.key: DIGEST for source in spec.models.values()},
    )
    return Observed(
        machine=machine,
        sources={source.key: Source(source.key, True, facts) for source in spec.models.values()},
        prompts={role: f"You are {role}." for role in spec.roles},
        compose=host,
    )


def made(spec: SwarmSpec, observed: Observed) -> Composed:
    """The swarm's stacks on this machine; it must fit."""
    found = composed(spec, observed)
    assert isinstance(found, Composed), found
    return found


def after_up(spec: SwarmSpec, observed: Observed) -> Observed:
    """The same machine once `up` is through: containers run, models are served, and it was proved."""
    found, host = made(spec, observed), host_of(observed)
    images = {name: f"sha256:{n:064x}" for n, name in enumerate(used_images(found.stacks))}
    services = [(stack.gpu, s) for stack in found.stacks for s in running_services(stack)]
    return replace(
        observed,
        prepared=True,
        ports=dict(found.site.ports),
        services=tuple(_running(s, gpu, found) for gpu, s in services),
        proved=stack_hash(found.stacks),
        compose=replace(
            host,
            images=images,
            running={s.name: images[str(s.settings["image"])] for _, s in services},
            written=stack_files(found.stacks, found.site, observed.prompts),
            servers={s.name: _server(found, s.name, host) for s in of_kind(found.stacks, "engine")},
        ),
    )


def _running(service: Service, gpu: str, found: Composed) -> RunningService:
    card = found.site.card(gpu) if service.kind == "engine" else ""
    return RunningService(service.name, service.hash, "running", 7, gpu=gpu, card=card)


def _server(found: Composed, name: str, host: ComposeHost) -> ServerSeen:
    mine = [s for s in of_kind(found.stacks, "model") if s.needs == (name,)]
    created = {s.subject: read(modelfile(asked(s, found.site, DIGEST), host.modelfiles)) for s in mine}
    loaded = {s.subject: Resident(s.settings["context"], _left(s.settings["keep_alive"])) for s in mine}
    return ServerSeen(created, loaded)


def _left(keep_alive: int) -> float:
    return float("inf") if keep_alive < 0 else keep_alive - 5.0
