"""A swarm as processes of one machine: placed on its cards or processors, and what gave way written back into it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from swarmctl.core.gguf import GgufFacts
from swarmctl.core.hardware.box import Box
from swarmctl.core.observed import Observed, Source
from swarmctl.core.placement.demand import Known, demand
from swarmctl.core.placement.place import place
from swarmctl.core.placement.placement import Placement, Refused
from swarmctl.core.sharing.foldable import foldable, whole
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.units import as_size


@dataclass(frozen=True, slots=True)
class Settled:
    """spec: with the values that hold here. placement: None where a model is not known yet, or nothing fits."""

    spec: SwarmSpec
    placement: Placement | None = None
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def settle(spec: SwarmSpec, observed: Observed) -> Settled:
    """Place a swarm on the cards that its engine uses, else on the processors, with what its file lets give way."""
    if wrong := (*unserved(spec), *_idle(spec, observed)):
        return Settled(spec, refusals=wrong)
    known = _known(spec, observed)
    if wrong := tuple(_unsharable(spec, known)):
        return Settled(spec, refusals=wrong)
    if known is None:
        return Settled(spec)
    asked = demand(_as_here(spec, known), known, server="binary" if observed.engine == "binary" else "wheel")
    found, small = box(observed), ""
    placed = place(asked, found)
    if isinstance(placed, Refused) and found.cards and spec.target.vast is None:
        small = f"models run on the processors: {next(reasons(placed))}"
        placed = place(asked, replace(found, cards=()))
    if isinstance(placed, Refused):
        return Settled(spec, refusals=tuple(reasons(placed)))
    gave = tuple(f"{one.what} gave way, {one.before} → {one.after}: {one.cause}" for one in placed.gave)
    return Settled(_conceded(spec, placed), placed, notes=(*gave, *_on_cards(placed, found), *filter(None, (small,))))


def box(observed: Observed) -> Box:
    """This machine with the cards that its engine uses; memory of our own processes is free."""
    ours = sum(service.resident for service in (*observed.services, *observed.strays))
    machine, ram = observed.machine, max(0, int(observed.machine.ram_free + ours))
    if observed.cards is not None:
        return replace(observed.cards, ram=ram)
    return Box(machine.name, ram=ram, cores=machine.cores)


def _on_cards(placed: Placement, found: Box) -> Iterator[str]:
    for number, card in enumerate(found.cards):
        names = [process.name for process in placed.processes if process.gpu == number]
        if names:
            taken = as_size(placed.on(number).total)
            yield f"gpu{number} ({card.name}): {', '.join(names)}, {taken} of {as_size(card.usable)}"


def _idle(spec: SwarmSpec, observed: Observed) -> Iterator[str]:
    """Models that are to be on a card where none is used: their file says so, or the card is paid for."""
    if observed.cards is not None:
        return
    why = observed.idle or "nvidia-smi names none"
    for name, source in spec.models.items():
        if spec.users(name) and source.device != "cpu" and (source.device == "gpu" or spec.target.vast is not None):
            yield f"models.{name}: no card can be used: {why}; on processors with: device: cpu"


def unserved(spec: SwarmSpec) -> Iterator[str]:
    """What can be planned and not be served by processes."""
    if spec.engine.kind != "llamacpp":
        yield f"engine.kind: {spec.engine.kind} needs Docker; what serves here is --set engine.kind=llamacpp"
    if spec.engine.max_loaded is not None and spec.engine.max_loaded < sum(1 for m in spec.models if spec.users(m)):
        yield "engine.max_loaded: every model has a process of its own here, and stays loaded: leave it out"
    if spec.placement.architecture == "hybrid":
        yield "placement.architecture: hybrid is not served here yet: --architecture separate"
    for name, source in spec.models.items():
        if source.device not in {None, "cpu", "gpu"}:
            yield f"models.{name}.device: {source.device} is served by containers alone: gpu or cpu"
        if source.draft is not None or source.yarn > 1:
            yield f"models.{name}: {'draft' if source.draft else 'yarn'} is not served here yet: leave it out"


def _known(spec: SwarmSpec, observed: Observed) -> dict[str, Known] | None:
    """Facts of every model; None as long as nothing is known of one that is used, or of a base that is to be shared."""
    found, bases = {}, _bases(spec)
    for name, source in spec.models.items():
        seen = observed.sources.get(source.key)
        if seen is not None and seen.facts is not None:
            found[name] = _fact(seen, seen.facts)
        elif spec.users(name) or name in bases:
            return None
    return {name: one.on(found.get(spec.models[name].base or "")) for name, one in found.items()}


def _fact(seen: Source, facts: GgufFacts) -> Known:
    """In the one quantisation that its file has, or will have."""
    adapter = facts.file_bytes if facts.adapter else 0
    return Known(facts.model, {facts.weights.quant: facts.weights}, adapter, published=bool(seen.cause))


def _bases(spec: SwarmSpec) -> set[str]:
    if spec.placement.architecture != "shared-base":
        return set()
    return {source.base for name, source in spec.models.items() if source.base and spec.users(name)}


def _unsharable(spec: SwarmSpec, known: dict[str, Known] | None) -> Iterator[str]:
    """What speaks against a shared base, which is placed as a whole or not at all."""
    if known is not None:
        yield from whole(spec, known)
    elif spec.placement.architecture == "shared-base":
        yield (
            "placement.architecture: shared-base is planned with the facts of all models, and of some nothing is known "
            "until they are fetched: name files or folders that are here, or models of the catalogue"
        )


def _as_here(spec: SwarmSpec, known: dict[str, Known]) -> SwarmSpec:
    """The file as far as this machine can serve it: each model in the one file that it names, and a base shared where
    the file says so.
    """
    settings = spec.placement
    if settings.architecture == "auto":
        settings = settings.model_copy(update={"architecture": "separate"})
    models = {
        name: source.model_copy(update={"quant": None, "base": source.base if source.base in known else None})
        for name, source in spec.models.items()
    }
    return foldable(spec.model_copy(update={"placement": settings, "models": models}), known)


def _conceded(spec: SwarmSpec, placed: Placement) -> SwarmSpec:
    """The file with what gave way in its place; the same file where nothing did."""
    home = {role: process for process in placed.processes for role in process.roles}
    first = placed.processes[0]
    each = max(1, first.serving.parallel // len(first.models))
    engine = spec.engine.model_copy(update={"kv": first.serving.kv, "parallel": each})
    roles = {}
    for name, role in spec.roles.items():
        if name in home:
            mine = home[name].models
            changes: dict[str, object] = {"model": role.model if role.model in mine else mine[0]}
            if home[name].serving.context < spec.context_of(name):
                changes["context"] = home[name].serving.context
            roles[name] = role.model_copy(update=changes)
    return spec.model_copy(update={"engine": engine, "roles": roles})


def reasons(refused: Refused) -> Iterator[str]:
    """Why nothing fits, and what would."""
    yield from (refusal.text for refusal in refused.refusals)
    ways = [way.text + (f" ({' '.join(way.flags)})" if way.flags else "") for way in refused.ways]
    yield (
        f"what would fit: {'; '.join(ways)}"
        if ways
        else "no smaller setting fits either: a smaller model, or another machine"
    )


def too_large(needed: float, free: float) -> Iterator[str]:
    """What is known already of a swarm of which not everything is known is too much."""
    if needed > free:
        short = as_size(needed - free)
        yield f"{as_size(needed)} of memory are needed and {as_size(free)} are free: {short} too little"
