"""The models of seven-tiny, from where the ground keeps them into a model store."""

from pathlib import Path

from ground.places import ROLES, tiny
from swarmctl.core.spec import ModelSource
from swarmctl.effects.store import ModelStore


def ready() -> list[Path]:
    """The seven files, by role."""
    return [tiny(role) for role in ROLES]


def source(role: str) -> ModelSource:
    """As inventory/swarms/seven-tiny.yml names it."""
    return ModelSource(hf="swarmctl/seven-tiny", file=f"{role}.gguf")


def adopt(store: Path) -> None:
    """Put all seven into the store under this folder; those that are there stay."""
    models = ModelStore(store)
    for role in ROLES:
        if models.held(source(role)) is None:
            models.adopt(source(role), tiny(role))
