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
from swarmctl.converter.tensors import Refused, Tensor, document, tensors

CONFIG = "adapter_config.json"
_PART = re.compile(r"(?:base_model\.model\.)?(.+)\.lora_(embedding_)?([AB])(?:\.weight)?")


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
        alpha = next((value for key, value in self.alphas.items() if _names(key, module)), self.alpha)
        return alpha / (sqrt(rank) if self.rooted else rank)


def pairs(folder: Path, names: Names) -> list[Pair]:
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
    return [_pair(module, both, scale, names) for module, both in sorted(halves.items())]


def _pair(module: str, both: dict[str, Tensor], scale: _Scale, names: Names) -> Pair:
    embedding = "Ae" in both
    first, second = both.get("Ae" if embedding else "A"), both.get("Be" if embedding else "B")
    if first is None or second is None or len(both) != 2 or first.shape[0] != second.shape[1]:
        raise Refused(f"{module[:80]}: its halves do not fit together")
    target = names.full(f"{module}.weight")
    if target is None or (names.headless and target in {EMBEDDING, HEAD}):
        raise Refused(f"{module[:80]}: no single GGUF matrix of {names.arch} holds it; merge it into a model")
    a, b = first.read(), second.read() * np.float32(scale.at(module, first.shape[0]))
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise Refused(f"{module[:80]}: holds what is no number")
    if embedding:
        # PEFT looks columns of A up: the change of the embedding is the transposed product.
        return Pair(target, np.ascontiguousarray(a.T), np.ascontiguousarray(b.T))
    return Pair(target, names.turned(target, b), a)


def _plain(config: dict[str, Any]) -> None:
    more = [key for key in ("use_dora", "fan_in_fan_out", "modules_to_save", "megatron_config") if config.get(key)]
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
