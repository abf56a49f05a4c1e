"""A shared base without containers: what its engine and its agents are told beyond others, and who stands between."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from swarmctl.core.placement.placement import Placement, Process
from swarmctl.core.sharing.layout import adapters, edits_of, gateway_of, settings
from swarmctl.core.stack import Service


@dataclass(frozen=True, slots=True)
class Named:
    """sources: keys, by model. identities: of what they name, by key."""

    sources: Mapping[str, str]
    identities: Mapping[str, str]


def shared(placed: Placement | None) -> dict[str, Process]:
    """Model → the process that serves it and others from one base."""
    processes = placed.processes if placed else ()
    return {model: process for process in processes if edits_of(process) for model in process.models}


def joined(
    engines: Sequence[Service], agents: Sequence[Service], by: Mapping[str, Process], named: Named
) -> Iterator[Service]:
    """The same services, each base with its edits, and a gateway between it and its agents. by: as `shared` has it."""
    bases = {process.name: process for process in by.values()}
    for engine in engines:
        yield _base(engine, bases[engine.name], named) if engine.name in bases else engine
    yield from _gateways(list(bases.values()), named)
    for agent in agents:
        model = agent.settings["model"]
        yield _behind(agent, by[model]) if model in by else agent


def _base(engine: Service, process: Process, named: Named) -> Service:
    serving = process.serving
    told = {"context": serving.context, "parallel": serving.parallel, "cache_ram": serving.cache_ram}
    edits = adapters(process, named.sources, named.identities)
    return replace(engine, settings={**engine.settings, **told, "adapters": edits})


def _gateways(processes: Sequence[Process], named: Named) -> Iterator[Service]:
    """One before the shared bases of each card, or of the CPU."""
    for gpu in dict.fromkeys(process.gpu for process in processes):
        mine = [process for process in processes if process.gpu == gpu]
        name = gateway_of(gpu)
        told = settings(mine, named.sources, named.identities) | ({} if gpu is None else {"card": gpu})
        yield Service(name, "gateway", name.removeprefix("gateway-"), told, tuple(one.name for one in mine))


def _behind(agent: Service, process: Process) -> Service:
    """It asks the gateway for the model of its own name."""
    gateway = gateway_of(process.gpu)
    return replace(agent, settings={**agent.settings, "asks": gateway}, needs=(gateway,))
