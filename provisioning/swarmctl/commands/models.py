"""`models`: what the store holds, who uses it, and what may go."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from swarmctl.effects.store import AwayModel, HeldModel
from swarmctl.effects.world import World


@dataclass(frozen=True, slots=True)
class ModelLine:
    """One model of the store and the swarms that use it; or one that is not here, and the machines that have it."""

    model: HeldModel | AwayModel
    users: tuple[str, ...]
    there: tuple[str, ...] = ()


def models(world: World) -> list[ModelLine]:
    """Everything in the store, with its users; then what is on other machines alone."""
    users = _users(world)
    held = [ModelLine(item, tuple(sorted(users.get(item.key, ())))) for item in world.store.all()]
    return held + [
        ModelLine(item, tuple(sorted(users[item.key])), _machines(users[item.key], world))
        for item in world.store.away()
        if item.key in users
    ]


def _machines(swarms: set[str], world: World) -> tuple[str, ...]:
    placed = [one for swarm in sorted(swarms) if (one := world.placed(swarm)) is not None]
    return tuple(f"rented machine {one.lease}" if one.lease else one.reached.name for one in placed)


def prune(world: World, *, dry: bool) -> list[HeldModel]:
    """Remove (or with `dry` only name) the models that no swarm here uses."""
    return world.store.prune(set(_users(world)), dry=dry)


def _users(world: World) -> dict[str, set[str]]:
    users: dict[str, set[str]] = {}
    for swarm in world.known():
        record = world.record(swarm)
        for service in record.services if record else ():
            for key in _read_by(service.settings):
                users.setdefault(key, set()).add(swarm)
    return users


def _read_by(settings: Mapping[str, Any]) -> Iterator[str]:
    """The sources of a service: its model, and what is loaded beside it."""
    if "source" in settings:
        yield settings["source"]
        yield from (edit["source"] for edit in settings.get("adapters") or ())
        if settings.get("draft"):
            yield settings["draft"]
