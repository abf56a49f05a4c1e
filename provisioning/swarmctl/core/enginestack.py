"""Processes of a placement as services of a stack: one Ollama for all of a card, or one llama-server each."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from swarmctl.core.chatfamily import family
from swarmctl.core.engine import FEW
from swarmctl.core.enginemodel import engine_model
from swarmctl.core.engines.engine import Engine, engine_of
from swarmctl.core.engines.environment import ollama_environment
from swarmctl.core.images import Images
from swarmctl.core.placement.placement import Placement, Process
from swarmctl.core.sharing.layout import adapters, base_of, edits_of, gateway_of, settings
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.stack import Service
from swarmctl.errors import SpecError

SERVER = 512
"""MiB beside what the processes reserve: the server's own, and pages of files that are being written."""
MARGIN = 1.25
"""A limit is for what goes wrong: a process that reserves what was planned never meets it."""
GATEWAY = 256
"""MiB that a gateway's container may take: 45 idle, the rest for requests on their way."""
_WHERE = frozenset(("OLLAMA_HOST",))


@dataclass(frozen=True, slots=True)
class Facts:
    """What a placement does not say. prompts: by role. identities: of sources by key. cores: of the machine."""

    images: Images
    prompts: Mapping[str, str] = field(default_factory=dict)
    identities: Mapping[str, str] = field(default_factory=dict)
    cores: int = 1


@dataclass(frozen=True, slots=True)
class Home:
    """What an agent must know of what serves its model: an engine, or the gateway before it."""

    service: str
    model: str
    context: int


def engines(spec: SwarmSpec, placed: Placement, gpu: int | None, facts: Facts) -> tuple[list[Service], dict[str, Home]]:
    """The engine services of one card, or with None of the CPU, and where each role's model is.

    Raises SpecError for an engine that is only planned for, and for a draft model under Ollama.
    """
    here = [process for process in placed.processes if process.gpu == gpu]
    kind = spec.engine.kind if gpu is not None else spec.engine.on_cpu or spec.engine.kind
    if kind == "vllm":
        raise SpecError("engine.kind: vllm is planned for, and not run", hint="--engine ollama   (or llamacpp)")
    if kind == "ollama":
        return _ollama(spec, placed, here, facts)
    found = [_server(spec, placed, process, facts) for process in here]
    if shared := [process for process in here if edits_of(process)]:
        found.append(_gateway(spec, shared, facts))
    return found, {role: _beside(process, role, spec) for process in here for role in process.roles}


def limit(processes: Sequence[Process]) -> int:
    """MiB that a container with these processes may take, in steps of 64."""
    needed = MARGIN * sum(process.need.host.total for process in processes) + SERVER
    return 64 * math.ceil(needed / 64)


def _ollama(
    spec: SwarmSpec, placed: Placement, here: Sequence[Process], facts: Facts
) -> tuple[list[Service], dict[str, Home]]:
    gpu = here[0].gpu
    place = "cpu" if gpu is None else f"gpu{gpu}"
    most = len(here) if gpu is None else placed.max_loaded.get(gpu, len(here))
    ages = [age for p in here if (age := placed.keep_alive.get(p.models[0], -1)) >= 0]
    engine = engine_of(spec.engine.model_copy(update={"kind": "ollama"}))
    written = ollama_environment(engine, here, most, min(ages, default=-1))
    server = Service(
        f"ollama-{place}",
        "engine",
        place,
        {
            "engine": "ollama",
            "image": facts.images.ollama,
            "environment": {key: value for key, value in written.items() if key not in _WHERE},
            "gpu": gpu is not None,
            "memory": limit(here),
        },
    )
    models = [_model(spec, placed, process, facts, engine, server.name) for process in here]
    homes = {role: Home(server.name, p.models[0], p.serving.context) for p in here for role in p.roles}
    return [server, *models], homes


def _model(spec: SwarmSpec, placed: Placement, process: Process, facts: Facts, engine: Engine, server: str) -> Service:
    """What a Modelfile will say, but for the file. A chat format that we know is written, whatever the file carries."""
    name = process.models[0]
    if process.serving.draft is not None:
        raise SpecError(f"models.{name}.draft: Ollama is given no draft model", hint="--engine llamacpp")
    source = spec.models[name].key
    unknown = family("", process.model.architecture, process.model.name) is None
    told = engine_model(spec, process, engine, "", "", carries=unknown)
    return Service(
        f"model-{name}",
        "model",
        name,
        {
            "model": name,
            "source": source,
            "identity": facts.identities.get(source, source),
            "quant": process.weights.quant,
            "family": told.family,
            "context": told.context,
            "output": told.output,
            "batch": told.batch,
            "temperature": told.temperature,
            "threads": told.threads,
            "device": told.device,
            "keep_alive": placed.keep_alive.get(name, -1),
        },
        needs=(server,),
    )


def _server(spec: SwarmSpec, placed: Placement, process: Process, facts: Facts) -> Service:
    base, serving = base_of(process), process.serving
    source = spec.models[base].key
    draft = spec.models[base].draft if serving.draft is not None else None
    return Service(
        process.name,
        "engine",
        base,
        {
            "engine": "llamacpp",
            "image": facts.images.llamacpp,
            "model": base,
            "source": source,
            "identity": facts.identities.get(source, source),
            "quant": process.weights.quant,
            "adapters": adapters(process, {name: one.key for name, one in spec.models.items()}, facts.identities),
            "draft": spec.models[draft].key if draft else None,
            "context": serving.context,
            "parallel": serving.parallel,
            "kv": serving.kv,
            "flash_attention": serving.flash_attention,
            "threads": spec.engine.threads or (min(FEW, facts.cores) if serving.device == "gpu" else facts.cores),
            "cache_ram": serving.cache_ram,
            "keep_alive": -1 if spec.engine.keep_alive is None else placed.keep_alive.get(base, -1),
            "gpu_layers": 0 if serving.device == "cpu" else -1,
            "experts_on_cpu": serving.device == "experts-on-cpu",
            "yarn": serving.yarn,
            "trained": process.model.context,
            "batch": serving.batch,
            "ubatch": serving.ubatch,
            "gpu": process.gpu is not None,
            "memory": limit([process]),
        },
    )


def _gateway(spec: SwarmSpec, shared: Sequence[Process], facts: Facts) -> Service:
    sources = {name: source.key for name, source in spec.models.items()}
    told = settings(shared, sources, facts.identities)
    name = gateway_of(shared[0].gpu)
    whole = {"image": facts.images.agent, "memory": GATEWAY, **told}
    return Service(name, "gateway", name.removeprefix("gateway-"), whole, tuple(one.name for one in shared))


def _beside(process: Process, role: str, spec: SwarmSpec) -> Home:
    """Alone in a process a role asks it; in a shared base it asks the gateway, for the model of its own name.

    llama-server answers a request without `lora` with all adapters summed, and drops a slot's cache when the adapter
    on it changes: the gateway says both for each model.
    """
    if not edits_of(process):
        return Home(process.name, base_of(process), process.serving.context)
    return Home(gateway_of(process.gpu), spec.roles[role].model, process.serving.context)
