"""A swarm whose specialists share the weights of their base: folded into it before anything else is converted."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from swarmctl.commands.folding import Hands, fold
from swarmctl.core.converting.request import Asked
from swarmctl.core.hardware.box import Box
from swarmctl.core.model import Model
from swarmctl.core.placement.demand import Known, demand
from swarmctl.core.placement.place import place
from swarmctl.core.placement.placement import Refused
from swarmctl.core.settle import reasons
from swarmctl.core.spec import ModelSource, SwarmSpec
from swarmctl.effects import hardware
from swarmctl.effects.converting.adapters import Adapter
from swarmctl.effects.known import known
from swarmctl.effects.observe import remains
from swarmctl.effects.sharing import adopt
from swarmctl.effects.world import World
from swarmctl.errors import CapacityError, SpecError


@dataclass(frozen=True, slots=True)
class Folded:
    """The swarm with adapters in place of its specialists. bases: what must be converted of each base, by model."""

    spec: SwarmSpec
    bases: Mapping[str, Asked] = field(default_factory=dict)


def folded(spec: SwarmSpec, quant: str, by: Hands) -> Folded:
    """Adapters of all specialists where the file asks for a shared base, or `auto` comes to one.

    quant: of weights that name none. Nothing is made twice. Raises CapacityError where the swarm fits in no form,
    SpecError for a specialist that needs a model of its own, and what `fold` raises.
    """
    edits, world = edits_of(spec), by.world
    if not edits:
        return Folded(spec)
    if not shares(spec, edits, world, quant):
        return Folded(_apart(spec, edits))
    if wrong := list(_unfit(spec, edits)):
        raise SpecError(wrong[0], detail="\n".join(wrong[1:]), hint="--architecture separate: each has its own weights")
    models, bases = dict(spec.models), {}
    for base in dict.fromkeys(edits.values()):
        names = [name for name in edits if edits[name] == base]
        found, adapters = fold(spec, base, names, by)
        bases[base] = found.asked
        models |= {name: _adapter(spec.models[name], one, found.model, world) for name, one in adapters.items()}
    placement = spec.placement.model_copy(update={"architecture": "shared-base"})
    return Folded(spec.model_copy(update={"models": models, "placement": placement}), bases)


def edits_of(spec: SwarmSpec) -> dict[str, str]:
    """Specialists that roles use and that are published as weights, with the model that each is an edit of."""
    return {
        name: source.base
        for name, source in spec.models.items()
        if source.base is not None and spec.users(name) and _published(source)
    }


def _published(source: ModelSource) -> bool:
    return (source.path is not None and Path(source.path).is_dir()) or (source.hf is not None and source.file is None)


def _apart(spec: SwarmSpec, edits: Mapping[str, str]) -> SwarmSpec:
    """Each with weights of its own: nothing is shared any more, whatever else is planned."""
    plain = {name: spec.models[name].model_copy(update={"base": None}) for name in edits}
    return spec.model_copy(update={"models": {**spec.models, **plain}})


def shares(spec: SwarmSpec, edits: Mapping[str, str], world: World, quant: str) -> bool:
    """What the file says; `auto` is asked of the plan where the machine is at hand."""
    form = spec.placement.architecture
    if form != "auto" or spec.engine.kind != "llamacpp" or spec.runtime != "compose" or not spec.target.is_here:
        return form == "shared-base"
    plain = {name: spec.models[name].model_copy(update={"quant": None}) for name in edits}  # it is its base's
    asked_for = spec.model_copy(update={"models": {**spec.models, **plain}})
    placed = place(demand(asked_for, _known(spec, edits, world, quant)), _box(spec, world))
    if isinstance(placed, Refused):
        why = tuple(reasons(placed))
        raise CapacityError(why[0], detail="\n".join(why[1:]), hint="swarmctl plan --gpu here")
    return placed.architecture == "shared-base"


def _known(spec: SwarmSpec, edits: Mapping[str, str], world: World, quant: str) -> dict[str, Known]:
    """Facts of the models in the quantisations that they will have; an edit is taken to be of its base's shape."""
    models = {name: spec.models[edits.get(name, name)] for name in spec.models}
    found = known(spec.model_copy(update={"models": models}), world.store)
    return {name: _only(one, models[name].quant or quant) for name, one in found.items()}


def _only(one: Known, quant: str) -> Known:
    return replace(one, weights={quant: one.weights[quant]}) if quant in one.weights else one


def _box(spec: SwarmSpec, world: World) -> Box:
    """This machine as it would be without the swarm's own services."""
    seen = remains(spec.name, world)
    ours = sum(service.resident for service in (*seen.services, *seen.strays))
    return replace(hardware.of_machine(seen.machine), ram=max(0, int(seen.machine.ram_free + ours)))


def _unfit(spec: SwarmSpec, edits: Mapping[str, str]) -> list[str]:
    """What cannot share, as far as the file says it."""
    found = []
    if spec.engine.kind != "llamacpp":
        found.append(f"placement.architecture: shared-base needs engine.kind: llamacpp, not {spec.engine.kind}")
    for base in dict.fromkeys(edits.values()):
        if not _published(spec.models[base]):
            said = f"models.{base}: specialists are told from a base by its published weights"
            found.append(f"{said}: name its folder or repository, not {spec.models[base].key}")
    return found


def _adapter(source: ModelSource, one: Adapter, model: Model, world: World) -> ModelSource:
    """The adapter's file in the store, in place of the weights that it was made of."""
    held = adopt(world.store, one.path, one.sha256, model)
    given = {"path": str(held.blob), "sha256": held.sha256, "hf": None, "quant": None, "revision": "main"}
    return source.model_copy(update=given)
