"""What a GGUF header says of a model, and the rules by which a header makes sense."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from swarmctl.core.architectures import from_keys, optional_tensors, tensors
from swarmctl.core.architectures.gptoss import NATIVE
from swarmctl.core.architectures.shape import OPTIONAL
from swarmctl.core.ggmltypes import FILES, TYPES
from swarmctl.core.model import Model, Weights
from swarmctl.core.quantisation import part
from swarmctl.errors import SpecError

TOKENS = "tokenizer.ggml.tokens"
_KEYS = 256
"""More keys than this no architecture has; the rest is not kept."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor as the header lists it: elements per dimension, bytes as stored, offset in the data."""

    name: str
    shape: tuple[int, ...]
    kind: int
    bytes: int
    offset: int


@dataclass(frozen=True, slots=True)
class Array:
    """An array of the header: how many items; the items themselves only of short arrays of whole numbers."""

    count: int
    items: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Header:
    """All that is kept of a file's header. data: where tensor data begins; size: of the file (bytes)."""

    metadata: Mapping[str, Any]
    tensors: Sequence[Tensor]
    data: int
    size: int


@dataclass(frozen=True, slots=True)
class GgufFacts:
    """A model file: its architecture, the bytes of its tensors by where they go, and what else its header says.

    adapter: the file holds an edit of such a model, and none of its weights.
    """

    model: Model
    weights: Weights
    file_type: int | None
    tensors: int
    file_bytes: int
    chat_template: bool
    adapter: bool = False

    def as_json(self) -> dict[str, Any]:
        """The facts as JSON values; layers are left out, the keys say them."""
        model = self.model
        return {
            "architecture": model.architecture,
            "name": model.name,
            "keys": dict(model.keys),
            "vocab": model.vocab,
            "tied": model.tied,
            "exact": model.exact,
            "weights": asdict(self.weights),
            "file_type": self.file_type,
            "tensors": self.tensors,
            "file_bytes": self.file_bytes,
            "chat_template": self.chat_template,
            **({"adapter": True} if self.adapter else {}),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "GgufFacts":
        """The facts read back. Raises SpecError when they are not what `as_json` gives."""
        try:
            keys = {key: tuple(v) if isinstance(v, list) else v for key, v in raw["keys"].items()}
            model = from_keys(raw["architecture"], raw["name"], keys, raw["vocab"], raw["tied"])
            return cls(
                replace(model, exact=model.exact and raw["exact"]),
                Weights(**raw["weights"]),
                raw["file_type"],
                raw["tensors"],
                raw["file_bytes"],
                raw["chat_template"],
                raw.get("adapter") is True,
            )
        except (KeyError, TypeError, AttributeError) as e:
            raise SpecError(f"these are no facts of a model: {e}") from None


def tensor_bytes(shape: Sequence[int], kind: int) -> int:
    """Bytes of one tensor. Raises ValueError with the reason for a type or shape that cannot be."""
    if kind not in TYPES:
        raise ValueError(f"has type {kind}, which is unknown")
    name, block, size = TYPES[kind]
    if min(shape, default=0) < 1:
        raise ValueError(f"has an empty shape: {'×'.join(map(str, shape)) or 'no dimensions'}")
    if shape[0] % block:
        raise ValueError(f"has rows of {shape[0]}, which {name} cannot store (blocks of {block})")
    elements = math.prod(shape)
    if elements >= 1 << 63:
        raise ValueError(f"claims {elements:.1e} elements")
    return elements // block * size


def from_header(header: Header) -> Model:
    """The model that a header describes; not `exact` when it has other tensors than its architecture demands.

    Raises SpecError when it is no whole language model, or its keys are missing or impossible.
    """
    meta = header.metadata
    architecture = _architecture(meta)
    names = {tensor.name: tensor for tensor in header.tensors}
    if "token_embd.weight" not in names:
        raise SpecError("there is no tensor token_embd.weight: this is no language model")
    tokens = meta.get(TOKENS)
    vocab = tokens.count if isinstance(tokens, Array) else names["token_embd.weight"].shape[-1]
    keys = _own(meta, f"{architecture}.")
    native = {NATIVE} if any("_exps." in t.name and TYPES[t.kind][0] == "MXFP4" for t in header.tensors) else set()
    keys[OPTIONAL] = optional_tensors(architecture, names.keys() | native, keys.get("block_count", 0))
    name = str(meta.get("general.name", ""))
    model = from_keys(architecture, name, keys, vocab, tied="output.weight" not in names)
    if model.exact and {spec.name for spec in tensors(model)} != names.keys():
        return replace(model, exact=False)
    return model


def weights(listed: Iterable[Tensor], quant: str) -> Weights:
    """Bytes of a file's tensors by where they go."""
    sums = {"embedding": 0, "output": 0, "experts": 0, "rest": 0}
    elements = 0
    for tensor in listed:
        sums[part(tensor.name)] += tensor.bytes
        elements += math.prod(tensor.shape)
    return Weights(quant, **sums, parameters=elements)


def facts(header: Header) -> GgufFacts:
    """The facts of a whole language model. Raises SpecError when it is none, or keys are missing or impossible."""
    kind = header.metadata.get("general.file_type")
    kind = kind if isinstance(kind, int) and not isinstance(kind, bool) else None
    return GgufFacts(
        model=from_header(header),
        weights=weights(header.tensors, FILES.get(-1 if kind is None else kind) or _prevailing(header.tensors)),
        file_type=kind,
        tensors=len(header.tensors),
        file_bytes=header.size,
        chat_template="tokenizer.chat_template" in header.metadata,
    )


def _prevailing(listed: Iterable[Tensor]) -> str:
    """The type that most bytes have."""
    sums: dict[int, int] = {}
    for tensor in listed:
        sums[tensor.kind] = sums.get(tensor.kind, 0) + tensor.bytes
    return TYPES[max(sums, key=sums.__getitem__)][0]


def _own(meta: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The architecture's keys without its prefix: numbers, words, and short arrays of whole numbers."""
    own: dict[str, Any] = {}
    for key, value in meta.items():
        if not key.startswith(prefix) or len(own) >= _KEYS:
            continue
        if isinstance(value, Array):
            if len(value.items) == value.count:
                own[key.removeprefix(prefix)] = value.items
        elif isinstance(value, int | str) or math.isfinite(value):
            own[key.removeprefix(prefix)] = value
    return own


def _architecture(meta: Mapping[str, Any]) -> str:
    kind, parts = meta.get("general.type", "model"), meta.get("split.count", 0)
    if kind != "model":
        raise SpecError(f"this is a GGUF file of type {kind!r}, not a model")
    if isinstance(parts, int) and parts > 1:
        raise SpecError(
            f"this is one of {parts} parts of a split model",
            hint="llama-gguf-split --merge FIRST-PART WHOLE.gguf",
        )
    architecture = meta.get("general.architecture")
    if not isinstance(architecture, str) or not architecture:
        raise SpecError("the header lacks general.architecture")
    return architecture
