"""A gateway in a stack: from a placement to its settings, and from those to the file that its process reads."""

from collections.abc import Mapping, Sequence
from typing import Any

from swarmctl.core.placement.placement import Process
from swarmctl.core.sharing.gatewayfile import GatewayFile, Offered, Upstream

_SHA256 = "sha256:"


def base_of(process: Process) -> str:
    """The model whose weights are loaded: the one the process is named after, which no role need use itself."""
    return process.name.removeprefix("engine-")


def edits_of(process: Process) -> list[str]:
    """The models that are adapters of the process's base, in the order of their ids."""
    return [model for model in process.models if model != base_of(process)]


def adapters(process: Process, sources: Mapping[str, str], identities: Mapping[str, str]) -> list[dict[str, str]]:
    """The files beside the base's, in the order of their ids. sources: keys, by model. identities: by key."""
    keys = {model: sources[model] for model in edits_of(process)}
    return [{"model": model, "source": key, "identity": identities.get(key, key)} for model, key in keys.items()]


def gateway_of(gpu: int | None) -> str:
    """The service before the shared bases of one card, or of the CPU."""
    return f"gateway-{'cpu' if gpu is None else f'gpu{gpu}'}"


def settings(
    processes: Sequence[Process], sources: Mapping[str, str], identities: Mapping[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """What decides how a gateway before these processes runs, and nothing of where. sources: keys, by model.

    identities: of the sources, by key; of one that is a file of this machine its hash is the model's digest.
    """
    return {
        "engines": [
            {
                "service": process.name,
                "context": process.serving.context,
                "slots": process.serving.parallel,
                "adapters": [sources[model] for model in edits_of(process)],
            }
            for process in processes
        ],
        "models": [
            one.model_dump(mode="json")
            for n, process in enumerate(processes)
            for one in offered(process, n, {model: identities.get(sources[model], "") for model in process.models})
        ],
    }


def offered(process: Process, engine: int, identities: Mapping[str, str]) -> list[Offered]:
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
            digest=_digest(identities.get(model, "")),
            family=process.model.architecture,
            parameters=f"{process.weights.parameters / 1e9:.1f}B",
            quant=process.weights.quant,
        )
        for place, model in enumerate(process.models)
    ]


def gateway_file(
    told: Mapping[str, Any], urls: Mapping[str, str], files: Mapping[str, str], **where: Any
) -> GatewayFile:
    """The settings file of a gateway with these settings. urls: of its engines by service, without `/v1`.

    files: names of the adapters' files by source, as its engines list them. where: swarm, host, port, key_file; the
    engines demand the same key.
    """
    engines = [
        Upstream(
            url=urls[one["service"]],
            key_file=where["key_file"],
            context=one["context"],
            slots=one["slots"],
            adapters=tuple(files[source] for source in one["adapters"]),
        )
        for one in told["engines"]
    ]
    return GatewayFile(engines=tuple(engines), models=tuple(map(Offered.model_validate, told["models"])), **where)


def _digest(identity: str) -> str:
    return identity.removeprefix(_SHA256) if identity.startswith(_SHA256) else ""
