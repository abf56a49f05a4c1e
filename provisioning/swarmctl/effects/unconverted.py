"""Published weights as planning sees them: the file that will become of them, before they are converted."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from swarmctl.core.architectures import tensors
from swarmctl.core.converting.request import USUAL
from swarmctl.core.gguf import GgufFacts
from swarmctl.core.model import Model
from swarmctl.core.observed import Source
from swarmctl.core.quantisation import weigh
from swarmctl.core.spec import ModelSource, SwarmSpec
from swarmctl.effects import files
from swarmctl.effects.describe import describe
from swarmctl.errors import HostError, SpecError

ADAPTER = "adapter_config.json"
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_SETTINGS = 4 << 20
"""Bytes of a tokenizer's settings; templates have some ten thousand."""


def is_published(source: ModelSource) -> bool:
    """It names a folder, which no server reads, and which has no hash of its own."""
    return source.path is not None and source.sha256 is None and Path(source.path).is_dir()


def is_weights(source: ModelSource) -> bool:
    """It names weights as they are published, here or on the hub, which are converted before they are served."""
    return is_published(source) or (source.hf is not None and source.file is None)


class NoBaseError(SpecError):
    """An adapter does not say of which model it is; the swarm file may."""


def unconverted(source: ModelSource) -> Source:
    """What is known of it from config.json and the headers of its tensors; of a repository from the catalogue, or its
    config.json. Nothing of one whose hub does not answer, nor of an adapter that names no base. Raises SpecError.
    """
    quant = source.quant or USUAL
    cause = f"converted to {quant} from {source.path or f'hf:{source.hf}@{source.revision}'}"
    try:
        if source.path is not None:
            folder = Path(source.path).expanduser()
            model, template = describe(described_by(folder)), _template(folder)
        else:
            model, template = published_model(source), True
    except HostError as e:
        return Source(source.key, cause=f"{cause} ({e.message})")
    except NoBaseError:
        return Source(source.key, cause=cause)
    weights = weigh(model, quant)
    facts = GgufFacts(model, weights, None, len(tensors(model)), weights.total, template)
    return Source(source.key, facts=facts, cause=cause)


def of_bases(spec: SwarmSpec, sources: Mapping[str, Source]) -> dict[str, Source]:
    """The same, with facts of the base that the swarm file names for adapters which name none."""
    found = dict(sources)
    for source in spec.models.values():
        seen, base = sources[source.key], spec.models.get(source.base or "")
        if base is not None and seen.facts is None and not seen.problem and is_weights(source):
            found[source.key] = replace(seen, facts=sources[base.key].facts)
    return found


def published_model(source: ModelSource) -> Model:
    """What a repository of weights holds; of an adapter its base. Raises SpecError, HostError."""
    from swarmctl.effects import catalogue  # noqa: PLC0415 - only where something is still to be converted
    from swarmctl.effects.remote import remote_config, remote_json  # noqa: PLC0415 - an HTTP client costs 50 ms
    from swarmctl.effects.sources.hubaddress import address  # noqa: PLC0415 - as above

    card = catalogue.card(source)
    if card is not None:
        return card.model
    try:
        return remote_config(address(source.model_copy(update={"file": "config.json"})), source.hf or "")
    except SpecError as missing:
        try:
            said = remote_json(address(source.model_copy(update={"file": ADAPTER}))).get("base_model_name_or_path")
        except SpecError:
            raise missing from None
    if not isinstance(said, str) or not _REPOSITORY.fullmatch(said):
        raise NoBaseError(f"{source.hf} is an adapter and does not say of which model")
    return remote_config(address(ModelSource(hf=said, file="config.json")), said)


def described_by(folder: Path) -> Path:
    """The folder whose config.json describes the model; of an adapter that of its base, where that is here.

    Raises NoBaseError.
    """
    if not (folder / ADAPTER).is_file():
        return folder
    raw = files.read_json(folder / ADAPTER)
    base = raw.get("base_model_name_or_path") if isinstance(raw, dict) else None
    if isinstance(base, str) and Path(base).is_dir():
        return Path(base)
    if not (folder / "config.json").is_file():
        raise NoBaseError(f"{folder} is an adapter and does not say of which model")
    return folder


def _template(folder: Path) -> bool:
    """A chat template is published with it."""
    if (folder / "chat_template.jinja").is_file():
        return True
    path = folder / "tokenizer_config.json"
    raw = files.read_json(path) if path.is_file() and path.stat().st_size < _SETTINGS else None
    return isinstance(raw, dict) and bool(raw.get("chat_template"))
