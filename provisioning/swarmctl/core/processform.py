"""A swarm as processes on another machine: when a file allows that, what becomes of it, and what is lost by it."""

from collections.abc import Mapping

from swarmctl.core.leasing.order import CONTAINER_IMAGE, ENGINE_IMAGE
from swarmctl.core.spec import SwarmSpec

NAMED = ("runtime", "engine.kind", "engine.image", "engine.version", "engine.on_cpu")
"""What, where a file or a flag names it, says how services run."""

WALLS = "no Docker there: services run as processes of one user, without walls between agents or towards the network"


def lost(spec: SwarmSpec) -> tuple[str, ...]:
    """What is to be known of processes on a rented machine, a line each, said before the yes."""
    if not uses_card(spec):
        return (WALLS, "models run on its processors by the engine in our wheel (llama.cpp); its card is not used")
    return (WALLS, f"models run on its card by the llama-server of {rental_image(spec)}")


def uses_card(spec: SwarmSpec) -> bool:
    """A model is not kept to the processors."""
    return any(source.device != "cpu" for name, source in spec.models.items() if spec.users(name))


def rental_image(spec: SwarmSpec) -> str:
    """What a container is rented with: the file's own image, or one with an engine where a card is to be used."""
    return spec.engine.image or (ENGINE_IMAGE if uses_card(spec) else CONTAINER_IMAGE)


def may_be_processes(spec: SwarmSpec, origins: Mapping[str, str]) -> bool:
    """Nobody said that it must be containers."""
    return spec.runtime == "compose" and not spec.target.is_here and not any(name in origins for name in NAMED)


def as_processes(spec: SwarmSpec) -> SwarmSpec:
    """The same swarm with the process runtime and its engine."""
    plain = {"kind": "llamacpp", "image": None, "version": None, "on_cpu": None}
    engine = spec.engine.model_copy(update=plain)
    return spec.model_copy(update={"runtime": "process", "engine": engine})


def on_processors(spec: SwarmSpec) -> SwarmSpec:
    """As it is served where no server uses a card, for whoever works out how much machine it needs."""
    models = {
        name: source.model_copy(update={"device": source.device or "cpu"}) for name, source in spec.models.items()
    }
    return spec.model_copy(update={"models": models})
