"""`models push|pull|export|import` and `show`: models to other machines, with how they were made and their proofs."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from swarmctl.core.converting.artifact import Carried, Reference, reference
from swarmctl.core.converting.certificate import Certificate
from swarmctl.core.converting.request import named
from swarmctl.effects.converting import archive
from swarmctl.effects.converting.registry import Far, Registry
from swarmctl.effects.converting.results import Result, Results
from swarmctl.effects.paths import private
from swarmctl.effects.store import HeldModel
from swarmctl.effects.world import World
from swarmctl.errors import SpecError


def _quietly(_done: int, _total: int) -> None:
    pass


def export(world: World, words: Sequence[str], file: Path) -> list[str]:
    """Write models into one file; all of the store's where none is named. Gives their keys."""
    chosen = pick(world, words)
    results = Results(world.store)
    archive.write([(_carried(one, results), _title(one, results)[0], one.blob) for one in chosen], file)
    return [one.key for one in chosen]


def take(world: World, file: Path) -> list[str]:
    """Read all models of such a file into the store. Gives their keys."""
    results = Results(world.store)
    with results.lock("store", shared=True):
        folder = private(world.store.root / "incoming" / "carried")
        return [_keep(world, results, model, weights) for model, weights in archive.read(file, folder)]


def push(world: World, registry: str, words: Sequence[str], far: Far = _quietly) -> Iterator[str]:
    """Send models to a registry, each as `name:quant` under it; gives a line for each."""
    to, results = reference(registry), Results(world.store)
    chosen = pick(world, words)
    if to.tag and len(chosen) > 1:
        raise SpecError(f"{to} is the place of one model, and {len(chosen)} are to be sent", hint="leave out the tag")
    with Registry(to.host) as there:
        for one in chosen:
            name, quant = _title(one, results)
            place = to if to.tag else Reference(to.host, f"{to.name}/{name}", quant)
            sent = there.push(place, _carried(one, results), one.blob, far)
            yield f"{place}: {'sent' if sent else 'its weights were there already'}"


def pull(world: World, text: str, far: Far = _quietly) -> str:
    """Fetch one model from a registry into the store. Gives its key."""
    of, results = reference(text), Results(world.store)
    with results.lock("store", shared=True), Registry(of.host) as there:
        folder = private(world.store.root / "incoming" / "carried")
        model, weights = there.pull(of, folder, far)
        return _keep(world, results, model, weights)


@dataclass(frozen=True, slots=True)
class Proof:
    """One model: how it was made and what proves it; None for neither."""

    model: HeldModel
    made: Result | None
    certificate: Certificate | None


def proofs(world: World, words: Sequence[str]) -> list[Proof]:
    """What proves models of the store. Raises SpecError."""
    results = Results(world.store)
    found = []
    for one in pick(world, words):
        raw = results.certificate(one.sha256)
        found.append(Proof(one, results.of(one.key), None if raw is None else Certificate.from_json(raw)))
    return found


def pick(world: World, words: Sequence[str]) -> list[HeldModel]:
    """Models of the store by key, name, or the beginning of their hash; all of them for none. Raises SpecError."""
    held, results = world.store.all(), Results(world.store)
    if not held:
        raise SpecError("the store is empty", hint="swarmctl convert FOLDER")
    found: dict[str, HeldModel] = {}
    for word in words:
        hits = [one for one in held if _is(one, word, results)]
        if not hits:
            raise SpecError(f"the store has no model {word[:80]!r}", detail="\n".join(one.key for one in held))
        found |= {one.key: one for one in hits}
    return list(found.values()) if words else held


def _is(model: HeldModel, word: str, results: Results) -> bool:
    name, quant = _title(model, results)
    return word in {model.key, name, f"{name}:{quant}"} or (len(word) >= 8 and model.sha256.startswith(word))


def _title(model: HeldModel, results: Results) -> tuple[str, str]:
    """Name and quantisation for people and registries."""
    made = results.of(model.key)
    quant = made.quant if made else model.facts.weights.quant
    name = made.name if made else named(model.key.rpartition("#")[0].rpartition("@")[0] or model.key)
    return name, quant.lower()


def _carried(model: HeldModel, results: Results) -> Carried:
    made = results.of(model.key)
    certificate = results.certificate(model.sha256)
    known = certificate if isinstance(certificate, dict) else None
    return Carried(model.key, model.sha256, model.bytes, asdict(made) if made else None, known)


def _keep(world: World, results: Results, model: Carried, weights: Path) -> str:
    """The model counts here as it did where it was made."""
    world.store.take(model.key, weights, model.sha256)
    weights.unlink(missing_ok=True)
    if model.certificate is not None:
        results.certify(model.sha256, dict(model.certificate))
    made = Result.read(model.conversion)
    if made is not None and (made.held, made.sha256) == (model.key, model.sha256):
        results.put(made)
    return model.key
