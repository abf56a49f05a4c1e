"""A model as an OCI artifact, in a file or a registry: its manifest and config, written and read back strictly."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from swarmctl.errors import SpecError

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
KIND = "application/vnd.swarmctl.model.v1"
CONFIG = "application/vnd.swarmctl.model.config.v1+json"
DOCKER, _IMAGE = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.container.image.v1+json",
)
"""What a registry is given: Ollama asks for manifests of this type alone, so it can pull what is pushed here."""
WEIGHTS = "application/vnd.ollama.image.model"
_READ = (WEIGHTS, "application/vnd.swarmctl.model.gguf")
SCHEMA = "swarmctl/model/v1"
LARGEST = 4 << 20
"""Bytes of a manifest, index or config; a certificate has some ten thousand."""
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_HOST = r"(?:localhost|\w[\w.-]*\.[\w-]+|\[[0-9a-f:]+\]|\w[\w.-]*(?=:))(?::\d{1,5})?"
_REFERENCE = re.compile(rf"({_HOST})/([a-z0-9]+(?:[._/-][a-z0-9]+)*)(?::([\w][\w.-]{{0,127}}))?")


@dataclass(frozen=True, slots=True)
class Carried:
    """A model that travels. key: in the store. conversion: how it was made; certificate: its proof; or None."""

    key: str
    sha256: str
    bytes: int
    conversion: Mapping[str, Any] | None = None
    certificate: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a registry has, or is to have, a model. tag: "" where it is left out."""

    host: str
    name: str
    tag: str = ""

    def __str__(self) -> str:
        return f"{self.host}/{self.name}{f':{self.tag}' if self.tag else ''}"


def reference(text: str) -> Reference:
    """`localhost:5000/models/coder:q4_k_m`. Raises SpecError."""
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise SpecError(
            f"{text[:120]!r} names no registry", hint="as localhost:5000/models, or registry.example.com/me/models:tag"
        )
    return Reference(found[1], found[2], found[3] or "")


def config(model: Carried) -> bytes:
    """The config of its manifest."""
    value = {
        "model_format": "gguf", "schema": SCHEMA, "key": model.key, "conversion": model.conversion,
        "certificate": model.certificate,
    }  # fmt: skip
    return json.dumps(value, sort_keys=True).encode()


def manifest(model: Carried, title: str, kind: str = MANIFEST) -> bytes:
    """Its manifest, as OCI or as DOCKER has it: the same model gives the same bytes."""
    said = config(model)
    layer = {
        "mediaType": WEIGHTS, "digest": f"sha256:{model.sha256}", "size": model.bytes,
        "annotations": {"org.opencontainers.image.title": f"{title}.gguf"},
    }  # fmt: skip
    about = {"mediaType": MANIFEST, "artifactType": KIND} if kind == MANIFEST else {"mediaType": DOCKER}
    held = {"mediaType": CONFIG if kind == MANIFEST else _IMAGE, "digest": digest(said), "size": len(said)}
    value = {"schemaVersion": 2, **about, "config": held, "layers": [layer]}
    return json.dumps(value, sort_keys=True).encode()


def digest(data: bytes) -> str:
    """As OCI writes it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a manifest names: its config and the weights, by digest and bytes."""

    config: str
    weights: str
    bytes: int


def parts(raw: bytes) -> Parts:
    """What a manifest of ours names. Raises SpecError for any other."""
    value = _mapping(raw, "the manifest")
    layers = value.get("layers")
    layer = layers[0] if isinstance(layers, list) and len(layers) == 1 else None
    held = value.get("config")
    if not isinstance(layer, dict) or layer.get("mediaType") not in _READ or not isinstance(held, dict):
        raise SpecError("this is no model that swarmctl pushed or exported")
    size = layer.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size < 1 << 50:
        raise SpecError("the manifest says no size of the weights")
    return Parts(_digest(held.get("digest")), _digest(layer.get("digest")), size)


def carried(raw: bytes, found: Parts) -> Carried:
    """The model that a config describes. Raises SpecError."""
    value = _mapping(raw, "the config")
    key, conversion, certificate = (value.get(name) for name in ("key", "conversion", "certificate"))
    good = value.get("schema") == SCHEMA and isinstance(key, str) and 0 < len(key) < 1000 and key.isprintable()
    if not good or not all(isinstance(one, dict | None) for one in (conversion, certificate)):
        raise SpecError("the model's config is not one of ours")
    return Carried(str(key), found.weights, found.bytes, conversion, certificate)


def _mapping(raw: bytes, what: str) -> dict[str, Any]:
    if len(raw) > LARGEST:
        raise SpecError(f"{what} has {len(raw):,} bytes; up to {LARGEST:,} are read")
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise SpecError(f"{what} is no JSON") from None
    if not isinstance(value, dict):
        raise SpecError(f"{what} is no mapping")
    return value


def _digest(value: object) -> str:
    found = _DIGEST.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise SpecError("the manifest names something by no sha256")
    return found[1]
