"""`models`: what the store holds, who uses it, and what may go."""

from dataclasses import dataclass

from swarmctl.effects.store import HeldModel
from swarmctl.effects.world import World


@dataclass(frozen=True, slots=True)
class ModelLine:
    """One model of the store and the swarms here that use it."""

    model: HeldModel
    users: tuple[str, ...]


def models(world: World) -> list[ModelLine]:
    """Everything in the store, with its users."""
    users = _users(world)
    return [ModelLine(item, tuple(sorted(users.get(item.key, ())))) for item in world.store.all()]


def prune(world: World, *, dry: bool) -> list[HeldModel]:
    """Remove (or with `dry` only name) the models that no swarm here uses."""
    return world.store.prune(set(_users(world)), dry=dry)


def _users(world: World) -> dict[str, set[str]]:
    users: dict[str, set[str]] = {}
    for swarm in world.known():
        record = world.record(swarm)
        for service in record.services if record else ():
            if "source" in service.settings:
                users.setdefault(service.settings["source"], set()).add(swarm)
    return users
