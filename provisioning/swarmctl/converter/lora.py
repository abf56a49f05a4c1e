"""A LoRA adapter as PEFT saves it, as the pairs that our writer takes."""

import fnmatch
import re
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from swarmctl.converter.adapter import Pair
from swarmctl.converter.names import EMBEDDING, HEAD, Names
from swarmctl.converter.tensors import Array, Refused, Tensor, document, tensors

CONFIG = "adapter_config.json"
_PART = re.compile(r"(?:base_model\.model\.)?(.+)\.lora_(embedding_)?([AB])(?:\.weight)?")


_KNOWN = frozenset(
    {
        "alpha_pattern", "auto_mapping", "base_model_name_or_path", "bias", "corda_config", "ensure_weight_tying",
        "eva_config", "exclude_modules", "inference_mode", "init_lora_weights", "layers_pattern",
        "layers_to_transform", "loftq_config", "lora_alpha", "lora_dropout", "megatron_core", "peft_type",
        "peft_version", "qalora_group_size", "r", "rank_pattern", "revision", "runtime_config", "target_modules",
        "task_type", "unsloth_fixed", "use_rslora",
    }
)  # fmt: skip
"""Keys of adapter_config.json that change nothing in what B·A means, or that are minded here; others are refused."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """What each module's product is multiplied with."""

    rank: int
    alpha: float
    rooted: bool
    ranks: dict[str, int]
    alphas: dict[str, float]

    @classmethod
    def of(cls, config: dict[str, Any]) -> "_Scale":
        rank, alpha = config.get("r", 0), config.get("lora_alpha", 0)
        ranks, alphas = config.get("rank_pattern") or {}, config.get("alpha_pattern") or {}
        if not _number(rank) or not _number(alpha) or not isinstance(ranks, dict) or not isinstance(alphas, dict):
            raise Refused(
                f"{CONFIG}: r and lora_alpha are {str(rank)[:20]!r} and {str(alpha)[:20]!r}, not numbers above 0"
            )
        bad = [key for key, value in [*ranks.items(), *alphas.items()] if not _number(value)]
        if bad:
            raise Refused(f"{CONFIG}: the pattern {bad[0][:60]!r} gives no number above nothing")
        return cls(rank, alpha, config.get("use_rslora") is True, ranks, alphas)

    def at(self, module: str, rank: int) -> float:
        wanted = next((value for key, value in self.ranks.items() if _names(key, module)), self.rank)
        if rank != wanted:
            raise Refused(f"{module[:80]}: its rank is {rank}, {CONFIG} says {wanted}")
        alpha = next((value for key, value in self.alphas.items() if _names(key, module)), self.alpha)
        return alpha / (sqrt(rank) if self.rooted else rank)


@dataclass(frozen=True, slots=True)
class Product:
    """What is added to one matrix as it is published, B·A. module: its name without `.weight`. b: scaled."""

    module: str
    a: Array
    b: Array


def products(folder: Path) -> list[Product]:
    """B·A of every module, scaled. Raises Refused for what is more than a sum of low-rank products."""
    config = document(folder / CONFIG)
    _plain(config)
    scale = _Scale.of(config)
    halves: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors(folder).items():
        part = _PART.fullmatch(name)
        if part is None or len(tensor.shape) != 2:
            raise Refused(f"{tensor.file.name}: {name[:80]} is no half of a low-rank product; merge it into a model")
        halves.setdefault(part[1], {})[part[3] + ("e" if part[2] else "")] = tensor
    if not halves:
        raise Refused(f"{folder.name}: the adapter holds no products")
    return [_product(module, both, scale) for module, both in sorted(halves.items())]


def _product(module: str, both: dict[str, Tensor], scale: _Scale) -> Product:
    embedding = "Ae" in both
    first, second = both.get("Ae" if embedding else "A"), both.get("Be" if embedding else "B")
    if first is None or second is None or len(both) != 2 or first.shape[0] != second.shape[1]:
        raise Refused(f"{module[:80]}: its halves do not fit together")
    a, b = first.read(), second.read() * np.float32(scale.at(module, first.shape[0]))
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise Refused(f"{module[:80]}: holds what is no number")
    if embedding:
        # PEFT looks columns of A up: the change of the embedding is the transposed product.
        return Product(module, np.ascontiguousarray(b.T), np.ascontiguousarray(a.T))
    return Product(module, a, b)


def pairs(folder: Path, names: Names) -> list[Pair]:
    """The same as our writer takes them. Raises Refused, also for what no single GGUF matrix holds."""
    return [_pair(product, names) for product in products(folder)]


def _pair(product: Product, names: Names) -> Pair:
    target = names.full(f"{product.module}.weight")
    if target is None or (names.headless and target in {EMBEDDING, HEAD}):
        raise Refused(f"{product.module[:80]}: no single GGUF matrix of {names.arch} holds it; merge it into a model")
    return Pair(target, names.turned(target, product.b), product.a)


def _plain(config: dict[str, Any]) -> None:
    more = sorted(key for key, value in config.items() if value and key not in _KNOWN)
    if config.get("bias", "none") != "none":
        more.append("bias")
    if config.get("peft_type", "LORA") != "LORA" or more:
        what = ", ".join(more) or f"peft_type {str(config.get('peft_type'))[:20]}"
        raise Refused(f"{CONFIG}: {what}: more than low-rank products; merge it into a model and convert that")


def _names(pattern: str, module: str) -> bool:
    """PEFT matches a pattern against the end of a module's name."""
    try:
        return re.fullmatch(rf"(?:.*\.)?(?:{pattern})", module) is not None
    except re.error:
        return fnmatch.fnmatchcase(module, pattern)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1 << 20
