"""A swarm over several hosts, split into a swarm for each."""

from collections.abc import Iterator
from typing import Any

from swarmctl.core.parts.names import part_name
from swarmctl.core.parts.partspec import FIRST_PORT, Beyond, PartSpec
from swarmctl.core.spec import ORCHESTRATOR, ModelSource, SwarmSpec
from swarmctl.core.target import LocalTarget, Place, Target

ENGINES, AGENTS = "engines", "agents"
"""Slots of a swarm whose agents are here and whose models are not."""


def slots_of(spec: SwarmSpec) -> dict[str, Place]:
    """The machine of each slot; none for a swarm that is on one machine."""
    target = spec.target
    if spec.agents == "here" and (target.ssh or target.vast):
        return {ENGINES: Place(ssh=target.ssh, vast=target.vast), AGENTS: Place(local=LocalTarget())}
    return dict(target.slots)


def homes(spec: SwarmSpec) -> dict[str, str]:
    """The slot of each role. One that names none goes where its model is asked for, else to the first slot."""
    slots = tuple(spec.target.slots)
    of_model: dict[str, str] = {}
    for role in spec.roles.values():
        if role.slot is not None:
            of_model.setdefault(role.model, role.slot)
    return {name: role.slot or of_model.get(role.model, slots[0]) for name, role in spec.roles.items()}


def notes(spec: SwarmSpec) -> Iterator[str]:
    """What nobody wrote and was decided, and what lies between two hosts; for the plan."""
    if not spec.target.slots:
        yield "agents and the repository stay here; what they ask goes to the models there, with the code that is in it"
        return
    for name, slot in homes(spec).items():
        if spec.roles[name].slot is None:
            beside = any(role.slot == slot and role.model == spec.roles[name].model for role in spec.roles.values())
            why = "beside its model" if beside else "the first one"
            yield f"{name} names no slot and goes to {slot}, {why}"
    away = [name for name, place in spec.target.slots.items() if not place.is_here]
    if len(away) > 1:
        yield f"{' and '.join(away)} meet through this computer: while it is off, steps for another host wait or fail"
    elif away:
        yield f"{away[0]} is reached from this computer: while it is off, steps for another host wait or fail"


def split(spec: SwarmSpec) -> tuple[PartSpec, ...]:
    """A part for each slot, in the file's order: every role is in one, and each knows those that it talks to.

    Where agents are here and models are not, every role is in both, with its model there and its agent here.
    """
    if not spec.target.slots:
        return _engines(spec), _agents(spec)
    home = homes(spec)
    return tuple(_part(spec, slot, home) for slot in spec.target.slots)


def _part(spec: SwarmSpec, slot: str, home: dict[str, str]) -> PartSpec:
    place = spec.target.slots[slot]
    roles = {name: role for name, role in spec.roles.items() if home[name] == slot}
    away = [name for name in spec.roles if home[name] != slot and _talk(name, roles)]
    ports = {name: FIRST_PORT + n for n, name in enumerate(spec.roles)}
    others = {spec.roles[name].model for name in away if name != ORCHESTRATOR}
    return _made(
        spec,
        slot,
        place,
        roles=roles,
        models=_models(spec, {role.model for role in roles.values()}),
        beyond=tuple(Beyond(role=name, slot=home[name], port=ports[name]) for name in away),
        answered=spec.engine.parallel * len(others),
    )


def _engines(spec: SwarmSpec) -> PartSpec:
    """One process a model: its name is what agents ask for, wherever they are."""
    plain = spec.placement.model_copy(update={"architecture": "separate"})
    return _made(spec, ENGINES, slots_of(spec)[ENGINES], serves="engines", placement=plain)


def _agents(spec: SwarmSpec) -> PartSpec:
    used = dict.fromkeys(role.model for role in spec.roles.values())
    others = {spec.roles[name].model for name in spec.specialists}
    asked = {model: FIRST_PORT + n for n, model in enumerate(used)}
    answered = spec.engine.parallel * len(others)
    return _made(spec, AGENTS, Place(local=LocalTarget()), serves="agents", models={}, asked=asked, answered=answered)


def _made(spec: SwarmSpec, slot: str, place: Place, **more: Any) -> PartSpec:
    fields: dict[str, Any] = {name: getattr(spec, name) for name in type(spec).model_fields}
    fields |= {
        "name": part_name(spec.name, slot),
        "target": Target(local=place.local, ssh=place.ssh, vast=place.vast),
        "agents": "there",
        "team": tuple(spec.roles),
    }
    return PartSpec.model_construct(**fields | more)


def _talk(other: str, roles: object) -> bool:
    """Specialists talk to the orchestrator alone, and it to all."""
    return other == ORCHESTRATOR or (isinstance(roles, dict) and ORCHESTRATOR in roles)


def _models(spec: SwarmSpec, used: set[str]) -> dict[str, ModelSource]:
    """Those that the part's roles use, with what these stand on: bases and drafts."""
    wanted = set(used)
    for name in used:
        wanted |= {other for other in (spec.models[name].base, spec.models[name].draft) if other}
    return {name: source for name, source in spec.models.items() if name in wanted}
