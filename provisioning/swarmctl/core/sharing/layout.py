"""A placement as the gateway's settings: which model is which adapter on which slots of which engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from swarmctl.core.placement.placement import Process
from swarmctl.core.sharing.gatewayfile import GatewayFile, Offered, Upstream
from swarmctl.errors import SpecError


@dataclass(frozen=True, slots=True)
class Site:
    """Where things are. urls: of engines by process name, without `/v1`. adapters: file names by model.

    key_file: of the gateway. engine_key_file: of all engines. digests: sha256 of the models' files, where known.
    """

    swarm: str
    host: str
    port: int
    key_file: str
    engine_key_file: str
    urls: Mapping[str, str]
    adapters: Mapping[str, str]
    digests: Mapping[str, str]


def gateway_file(processes: Sequence[Process], site: Site) -> GatewayFile:
    """One address for all models of these llama-server processes.

    Raises SpecError where an engine's address or an adapter's file is not known.
    """
    engines = tuple(_engine(process, site) for process in processes)
    models = tuple(model for n, process in enumerate(processes) for model in offered(process, n, site.digests))
    return GatewayFile(
        swarm=site.swarm, host=site.host, port=site.port, key_file=site.key_file, engines=engines, models=models
    )


def offered(process: Process, engine: int, digests: Mapping[str, str]) -> list[Offered]:
    """The models of one process, each with slots of its own: as many for each as `parallel` gives."""
    edits = edits_of(process)
    each = max(1, process.serving.parallel // len(process.models))
    return [
        Offered(
            name=model,
            engine=engine,
            adapter=edits.index(model) if model in edits else None,
            slots=tuple(range(place * each, (place + 1) * each)),
            size=int(process.weights.total),
            digest=digests.get(model, ""),
            family=process.model.architecture,
            parameters=f"{process.weights.parameters / 1e9:.1f}B",
            quant=process.weights.quant,
        )
        for place, model in enumerate(process.models)
    ]


def edits_of(process: Process) -> list[str]:
    """The models that are adapters of the process's base, in the order of their ids."""
    base = process.name.removeprefix("engine-")
    return [model for model in process.models if model != base]


def _engine(process: Process, site: Site) -> Upstream:
    edits = edits_of(process)
    missing = [model for model in edits if model not in site.adapters]
    if process.name not in site.urls or missing:
        what = f"no adapter's file for {', '.join(missing)}" if missing else f"no address of {process.name}"
        raise SpecError(f"the gateway cannot be told of {process.name}: {what}", hint="swarmctl models show")
    return Upstream(
        url=site.urls[process.name],
        key_file=site.engine_key_file,
        context=process.serving.context,
        slots=process.serving.parallel,
        adapters=tuple(site.adapters[model] for model in edits),
    )
