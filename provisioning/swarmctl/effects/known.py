"""What planning must know of a swarm's models: from the file that is named, the catalogue, or the hub."""

from pathlib import Path
from typing import get_args

from swarmctl.core.converting.request import USUAL
from swarmctl.core.gguf import GgufFacts
from swarmctl.core.model import Model
from swarmctl.core.placement.demand import Known
from swarmctl.core.quantisation import weigh
from swarmctl.core.spec import ModelSource, Quant, SwarmSpec
from swarmctl.effects.describe import describe
from swarmctl.effects.gguf import read_gguf
from swarmctl.effects.store import ModelStore
from swarmctl.effects.unconverted import NoBaseError, described_by, published_model
from swarmctl.errors import SpecError, SwarmctlError

QUANTS: tuple[str, ...] = get_args(Quant)


def known(spec: SwarmSpec, store: ModelStore | None = None) -> dict[str, Known]:
    """Facts of every model that a role uses, or that another model builds on.

    Only the header of a model that neither the catalogue nor the store has is fetched. Raises SpecError that names
    every model of which nothing is known, with the reason.
    """
    used = {name for name in spec.models if spec.users(name)}
    used |= {other for name in used for other in (spec.models[name].base, spec.models[name].draft) if other}
    found, lost = {}, []
    for name in (name for name in spec.models if name in used):
        try:
            found[name] = _of(name, spec, store)
        except SwarmctlError as e:
            lost.append(f"models.{name}: {e.message}")
    if lost:
        raise SpecError(
            "nothing is known of some models",
            detail="\n".join(lost),
            hint="name a file or folder that is here (path: …), or add the model to inventory/models",
        )
    return {name: one.on(found.get(spec.models[name].base or "")) for name, one in found.items()}


def _of(name: str, spec: SwarmSpec, store: ModelStore | None) -> Known:
    """Of an adapter that names no base, what the file says it is made of."""
    source = spec.models[name]
    try:
        return _known(source, spec.engine.kind, store)
    except NoBaseError:
        if (base := spec.models.get(source.base or "")) is None:
            raise
        return _known(base, spec.engine.kind, store)


def _known(source: ModelSource, engine: str, store: ModelStore | None) -> Known:
    held = store.described(source) if store and (source.path is None or Path(source.path).is_file()) else None
    if source.path is not None:
        return _held(held.facts) if held else _file(Path(source.path), source.quant)
    from swarmctl.effects import catalogue  # noqa: PLC0415 - not for files that are here

    card = catalogue.card(source)
    if card is None:
        return _held(held.facts) if held else _published(source)
    if engine == "vllm":
        return Known(card.model, {"F16": weigh(card.model, "F16")})
    if source.quant is not None:
        return _weighed(card.model)
    named = card.quant_of(source)
    if named is None:
        raise SpecError(f"{source.key}: its name does not say how it is quantised; name the quant instead")
    return Known(card.model, {named: weigh(card.model, named)})


def _file(path: Path, quant: str | None) -> Known:
    """A GGUF file as it is; a folder or config.json in every quantisation that it can be converted to, first the one
    that it would be where nobody says.
    """
    if path.suffix == ".gguf" or (path.is_file() and path.suffix not in {".json", ".safetensors"}):
        return _held(read_gguf(path))
    return _weighed(describe(described_by(path)), "" if quant else USUAL)


def _published(source: ModelSource) -> Known:
    """What the hub says of a model that is not in the catalogue."""
    from swarmctl.effects.remote import remote_gguf  # noqa: PLC0415 - an HTTP client costs 50 ms
    from swarmctl.effects.sources.hubaddress import address  # noqa: PLC0415 - as above

    if source.hf is None:
        raise SpecError(f"{source.key} is not in the catalogue, and not fetched yet")
    if source.file is not None:
        return _held(remote_gguf(address(source)))
    return _weighed(published_model(source))


def _held(facts: GgufFacts) -> Known:
    adapter = facts.file_bytes if facts.adapter else 0
    return Known(facts.model, {facts.weights.quant: facts.weights}, adapter)


def _weighed(model: Model, first: str = "") -> Known:
    quants = sorted(QUANTS, key=lambda quant: quant != first)
    return Known(model, {quant: weigh(model, quant) for quant in quants})
