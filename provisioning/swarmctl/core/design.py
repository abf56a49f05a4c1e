"""A spec, placed: the stack of services that it asks for."""

import hashlib
from collections.abc import Mapping
from typing import Any

from swarmctl.core.engine import FEW
from swarmctl.core.observed import Observed
from swarmctl.core.placement.placement import Placement, Process
from swarmctl.core.sharing.layout import base_of
from swarmctl.core.sharing.processes import Named, joined, shared
from swarmctl.core.spec import ORCHESTRATOR, SwarmSpec
from swarmctl.core.stack import Service, Stack


def design(spec: SwarmSpec, observed: Observed, placed: Placement | None = None) -> Stack:
    """One engine per model, or per base that edits of it share, and one agent per role, as processes of one machine.

    placed: on its cards, where it says so. Settings hold what decides how a service runs and nothing of where: no path,
    no port.
    """
    homes = {base_of(process): process for process in placed.processes} if placed else {}
    by = shared(placed)
    bases = dict.fromkeys(base_of(by[model]) if model in by else model for model in spec.models if spec.users(model))
    engines = [
        _engine(spec, observed, model, _of_card(homes.get(model)) if placed else _unplaced(spec, observed, n, model))
        for n, model in enumerate(bases)
    ]
    agents = [agent(spec, observed.prompts, role) for role in spec.roles]
    services = joined(engines, agents, by, _named(spec, observed)) if by else (*engines, *agents)
    return Stack(spec.name, "slot-0", "cpu", tuple(services))


def _named(spec: SwarmSpec, observed: Observed) -> Named:
    sources = {name: source.key for name, source in spec.models.items()}
    return Named(sources, {key: source.identity for key, source in observed.sources.items()})


def _engine(spec: SwarmSpec, observed: Observed, model: str, card: Mapping[str, Any]) -> Service:
    source, engine = spec.models[model], spec.engine
    known = observed.sources.get(source.key)
    return Service(
        name=f"engine-{model}",
        kind="engine",
        subject=model,
        settings={
            "model": model,
            "source": source.key,
            "identity": known.identity if known else source.key,
            "server": observed.engine,
            "context": spec.context_of_model(model),
            "parallel": engine.parallel,
            "kv": engine.kv,
            "flash_attention": engine.flash_attention,
            "threads": engine.threads or min(FEW if card else observed.machine.cores, observed.machine.cores),
            "cache_ram": engine.cache_ram,
            "keep_alive": -1 if engine.keep_alive is None else engine.keep_alive,
            "gpu_layers": -1 if card else 0,
            **card,
        },
    )


def _of_card(process: Process | None) -> dict[str, Any]:
    """What is said of a process on a card alone."""
    if process is None or process.gpu is None:
        return {}
    return {"card": process.gpu, "batch": process.serving.batch, "ubatch": process.serving.ubatch}


def _unplaced(spec: SwarmSpec, observed: Observed, n: int, model: str) -> dict[str, Any]:
    """The same while nothing is known of some model: dealt out by number, and placed by the next `up`."""
    if observed.cards is None or spec.models[model].device == "cpu":
        return {}
    return {"card": n % len(observed.cards.cards)}


def agent(spec: SwarmSpec, prompts: Mapping[str, str], name: str) -> Service:
    """The service of one role, beside an engine process of its model alone."""
    role, limits = spec.roles[name], spec.limits
    leads = name == ORCHESTRATOR
    return Service(
        name=f"agent-{name}",
        kind="agent",
        subject=name,
        settings={
            "role": name,
            "model": role.model,
            "prompt": hashlib.sha256(prompts.get(name, "").encode()).hexdigest()[:12],
            "context": spec.context_of(name),
            "output": role.output or limits.output,
            "requests": role.requests or limits.requests,
            "time": role.time or limits.time,
            "temperature": role.temperature,
            "slots": spec.engine.parallel * len({spec.roles[other].model for other in spec.specialists} or {1}),
            "tools": list(role.tools),
            "peers": list(spec.specialists) if leads else [],
        },
        needs=(f"engine-{role.model}",),
    )
