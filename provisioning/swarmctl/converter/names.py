"""Names and layouts of a published model's matrices in GGUF, for the architectures whose matrices keep their shape."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import gguf

from swarmctl.converter.tensors import Array, Refused

_ARCHITECTURES = {
    "llama": "llama",
    "mistral": "llama",
    "smollm3": "smollm3",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
    "gemma2": "gemma2",
    "gemma3_text": "gemma3",
    "olmo2": "olmo2",
    "deepseek_v2": "deepseek2",
    "deepseek_v3": "deepseek2",
}
"""`model_type` of config.json → llama.cpp's name."""
_TURNED = frozenset({"llama", "smollm3"})
"""Their converter reorders the rows of queries and keys, for its own rotary embedding."""
_HEADLESS = frozenset({"gemma2", "gemma3"})
"""Their loader knows no head but the embedding, so an edit of that has no place in an adapter."""
_TURNED_PART = re.compile(r"blk\.\d+\.attn_([qk])\.weight")
EMBEDDING, HEAD = "token_embd.weight", "output.weight"


@dataclass(frozen=True, slots=True)
class Names:
    """One model's. layers: of the decoder. heads, kv_heads: rows of queries and keys belong to."""

    arch: str
    layers: int
    heads: int
    kv_heads: int

    @classmethod
    def of(cls, config: dict[str, Any]) -> "Names":
        """By config.json. Raises Refused for an architecture whose adapters are not written."""
        kind = config.get("model_type")
        arch = _ARCHITECTURES.get(kind) if isinstance(kind, str) else None
        if arch is None:
            known = ", ".join(sorted(_ARCHITECTURES))
            raise Refused(f"model_type {str(kind)[:40]!r} has no adapters here; these do: {known}")
        heads = _whole(config, "num_attention_heads", 0)
        return cls(arch, _whole(config, "num_hidden_layers", 0), heads, _whole(config, "num_key_value_heads", heads))

    def full(self, published: str) -> str | None:
        """The GGUF tensor that holds this one whole; None for parts of a stack of experts, and for unknown names."""
        if ".experts." in published or ".kv_b_proj." in published:
            return None
        return _names(self.arch, self.layers).get_name(published, (".weight", ".bias"))

    @property
    def headless(self) -> bool:
        """A base of this architecture cannot be given a head of its own."""
        return self.arch in _HEADLESS

    def turned(self, target: str, b: Array) -> Array:
        """Rows of B in the order in which the converter writes this matrix."""
        part = _TURNED_PART.fullmatch(target)
        heads = (self.heads if part[1] == "q" else self.kv_heads) if part else 0
        if self.arch not in _TURNED or not heads:
            return b
        halves = b.reshape(heads, 2, b.shape[0] // heads // 2, b.shape[1])
        return halves.swapaxes(1, 2).reshape(b.shape)


@cache
def _names(arch: str, layers: int) -> gguf.TensorNameMap:
    kinds = {name: kind for kind, name in gguf.MODEL_ARCH_NAMES.items()}
    return gguf.get_tensor_name_map(kinds[arch], layers)


def _whole(config: dict[str, Any], key: str, default: int) -> int:
    value = config.get(key, default)
    if type(value) is not int or not 0 < value < 1 << 20:
        raise Refused(f"config.json: {key} is {str(value)[:40]!r}, not a whole number above nothing")
    return value
