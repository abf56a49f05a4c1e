"""A swarm as processes on another machine: when a file allows that, what becomes of it, and what is lost by it."""

from collections.abc import Mapping

from swarmctl.core.spec import SwarmSpec

NAMED = ("runtime", "engine.kind", "engine.image", "engine.version", "engine.on_cpu")
"""What, where a file or a flag names it, says how services run."""

LOST = (
    "no Docker there: services run as processes of one user, without walls between agents or towards the network",
    "models run on its processors by the engine in our wheel (llama.cpp); its card is not used",
)
"""A line each, said before the yes."""


def may_be_processes(spec: SwarmSpec, origins: Mapping[str, str]) -> bool:
    """Nobody said that it must be containers."""
    return spec.runtime == "compose" and not spec.target.is_here and not any(name in origins for name in NAMED)


def as_processes(spec: SwarmSpec) -> SwarmSpec:
    """The same swarm with the process runtime and its engine."""
    plain = {"kind": "llamacpp", "image": None, "version": None, "on_cpu": None}
    engine = spec.engine.model_copy(update=plain)
    return spec.model_copy(update={"runtime": "process", "engine": engine})


def on_processors(spec: SwarmSpec) -> SwarmSpec:
    """As the process runtime serves it, for whoever works out how much machine it needs."""
    models = {
        name: source.model_copy(update={"device": source.device or "cpu"}) for name, source in spec.models.items()
    }
    return spec.model_copy(update={"models": models})
