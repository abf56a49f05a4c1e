"""What `up` would make of published weights first: looked at, and neither fetched nor made."""

from collections.abc import Mapping
from pathlib import Path

from swarmctl.commands.convert import Decided, Wish, decide
from swarmctl.commands.converted import needs
from swarmctl.commands.convertible import published
from swarmctl.core.converting.request import USUAL
from swarmctl.core.converting.upcoming import Fold, Upcoming
from swarmctl.core.converting.upcoming import upcoming as summed
from swarmctl.core.spec import ModelSource, SwarmSpec
from swarmctl.effects.world import World
from swarmctl.errors import SwarmctlError


def upcoming(spec: SwarmSpec, world: World) -> Upcoming | None:
    """None where nothing has to be made. What cannot be told, or done, is its problem. Raises nothing of ours."""
    folds: tuple[Fold, ...] = ()
    try:
        found = needs(spec, world, (USUAL,))
        folds = of(found.folds, spec.models)
        if not found.wanted:
            return Upcoming(folds=folds) if folds else None
        decided = decide(found.wanted, Wish(), world)
    except SwarmctlError as e:
        return Upcoming(folds=folds, problem="; ".join(filter(None, (e.message, e.detail.replace("\n", "; ")))))
    if decided.is_empty and not folds:
        return None
    return summed(decided.schedule, results(decided), folds)


def results(decided: Decided) -> list[str]:
    """What becomes of each model, as `coder Q8_0`; those that are there already are left out."""
    return [
        f"{group.source.asked.name} {quant}"
        for group in decided.graph.groups
        for quant, key in group.wanted.items()
        if key not in group.held
    ]


def of(folds: Mapping[str, tuple[str, ...]], models: Mapping[str, ModelSource]) -> tuple[Fold, ...]:
    """What is read and fetched for them. Raises SpecError, HostError."""
    return tuple(_fold(base, names, models) for base, names in folds.items())


def _fold(base: str, names: tuple[str, ...], models: Mapping[str, ModelSource]) -> Fold:
    own = sum(_bytes(models[base]))
    sizes = [_bytes(models[name]) for name in names]
    return Fold(base, names, own + sum(map(sum, sizes)), sum(fetched for _, fetched in sizes))


def _bytes(source: ModelSource) -> tuple[int, int]:
    """Bytes of its weights here, and of those on a hub."""
    found = published(source.path or f"hf:{source.hf}@{source.revision}")
    if found.kind != "hub":
        folder = Path(found.where).expanduser()
        return sum(path.stat().st_size for path in folder.glob("*.safetensors") if path.is_file()), 0
    from swarmctl.effects.converting import hub  # noqa: PLC0415 - a client that folders do not need

    return 0, hub.weights_of(found)
