"""What a GGUF header says of a model, and the rules by which a header makes sense."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from swarmctl.errors import SpecError

TYPES: dict[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 40), 10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8),
    28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17), 40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18),
}  # fmt: skip
"""Tensor types by number: name, elements in a block, bytes of a block."""

TOKENS = "tokenizer.ggml.tokens"
_NEEDED = ("block_count", "embedding_length", "attention.head_count", "context_length")
_SPECIAL = {
    "expert_count": "experts",
    "attention.sliding_window": "a sliding window",
    "ssm.state_size": "recurrent layers",
    "wkv.head_size": "recurrent layers",
    "attention.kv_lora_rank": "latent attention",
}


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
    """A model's shape; sizes in bytes, widths in elements, contexts in tokens.

    head_count_kv is the most that a layer has, kv_heads the sum over all layers (hybrids differ by layer).
    has_output: an output matrix of its own (untied). special: features that the memory model only bounds.
    """

    architecture: str
    name: str
    block_count: int
    embedding_length: int
    feed_forward_length: int
    head_count: int
    head_count_kv: int
    kv_heads: int
    key_length: int
    value_length: int
    context_length: int
    vocab_size: int
    tensor_bytes: int
    token_embd_bytes: int
    has_output: bool
    file_type: int | None
    tensors: int
    file_bytes: int
    chat_template: bool
    special: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The facts as JSON values."""
        return {**asdict(self), "special": list(self.special)}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "GgufFacts":
        """The facts read back. Raises SpecError when a field is missing or unknown."""
        names = {field.name for field in fields(cls)}
        if set(raw) - names or names - {"special"} - set(raw):
            raise SpecError(f"these are no facts of a model: {', '.join(sorted(set(raw) ^ names))}")
        return cls(**{**raw, "special": tuple(raw.get("special", ()))})


def tensor_bytes(shape: Sequence[int], kind: int) -> int:
    """Bytes of one tensor. Raises ValueError with the reason for a type or shape that cannot be."""
    if kind not in TYPES:
        raise ValueError(f"has type {kind}, which is unknown")
    name, block, size = TYPES[kind]
    if min(shape, default=0) < 1:
        raise ValueError(f"has an empty shape: {'×'.join(map(str, shape)) or 'no dimensions'}")
    if shape[0] % block:
        raise ValueError(f"has rows of {shape[0]}, which {name} cannot store (blocks of {block})")
    elements = 1
    for n in shape:
        elements *= n
    if elements >= 1 << 63:
        raise ValueError(f"claims {elements:.1e} elements")
    return elements // block * size


def facts(header: Header) -> GgufFacts:
    """The facts of a whole language model. Raises SpecError when it is none, or keys are missing."""
    meta = header.metadata
    architecture = _architecture(meta)
    prefix = f"{architecture}."
    own = {key.removeprefix(prefix): value for key, value in meta.items() if key.startswith(prefix)}
    by_name = {tensor.name: tensor for tensor in header.tensors}
    if missing := [f"{architecture}.{key}" for key in _NEEDED if key not in own]:
        raise SpecError(f"the header lacks {', '.join(missing)}")
    if "token_embd.weight" not in by_name:
        raise SpecError("there is no tensor token_embd.weight: this is no language model")
    layers, width = _number(own, "block_count"), _number(own, "embedding_length")
    heads = max(_per_layer(own, "attention.head_count", layers))
    kv = _per_layer(own, "attention.head_count_kv", layers, default=heads)
    embd = by_name["token_embd.weight"]
    tokens = meta.get(TOKENS)
    head = width // heads if heads else 0
    return GgufFacts(
        architecture=architecture,
        name=str(meta.get("general.name", "")),
        block_count=layers,
        embedding_length=width,
        feed_forward_length=max(_per_layer(own, "feed_forward_length", layers, default=0)),
        head_count=heads,
        head_count_kv=max(kv),
        kv_heads=sum(kv),
        key_length=_number(own, "attention.key_length", head),
        value_length=_number(own, "attention.value_length", head),
        context_length=_number(own, "context_length"),
        vocab_size=tokens.count if isinstance(tokens, Array) else embd.shape[-1],
        tensor_bytes=sum(tensor.bytes for tensor in header.tensors),
        token_embd_bytes=embd.bytes,
        has_output="output.weight" in by_name,
        file_type=_number(meta, "general.file_type", -1) if "general.file_type" in meta else None,
        tensors=len(header.tensors),
        file_bytes=header.size,
        chat_template="tokenizer.chat_template" in meta,
        special=tuple(sorted({word for key, word in _SPECIAL.items() if own.get(key)})),
    )


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


def _number(own: Mapping[str, Any], key: str, default: int = 0) -> int:
    """A whole number that is not negative."""
    value = own.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or (value < 0 and value != default):
        raise SpecError(f"the header's {key} is {value!r}, not a whole number")
    return value


def _per_layer(own: Mapping[str, Any], key: str, layers: int, default: int | None = None) -> list[int]:
    """One number for each layer; the header may give one for all. `layers` must be sane."""
    if not 0 < layers <= 4096:
        raise SpecError(f"the header claims {layers} layers")
    value = own.get(key, default)
    if isinstance(value, Array):
        if len(value.items) < layers or min(value.items) < 0:
            raise SpecError(f"the header's {key} has {value.count} items for {layers} layers")
        return list(value.items[:layers])
    return [_number({key: value}, key)] * layers
