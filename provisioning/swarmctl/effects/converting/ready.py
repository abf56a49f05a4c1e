"""Sources that are GGUF already: a file, or a model in Ollama's store; passed through, or quantised anew."""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from math import prod
from pathlib import Path

from swarmctl.core.converting.graph import Prepared
from swarmctl.core.converting.request import Asked
from swarmctl.core.gguf import GgufFacts
from swarmctl.core.quantisation import known, weigh
from swarmctl.effects import files
from swarmctl.effects.converting.identity import Hashes
from swarmctl.effects.converting.looking import Seen, rough
from swarmctl.effects.gguf import read_gguf, read_header
from swarmctl.errors import SpecError

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_WEIGHTS = "application/vnd.ollama.image.model"
_SPARE = 16 << 20


def file(asked: Asked, quants: tuple[str, ...], hashes: Hashes, path: Path | None = None) -> Seen:
    """A GGUF file. path: where it lies, if not where the source says. Raises SpecError for one that is no model."""
    where = path or Path(asked.where).expanduser().resolve()
    facts = read_gguf(where)
    have = facts.weights.quant
    largest = 2 * max(prod(tensor.shape) for tensor in read_header(where).tensors)
    ready = {have: where.name} if have in quants else {}
    sizes = {quant: facts.file_bytes if quant in ready else _size(facts, quant, largest) for quant in quants}
    content = f"gguf:{hashes.one(where)}"
    made = Prepared(asked, content, facts.file_bytes, sizes, largest, ready=ready)
    return Seen(made, {f"{asked.name}.gguf": where}, "gguf")


def _size(facts: GgufFacts, quant: str, largest: int) -> int:
    if facts.model.exact and known(quant):
        return weigh(facts.model, quant).total + _SPARE
    return rough(quant, facts.weights.parameters, largest // 2) + _SPARE


def ollama(asked: Asked, quants: tuple[str, ...], hashes: Hashes, environ: Mapping[str, str] = os.environ) -> Seen:
    """A model in the store of an Ollama on this machine. Raises SpecError where none has it."""
    store, manifest = _manifest(asked, environ)
    raw = files.read_json(manifest)
    layers = raw.get("layers") if isinstance(raw, dict) else None
    found = [
        layer["digest"]
        for layer in (layers if isinstance(layers, list) else ())
        if isinstance(layer, dict) and layer.get("mediaType") == _WEIGHTS and _named(layer.get("digest"))
    ]
    if len(found) != 1:
        raise SpecError(
            f"ollama:{asked.where}:{asked.revision} has {len(found)} files of weights; one can be converted",
            detail=str(manifest),
        )
    blob = store / "blobs" / found[0].replace(":", "-")
    if not blob.is_file():
        raise SpecError(
            f"{manifest} names a blob that is not there", detail=str(blob), hint=f"ollama pull {asked.where}"
        )
    seen = file(replace(asked, where=str(blob)), quants, hashes, blob)
    return replace(seen, source=replace(seen.source, asked=asked))


def _named(digest: object) -> bool:
    return isinstance(digest, str) and bool(_DIGEST.fullmatch(digest))


def _manifest(asked: Asked, environ: Mapping[str, str]) -> tuple[Path, Path]:
    """The store that has the model, and its manifest there. Raises SpecError."""
    named = environ.get("OLLAMA_MODELS")
    places = [Path(named)] if named else [Path.home() / ".ollama/models", Path("/usr/share/ollama/.ollama/models")]
    parts = asked.where.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        raise SpecError(f"ollama:{asked.where} is no name of a model")
    path = Path("library" if len(parts) == 1 else "", *parts)
    host = "" if len(parts) > 2 else "registry.ollama.ai"
    for place in places:
        manifest = place / "manifests" / host / path / asked.revision
        if manifest.is_file():
            return place, manifest
    raise SpecError(
        f"no Ollama of this machine has {asked.where}:{asked.revision}",
        detail="looked in " + ", ".join(map(str, places)),
        hint=f"ollama pull {asked.where}:{asked.revision}; or say where its models are: OLLAMA_MODELS=…",
    )
